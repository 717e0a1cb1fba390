"""The fault table can be read: in a pipe by programs, in a narrow terminal and in a wide one by people."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from tests.fault import report
from tests.fault.rows import Result

TITLE = "relays killed between the broker's confirm and their mark, search between index and mark"


def _printed(width: int, *, terminal: bool) -> list[str]:
    results = [
        Result("4", 1, TITLE, acknowledged=24_001, stored=24_002, indexed=24_003, notified=24_004, parked=5),
        Result("6u", 2, TITLE, duplicates_seen=1_231, redelivered=1_232, recovery_seconds=33.34, verdict="failed"),
    ]
    documents: list[dict[str, Any]] = [result.document() for result in results]
    file = io.StringIO()
    report.show(documents, Console(file=file, width=width, force_terminal=terminal, color_system=None))
    return file.getvalue().replace("\u00a0", " ").splitlines()


def test_a_pipe_gets_one_line_a_row_with_every_figure_and_nothing_cut() -> None:
    head, *rows = [line.split("\t") for line in _printed(80, terminal=False)]
    assert [len(row) for row in rows] == [len(head)] * 2
    first, second = (dict(zip(head, row, strict=True)) for row in rows)
    assert first["fault"] == TITLE
    assert [first[name] for name in ("row", "acked", "stored", "indexed", "notified", "parked")] == [
        "4", "24001", "24002", "24003", "24004", "5",
    ]  # fmt: skip
    assert (second["redeliv."], second["recovery"], second["verdict"]) == ("1232", "33.3 s", "failed")


def test_80_columns_show_every_figure_beside_its_name() -> None:
    lines = _printed(80, terminal=True)
    assert max(map(len, lines)) <= 80
    text = " ".join(line.strip() for line in lines)
    for words in ("acked 24001", "notified 24004", "dup. seen 1231", "redeliv. 1232", "recovery 33.3 s", TITLE):
        assert words in text


def test_a_wide_terminal_shows_a_table_with_whole_figures() -> None:
    lines = _printed(160, terminal=True)
    assert max(map(len, lines)) <= 160
    assert any("4" in line and "24001" in line and "24004" in line for line in lines)
