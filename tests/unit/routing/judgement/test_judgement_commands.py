"""`wenzheng judge`: what it prints, what it refuses, what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.chassis.errors import Refusal
from services.routing.commands import app
from services.routing.directory_file import SAMPLE
from services.routing.judgement.training_file import Row
from tests.unit.routing.judgement.decided import rows, written

RUN = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    written(folder / "train.jsonl.gz", rows(180))
    written(folder / "test.jsonl", rows(60, seed=2))
    said("train", str(folder / "train.jsonl.gz"), "--out", str(folder / "model"))
    return folder


def said(*arguments: str) -> str:
    result = RUN.invoke(app, ["judge", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_training_says_what_it_learned_from_and_leaves_one_file(folder: Path) -> None:
    text = said("train", str(folder / "train.jsonl.gz"), "--out", str(folder / "other"))
    assert "180 learned from" in text
    assert sorted(path.name for path in folder.iterdir() if "other" in path.name) == ["other"]
    (folder / "other").unlink()


def test_evaluating_prints_one_object_with_the_promised_keys(folder: Path) -> None:
    found = json.loads(said("evaluate", str(folder / "model"), str(folder / "test.jsonl"), "--json"))
    assert set(found) == {"rows", "macro_f1", "per_class", "macro_f1_at_85", "ece", "ms_per_petition"}
    assert found["rows"] == 60
    assert found["macro_f1"] >= 0.95


def test_evaluating_shows_every_label_to_a_reader(folder: Path) -> None:
    text = said("evaluate", str(folder / "model"), str(folder / "test.jsonl"))
    assert "供热" in text
    assert "Macro-F1" in text


def test_each_petition_that_was_judged_can_be_written_down(folder: Path, tmp_path: Path) -> None:
    said("evaluate", str(folder / "model"), str(folder / "test.jsonl"), "--json", "--rows", str(tmp_path / "rows"))
    lines = [json.loads(line) for line in (tmp_path / "rows").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [row.id for row in rows(60, seed=2)]
    assert set(lines[0]) == {"id", "label", "said", "confidence", "abstains"}


def test_explaining_shows_words_and_past_petitions(folder: Path) -> None:
    arguments = ("explain", str(folder / "model"), "--title", "末班公交车提前收班", "--body", "等车的学生站在雨里")
    text = said(*arguments)
    assert "公交" in text
    assert "Nearest past petitions" in text
    found = json.loads(said(*arguments, "--json"))
    assert found["label"] == "公交"
    assert found["neighbours"][0]["label"] == "公交"


def test_explaining_nothing_says_that_nothing_can_be_said(folder: Path) -> None:
    assert "no_text" in said("explain", str(folder / "model"))


def test_a_directory_judges_where_there_is_no_model(tmp_path: Path) -> None:
    row = Row("路灯坏了", "小学门口的路灯三天不亮", "urban-management")
    file = written(tmp_path / "rows", [row])
    found = json.loads(said("evaluate", str(SAMPLE), str(file), "--json"))
    assert found["macro_f1"] == 1.0
    assert "urban-management" in said(
        "explain", str(SAMPLE), "--title", row.title, "--body", row.body
    ) or "路灯" in said("explain", str(SAMPLE), "--title", row.title, "--body", row.body)


def test_what_others_wrote_cannot_steer_a_terminal(tmp_path: Path) -> None:
    file = written(
        tmp_path / "rows", [*rows(30), Row("\x1b[2J[red]暖气不热", "热力站夜里停泵", "供\x1b[31m热", "x\x07")]
    )
    said("train", str(file), "--out", str(tmp_path / "model"))
    text = said("explain", str(tmp_path / "model"), "--title", "暖气不热", "--body", "热力站夜里停泵")
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_wrong_file_leaves_the_old_model_as_it_was(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"old")
    (tmp_path / "rows").write_text("title,body,label\n", encoding="utf-8")
    with pytest.raises(Refusal, match="no JSON"):
        RUN.invoke(
            app, ["judge", "train", str(tmp_path / "rows"), "--out", str(tmp_path / "model")], catch_exceptions=False
        )
    assert (tmp_path / "model").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "rows"]


def test_rows_that_say_nothing_are_told(tmp_path: Path) -> None:
    file = written(tmp_path / "rows", [*rows(30), Row("😀", "", "供热")])
    result = RUN.invoke(app, ["judge", "train", str(file), "--out", str(tmp_path / "model")], catch_exceptions=False)
    assert "1 rows were left out [no_text]" in result.stderr
