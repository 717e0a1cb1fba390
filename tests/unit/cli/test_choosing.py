"""An operator may give the beginning of an id, and never hits another event with it."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from services.chassis.clock import SystemClock
from services.chassis.errors import StartError
from services.cli.choosing import Choice, choosing


def test_a_beginning_that_one_event_has_is_that_event() -> None:
    assert Choice(event_id="0199").settled(["0199-a"]) == Choice(event_id="0199-a", whole=True)


def test_the_same_event_twice_is_one_event() -> None:
    assert Choice(event_id="0199").settled(["0199-a", "0199-a"]).event_id == "0199-a"


def test_an_id_given_whole_is_meant_even_if_others_begin_so() -> None:
    settled = Choice(event_id="event-1").settled(["event-1", "event-10"])
    chosen = settled.test(SystemClock().now())
    assert chosen("event-1", "", "", "", "")
    assert not chosen("event-10", "", "", "", "")


@pytest.mark.parametrize(("ids", "words"), [(["0199-a", "0199-b"], "2 events"), ([], "no event")])
def test_a_beginning_of_several_or_none_is_refused(ids: list[str], words: str) -> None:
    with pytest.raises(StartError, match=words):
        Choice(event_id="0199").settled(ids)


def test_a_command_gets_its_filters_together_and_keeps_its_own_options() -> None:
    app = typer.Typer()
    got: list[tuple[str, Choice, int]] = []

    @app.command()
    @choosing
    def command(choice: Choice, queue: Annotated[str, typer.Argument()], limit: int = 5) -> None:
        """Does something."""
        got.append((queue, choice, limit))

    done = CliRunner().invoke(app, ["q", "--id", "x", "--since", "2h", "--code", "c", "--limit", "7"])
    assert done.exit_code == 0, done.output
    assert got == [("q", Choice(event_id="x", since="2h", code="c"), 7)]


def test_a_filter_that_makes_no_sense_is_no_option() -> None:
    app = typer.Typer()

    def command(choice: Choice) -> None:
        """Does something."""

    app.command()(choosing(command, without={"code"}))
    assert CliRunner().invoke(app, ["--code", "c"]).exit_code == 2
    assert CliRunner().invoke(app, ["--type", "t"]).exit_code == 0
