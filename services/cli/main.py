"""The `wenzheng` command: runs services, prepares databases, shows settings, and carries each service's commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.chassis.errors import Refusal, StartError
from services.cli import up as machine
from services.cli.registry import installed, part, settings_of

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
contracts = typer.Typer(no_args_is_help=True, help="The published language: events and their schemas.")
app.add_typer(contracts, name="contracts")

#: Commands that need no service's own commands, so that starting them loads little.
_LIGHT = {"up", "run", "migrate", "config", "demo", "contracts", "metrics"}

ServiceName = Annotated[str, typer.Argument(help="intake, routing, notify or search.")]


@app.command()
def up() -> None:
    """Run every service on this machine: one web process, one worker, a private broker when none is named."""
    names = installed()
    every = {name: settings_of(name) for name in names}
    settings = every[names[0]]
    machine.folder_of(settings)
    machine.require_free(settings.host, settings.port)
    environ = machine.environment()
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    environ.setdefault("WENZHENG_PUBLIC_URL", address)
    node = machine.private_broker(settings, environ)
    try:
        lines = machine.prepare(names, environ)

        def ready() -> None:
            console = Console(soft_wrap=True, highlight=False)
            for line in lines:
                console.print(line, markup=False)
            console.print(f"Wenzheng 问政 is running: {address}  (Ctrl-C stops it)", markup=False)
            sys.stdout.flush()

        code = machine.run_children(
            [
                machine.Child("worker", machine.python("services.cli.worker", names), environ),
                machine.Child("web", machine.python("services.cli.web", names), environ),
            ],
            ready,
            node,
        )
    finally:
        if node is not None:
            node.stop()
    raise typer.Exit(code)


@app.command()
def run(
    service: ServiceName,
    role: Annotated[str, typer.Option(help="web (pages and API) or worker (events, timers, senders).")],
) -> None:
    """Run one role of one service; SIGTERM drains it."""
    settings = settings_of(service)
    if role not in ("web", "worker"):
        raise StartError(f"--role must be web or worker, not {role!r}")
    machine.folder_of(settings)
    environ = machine.environment()
    # A cluster migrates in a job of its own; one machine has nobody else to do it.
    cluster = settings.database_url.get_secret_value().startswith("postgresql")
    machine.prepare([service], environ, check=cluster)
    command = machine.python(f"services.cli.{role}", [service])
    if role == "web":
        machine.require_free(settings.host, settings.port)
        os.execve(command[0], command, environ)  # noqa: S606 - this process becomes the web process
    node = machine.private_broker(settings, environ)
    if node is None:
        os.execve(command[0], command, environ)  # noqa: S606 - this process becomes the worker
    try:
        code = machine.run_children([machine.Child("worker", command, environ)], lambda: None, node)
    finally:
        node.stop()
    raise typer.Exit(code)


@app.command()
def migrate(service: Annotated[str, typer.Argument(help="One service; all of them when left out.")] = "") -> None:
    """Bring the databases up to date."""
    from services.chassis.house import open_house
    from services.chassis.migrate import migrate as bring_up_to_date
    from services.chassis.migrate import revision

    for name in [service] if service else installed():
        house = open_house(name, settings_of(name))
        before = revision(house.database)
        bring_up_to_date(house.database, f"services.{name}")
        after = revision(house.database)
        word = "up to date" if before == after else f"{before or 'empty'} -> {after}"
        typer.echo(f"{name}: {word}")
        house.database.close()


@app.command()
def config(service: Annotated[str, typer.Argument(help="One service; all of them when left out.")] = "") -> None:
    """Print every setting: its value, where it comes from, its default and its meaning."""
    from services.chassis.settings import describe

    names = [service] if service else installed()
    rows: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        for row in describe(settings_of(name), name):
            rows.setdefault(row, []).append(name)
    table = Table(title="Settings", title_justify="left", show_lines=False)
    for heading in ("Variable", "Services", "Value", "Source", "Default", "Meaning"):
        table.add_column(heading, overflow="fold")
    for (variable, value, source, default, meaning), services in rows.items():
        who = "all" if len(services) == len(names) > 1 else ", ".join(services)
        table.add_row(variable, who, value, source, default, meaning)
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table, markup=False)


@app.command()
def demo(
    source: Annotated[Path, typer.Option("--input", help="JSON Lines; each row has at least title and body.")] = Path(
        "examples/petitions.jsonl"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here as one JSON object.")] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="Stop everything at the end.")] = False,
    folder: Annotated[Path, typer.Option(help="Data folder of the demonstration; emptied first.")] = Path("var/demo"),
    port: Annotated[int, typer.Option(help="Port of the pages; 0: a free one.")] = 8080,
) -> None:
    """Carry petitions all the way: filed, judged, answered, told and found again."""
    from services.cli.demo import run_demo

    raise typer.Exit(run_demo(source, json_file=json_file, stop=exit_, folder=folder, port=port))


@app.command()
def queues(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep the tables up to date until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what waits: events in each queue, parked ones, and what outboxes and senders still hold."""
    from services.cli.queues import show

    show(follow, as_json)


@app.command()
def metrics(
    file: Annotated[Path | None, typer.Argument(help="File to write; the page is printed when left out.")] = None,
) -> None:
    """Write down every metric: its name, labels, meaning, and what to watch it for."""
    from services.cli.metrics_page import page

    if file is None:
        typer.echo(page(), nl=False)
    else:
        file.write_text(page(), encoding="utf-8")
        typer.echo(str(file))


@contracts.command("export")
def export(folder: Annotated[Path, typer.Argument(help="Folder to write into.")]) -> None:
    """Write asyncapi.json, the JSON Schema of every event and a page to read."""
    from services.cli.contracts_export import write

    for path in write(folder):
        typer.echo(str(path))


def _mount() -> None:
    """Add the commands that load much: those on parked events, and every installed service's own."""
    from services.cli import parked, topology, unroutable
    from services.cli.reconcile import reconcile

    app.add_typer(parked.app, name="parked")
    app.add_typer(topology.app, name="topology")
    app.add_typer(unroutable.app, name="unroutable")
    app.command()(reconcile)
    for name in installed():
        commands = part(name, "commands").app
        for group in commands.registered_groups:
            app.add_typer(group.typer_instance, name=group.name)
        app.registered_commands += commands.registered_commands


def _database_errors() -> tuple[type[Exception], ...]:
    """The database's errors, if a command has loaded a database at all; `wenzheng up` itself never does."""
    module = sys.modules.get("sqlalchemy.exc")
    return (module.DBAPIError,) if module is not None else ()


def main() -> None:
    """Entry point of the `wenzheng` command: plain errors, exit code 2 for what the operator must mend."""
    if len(sys.argv) < 2 or sys.argv[1] not in _LIGHT:
        _mount()
    try:
        app()
    except StartError as error:
        # A process of ours that could not start has already said why.
        if str(error):
            typer.echo(f"wenzheng: {error}", err=True)
        sys.exit(2)
    except _database_errors() as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        typer.echo(f"wenzheng: the database cannot be used: {reason}", err=True)
        sys.exit(2)
    except OSError as error:
        # A file that a command was told to read or write; anything else is a fault of ours.
        if error.filename is None:
            raise
        typer.echo(f"wenzheng: {error.filename}: {error.strerror}", err=True)
        sys.exit(2)
    except Refusal as error:
        where = f"{error.field}: " if error.field else ""
        typer.echo(f"wenzheng: {where}{error} [{error.code}]", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
