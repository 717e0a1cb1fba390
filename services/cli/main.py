"""The `wenzheng` command: runs services, prepares databases, shows settings, and carries each service's commands."""

from __future__ import annotations

from services.cli import early_end  # noqa: F401 - before anything that takes time to load

# isort: split

import errno
import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.chassis.errors import Exit, Refusal, StartError
from services.cli import up as machine
from services.cli.ending import end
from services.cli.recurring import Recurring
from services.cli.registry import group_of, installed, part, settings_of
from services.cli.waiting import waiting

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
contracts = typer.Typer(no_args_is_help=True, help="The published language: events and their schemas.")
app.add_typer(contracts, name="contracts")

#: Commands that need no service's own commands, so that starting them loads little.
_LIGHT = {"up", "run", "migrate", "config", "demo", "contracts", "metrics", "queues"}
#: Groups of commands that are loaded when one of them is called, or when all are listed.
_GROUPS = ("parked", "topology", "unroutable")

ServiceName = Annotated[str, typer.Argument(help="intake, routing, notify or search.")]


@app.command()
def up() -> None:
    """Run every service on this machine: one web process, one worker, a private broker when none is named."""
    names = installed()
    every = {name: settings_of(name) for name in names}
    settings = every[names[0]]
    machine.folder_of(settings)
    machine.require_free(settings.host, settings.port, machine.port_set_by(names[0]))
    environ = machine.environment()
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    environ.setdefault("WENZHENG_PUBLIC_URL", address)
    if any(getattr(one, "public_answers", False) for one in every.values()):
        # The one web process holds both sides of it.
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        environ.setdefault("WENZHENG_ANSWERS_URL", f"http://{host}:{settings.port}")
    # Whoever types it wants to read at once what is missing.
    environ.setdefault("WENZHENG_START_WAIT_S", "0")
    node = machine.private_broker(settings, environ)
    try:
        lines = machine.prepare(names, environ)

        def ready() -> None:
            console = Console(soft_wrap=True, highlight=False)
            for line in lines:
                console.print(line, markup=False)
            console.print(f"Wenzheng 问政 is running: {address}  (Ctrl-C stops it)", markup=False)
            sys.stdout.flush()

        children = [
            machine.Child("worker", machine.python("services.cli.worker", names), environ),
            machine.Child("web", machine.python("services.cli.web", names), environ),
        ]
        if minutes := getattr(every.get("routing"), "topics_every_minutes", 0):
            # On a cluster a CronJob does this.
            topics = machine.python("services.cli.main", ["judge", "topics"])
            children.append(Recurring("the look for hot topics", topics, environ, every_s=60.0 * minutes))
        code = machine.run_children(children, ready, node)
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
    if settings.database_url.get_secret_value().startswith("postgresql"):
        machine.prepare(["--check", service, role], environ)
    else:
        machine.prepare([service], environ)
    command = machine.python(f"services.cli.{role}", [service])
    if role == "web":
        machine.require_free(settings.host, settings.port, machine.port_set_by(service))
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
    from services.chassis.house import open_database
    from services.chassis.migrate import migrate as bring_up_to_date
    from services.chassis.migrate import revision
    from services.chassis.starting import patiently
    from services.chassis.telemetry import set_up_logs

    for name in [service] if service else installed():
        settings = settings_of(name)
        set_up_logs(settings.log_level, settings.log_format)
        database = open_database(name, settings)
        before = patiently(partial(revision, database), settings.start_wait_s, name)
        after = bring_up_to_date(database, f"services.{name}")
        word = f"up to date ({after})" if before == after else f"{before or 'empty'} -> {after}"
        typer.echo(f"{name}: {word}")
        database.close()


@app.command()
def config(service: Annotated[str, typer.Argument(help="One service; all of them when left out.")] = "") -> None:
    """Print every setting: its value, where it comes from, its default and its meaning."""
    from services.chassis.settings import describe
    from services.cli.listing import show

    names = [service] if service else installed()
    every = {name: settings_of(name) for name in names}
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, settings in every.items():
        for row in describe(settings, name):
            rows.setdefault(row, []).append(name)
    listed = []
    for (variable, value, source, default, meaning), services in rows.items():
        who = "all" if len(services) == len(names) > 1 else ", ".join(services)
        listed.append((variable, who, value, source, default, meaning))
    show(("Variable", "Services", "Value", "Source", "Default", "Meaning"), listed)
    for folder in sorted({one.data_folder.absolute() for one in every.values()}):
        if not folder.is_dir():
            typer.echo(f"The data folder {folder} is not there (yet).", err=True)


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
    with waiting(f"asking the broker and {len(installed())} services …") as found:
        from services.cli.queues import show

        show(follow, as_json, found)


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


def _mount(called: str = "") -> None:
    """Add the commands that load much: those on parked events, and every installed service's own.

    Args:
        called: the first argument; what cannot be meant by it is not loaded. Empty: everything is.
    """
    alone = group_of(called)
    if alone is not None:
        app.add_typer(alone, name=called)
        return
    for name in _GROUPS:
        if called == name or called not in (*_GROUPS, "reconcile"):
            app.add_typer(import_module(f"services.cli.{name}").app, name=name)
    if called in _GROUPS:
        return
    from services.cli.reconcile import reconcile

    app.command()(reconcile)
    if called == "reconcile":
        return
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
    """Entry point of the `wenzheng` command: plain errors, and exit codes for what the operator must mend."""
    called = sys.argv[1] if len(sys.argv) > 1 else ""
    if called not in _LIGHT:
        with waiting("loading …"):
            _mount(called)
    try:
        app()
    except StartError as error:
        end(error)
    except _database_errors() as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        end(StartError(f"the database cannot be used: {reason}", Exit.DATABASE_AWAY))
    except OSError as error:
        # A file that a command was told to read or write; anything else is a fault of ours.
        if error.filename is None:
            raise
        no_place = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
        end(StartError(f"{error.filename}: {error.strerror}", Exit.FOLDER if no_place else Exit.SETTINGS))
    except Refusal as error:
        where = f"{error.field}: " if error.field else ""
        end(StartError(f"{where}{error} [{error.code}]"))


if __name__ == "__main__":
    main()
