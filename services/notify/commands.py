"""Notify's part of the command line: look at what was not delivered, and send it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.settings import load
from services.chassis.there import open_there
from services.notify import sending, store
from services.notify.masks import mask_address
from services.notify.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Messages to citizens, units and portals.")
notices = typer.Typer(no_args_is_help=True, help="Messages that were not delivered.")
app.add_typer(notices, name="notices")

#: Refusals of ``resend`` by the code that ``sending.send_again`` returns.
_REFUSALS = {
    "no_such_message": "there is no message %(id)s: see wenzheng notices failed",
    "not_failed": "message %(id)s is neither failed nor in doubt, so that it is not sent again",
    "no_sender": "message %(id)s has no channel it could be sent by",
}


def _house() -> House[Settings]:
    return open_there("notify", load(Settings, "notify"))


@notices.command("failed")
def failed(
    skipped: Annotated[bool, typer.Option(help="Also those that nothing can send: a telephone number only, …")] = False,
) -> None:
    """List messages that failed or are in doubt: id, number, occasion, recipient, address (masked), state, why."""
    house = _house()
    try:
        with house.database.read() as session:
            rows = store.unsettled(session, ["failed", "ambiguous", *(["skipped"] if skipped else [])])
        for row in rows:
            typer.echo(
                "\t".join(
                    (
                        row.id,
                        row.number,
                        row.occasion,
                        row.recipient,
                        mask_address(row.recipient, row.address),
                        row.delivery,
                        row.problem or "",
                    )
                )
            )
    finally:
        house.database.close()


@notices.command("resend")
def resend(message_id: Annotated[str, typer.Argument(help="Id of the message, as 'failed' lists it.")]) -> None:
    """Put a failed message, or one in doubt, back into the queue. One in doubt may then arrive twice."""
    house = _house()
    try:
        problem = sending.send_again(house, message_id)
    finally:
        house.database.close()
    if problem is not None:
        raise Refusal(problem, _REFUSALS[problem], id=message_id)
    typer.echo(f"{message_id}: waits to be sent")


@notices.command("waiting")
def waiting() -> None:
    """List petitions whose announced contact has not come: number, how many messages wait, since when."""
    house = _house()
    try:
        before = house.clock.now() - timedelta(seconds=house.settings.contact_grace_s)
        with house.database.read() as session:
            for row in store.waiting(session, before):
                since = row.waiting_since.isoformat(timespec="seconds") if row.waiting_since else ""
                typer.echo(f"{row.number}\t{len(row.waiting)}\t{since}")
    finally:
        house.database.close()
