"""Routing's part of the `wenzheng` command: the directory and the staff accounts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.identity import signing_key
from services.chassis.passwords import hash_password
from services.routing import commands_judge, seeding, store
from services.routing.directory_file import read
from services.routing.domain.directory import changes
from services.routing.handlers import directory as directory_cases
from services.routing.handlers import staff as staff_cases
from services.routing.opening import opened
from services.routing.settings import Settings
from services.routing.terminal import terminal

app = typer.Typer(no_args_is_help=True)
directory = typer.Typer(no_args_is_help=True, help="Units, subjects and areas: who is responsible for what, where.")
staff = typer.Typer(no_args_is_help=True, help="Staff accounts of this house.")
app.add_typer(directory, name="directory")
app.add_typer(commands_judge.app, name="judge")
app.add_typer(staff, name="staff")

AccountId = Annotated[str, typer.Argument(metavar="ID", help="The account.")]


def prepare(house: House[Settings]) -> list[str]:
    """Seed one machine; called after migration, changes nothing the second time."""
    settings = house.settings
    # Before any process is started that checks what another one signs.
    signing_key(settings.staff_key.get_secret_value(), settings.data_folder, settings.staff_public_key)
    return [*seeding.seed_directory(house), *seeding.seed_accounts(house)]


# ── directory ────────────────────────────────────────────────────────────────────────────────────
@directory.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="YAML file; its form is that of examples/directory.yaml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Bring in a directory; what is added, changed and ended is shown. One with errors changes nothing."""
    new, problems = read(file)
    if problems:
        typer.echo(f"{file}: {len(problems)} error{'s' if len(problems) > 1 else ''}, nothing was changed", err=True)
        for problem in problems:
            typer.echo(f"  {problem.path}: {problem.message} [{problem.code}]", err=True)
        raise typer.Exit(2)
    with opened() as house:
        zone = new.jurisdiction.time_zone
        if zone != house.settings.time_zone:
            typer.echo(f"note: the directory's time zone is {zone}, that of this house {house.settings.time_zone}")
        with house.database.read() as session:
            today = store.directory.today(session, house.clock.now())
            found = changes(store.directory.read(session), new, today)
            waiting = store.directory.open_cases(session, [c.unit.id for c in found if c.what == "ended"])
        if not dry_run:
            with house.work() as work:
                found = directory_cases.bring_in(work, new, today)
    table = Table(title=f"{new.jurisdiction.name.zh} · {new.jurisdiction.adcode}", title_justify="left")
    for heading in ("", "Unit", "Name", "What"):
        table.add_column(heading, overflow="fold")
    for change in found:
        what = ", ".join(change.fields)
        if change.what == "ended":
            what = f"last day {change.unit.valid_to}"
            if waiting.get(change.unit.id):
                what += f"; {waiting[change.unit.id]} open cases must be sent to another unit"
        table.add_row(change.what, change.unit.id, change.unit.name.zh, what)
    if found:
        terminal().print(table, markup=False)
    sums = {what: sum(change.what == what for change in found) for what in ("added", "changed", "ended")}
    line = ", ".join(f"{count} {what}" for what, count in sums.items())
    typer.echo(f"{line} of {len(new.units)} units" + ("; dry run, nothing was changed" if dry_run else ""))


@directory.command("show")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the units of today."""
    with opened() as house, house.database.read() as session:
        today = store.directory.today(session, house.clock.now())
        present = store.directory.read(session).on(today)
    if as_json:
        units = [
            {"id": u.id, "zh": u.name.zh, "en": u.name.en, "parent": u.parent, "subjects": u.subjects, "areas": u.areas}
            for u in present.units
        ]
        typer.echo(json.dumps({"jurisdiction": present.jurisdiction.id, "units": units}, ensure_ascii=False))
        return
    table = Table(title=f"{present.jurisdiction.name.zh} · {today}", title_justify="left")
    for heading in ("Unit", "Name", "Above it", "Subjects", "Areas"):
        table.add_column(heading, overflow="fold")
    for unit in present.units:
        table.add_row(unit.id, unit.name.zh, unit.parent or "", ", ".join(unit.subjects), ", ".join(unit.areas))
    terminal().print(table, markup=False)


@directory.command("announce")
def announce() -> None:
    """Tell the other services every unit and account once more: after one was restored, or first started later."""
    with opened() as house, house.work() as work:
        units, accounts = directory_cases.announce(work), staff_cases.announce(work)
    typer.echo(f"{units} units and {accounts} accounts are told again")


# ── staff ────────────────────────────────────────────────────────────────────────────────────────
@staff.command("add")
def add(
    account: AccountId,
    name: Annotated[str, typer.Option(help="Name shown to colleagues.")],
    role: Annotated[list[str], typer.Option(help="May be given more than once.")],
    unit: Annotated[str | None, typer.Option(help="Unit of the directory.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from input.")] = False,
) -> None:
    """Make an account, or change one; a new password is made and shown once unless it is given."""
    password = _password(password_stdin)
    hashed = hash_password(password)
    with opened() as house, house.work() as work:
        staff_cases.add_account(work, account, name, unit, role, hashed)
    typer.echo(f"{account} is ready" + ("" if password_stdin else f", password {password}"))


@staff.command("password")
def password(
    account: AccountId,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from input.")] = False,
) -> None:
    """Give an account another password: signed out here at once, everywhere within ten minutes."""
    given = _password(password_stdin)
    hashed = hash_password(given)
    with opened() as house, house.work() as work:
        staff_cases.set_password(work, account, hashed)
    typer.echo(f"{account} has another password" + ("" if password_stdin else f": {given}"))


@staff.command("revoke")
def revoke(account: AccountId) -> None:
    """End an account: signed out here at once, everywhere within a minute."""
    with opened() as house, house.work() as work:
        staff_cases.revoke(work, account)
    typer.echo(f"{account} is revoked")


@staff.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """List the accounts; passwords are kept nowhere."""
    with opened() as house, house.database.read() as session:
        rows = store.staff.accounts(session)
    if as_json:
        for row in rows:
            values = {"id": row.id, "name": row.name, "unit": row.unit_id, "roles": row.roles, "active": row.active}
            typer.echo(json.dumps(values, ensure_ascii=False))
        return
    table = Table()
    for heading in ("Account", "Name", "Unit", "Roles", ""):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row.id, row.name, row.unit_id or "", ", ".join(row.roles), "" if row.active else "revoked")
    terminal().print(table, markup=False)


def _password(from_input: bool) -> str:
    if not from_input:
        return seeding.new_password()
    given = sys.stdin.readline().rstrip("\r\n")
    if len(given) < staff_cases.MIN_PASSWORD:
        raise Refusal(
            "password_too_short",
            f"The password has fewer than {staff_cases.MIN_PASSWORD} characters.",
            field="password",
        )
    return given
