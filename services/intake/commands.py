"""Intake's part of the ``wenzheng`` command."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import typer

from services.chassis.errors import StartError
from services.chassis.portals import Portal, load_portals
from services.chassis.settings import load
from services.intake.settings import Settings

app = typer.Typer(help="Petitions coming in.")
portals = typer.Typer(help="External portals.", no_args_is_help=True)
app.add_typer(portals, name="portals")

#: Standard Webhooks asks for secrets of 24 to 64 bytes.
SECRET_BYTES = range(24, 65)


@portals.command("list")
def list_portals(
    file: Annotated[str, typer.Option(help="Portals file; the one of the settings when not given.")] = "",
) -> None:
    """List the external portals and check their file."""
    try:
        found = load_portals(file or load(Settings, "intake").portals_file)
    except StartError as error:
        typer.echo(f"wenzheng: {error}", err=True)
        raise typer.Exit(2) from None
    faults = 0
    for portal in found.values():
        problems = problems_of(portal)
        faults += len(problems)
        every = (("AMQP", portal.vhost), ("webhook", portal.webhook_secrets), ("updates by POST", portal.webhook_url))
        ways = [way for way, there in every if there]
        typer.echo(f"{portal.id}\t{portal.name}\t{', '.join(ways) or '-'}")
        for problem in problems:
            typer.echo(f"  {problem}", err=True)
    if not found:
        typer.echo("no portals; name them in a file and set WENZHENG_PORTALS_FILE")
    if faults:
        raise typer.Exit(2)


def problems_of(portal: Portal) -> list[str]:
    """What would keep a portal from handing anything in; no secret is ever repeated."""
    problems = []
    if portal.vhost and not portal.user:
        problems.append("user: name the broker user of the virtual host, or every message is refused")
    if not portal.vhost and not portal.webhook_secrets:
        problems.append("vhost, webhook_secrets: give one of them, or the portal cannot hand anything in")
    for place, secret in enumerate(portal.webhook_secrets):
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size not in SECRET_BYTES:
            problems.append(f"webhook_secrets[{place}]: must be whsec_ and the base64 of 24 to 64 random bytes")
    return problems
