"""What an event holds cannot move the cursor, recolour or rename an operator's terminal."""

from __future__ import annotations

from services.cli.printable import printable


def test_control_characters_are_written_out_and_text_stays_as_it_is() -> None:
    assert printable("\x1b[31m\x07\x9b2J\r\u202e") == "\\x1b[31m\\x07\\x9b2J\\r\\u202e"
    assert printable("六楼水龙头\n\té 🙂") == "六楼水龙头\n\té 🙂"
