"""Seeds one machine: the directory when there is none, and staff accounts whose passwords are kept in a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Final, TypedDict

import yaml

from services.chassis.errors import StartError
from services.chassis.house import House
from services.chassis.passwords import hash_password
from services.contracts.words import ROLE_NAMES
from services.routing import store
from services.routing.directory_file import SAMPLE, read
from services.routing.domain.directory import Directory
from services.routing.handlers.directory import bring_in
from services.routing.handlers.staff import add_account
from services.routing.settings import Settings

#: In the data folder, readable by its owner alone.
ACCOUNTS_FILE: Final = "staff-accounts.txt"
#: Letters and digits that are not taken for one another.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
#: Officers shown to the operator; the file has them all.
_SHOWN: Final = 4


class Seeded(TypedDict):
    """An account as the file keeps it: YAML, ``accounts: [{id, password, name, unit, roles}]``."""

    id: str
    password: str
    name: str
    unit: str | None
    roles: list[str]


def seed_directory(house: House[Settings]) -> list[str]:
    """Import the directory file, or the sample county, when there is no directory yet.

    Raises:
        StartError: the file has errors; every one is named.
    """
    with house.database.read() as session:
        if store.directory.imported_at(session) is not None:
            return []
    path = house.settings.directory_file or SAMPLE
    directory, problems = read(path)
    if problems:
        lines = "\n  ".join(f"{p.path}: {p.message} [{p.code}]" for p in problems)
        raise StartError(f"{path} has errors\n  {lines}")
    with house.work() as work:
        changed = bring_in(work, directory, store.directory.today(work.session, work.now))
    return [f"Directory of {directory.jurisdiction.name.zh}: {len(changed)} units imported."]


def seed_accounts(house: House[Settings]) -> list[str]:
    """Make an account for each role and an officer for each unit when there is no account yet.

    Returns:
        Lines for the operator; the same after a restart, from the file.
    """
    path = house.settings.data_folder / ACCOUNTS_FILE
    with house.database.read() as session:
        there = store.staff.any_account(session)
        directory = store.directory.read(session).on(store.directory.today(session, house.clock.now()))
    if there:
        return table(_kept(path), path)
    if not house.settings.seed_accounts:
        return ["There is no staff account yet: wenzheng staff add ID --name NAME --role ROLE"]
    accounts = _wanted(directory)
    _keep(path, accounts)
    hashes = {one["id"]: hash_password(one["password"]) for one in accounts}
    with house.work() as work:
        for one in accounts:
            add_account(work, one["id"], one["name"], one["unit"], one["roles"], hashes[one["id"]])
    return table(accounts, path)


def new_password() -> str:
    """A password of 59 random bits that can be read out and typed."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def _wanted(directory: Directory) -> list[Seeded]:
    units = [unit for unit in directory.units if not unit.sealed]
    working = [unit for unit in units if unit.subjects]
    if not working:
        return [_one("dispatcher", "dispatcher", None), _one("administrator", "administrator", None)]
    sealed = directory.sealed_unit()
    office = next((u.id for u in working if "petitions.procedure" in u.subjects), working[0].id)
    first = next(u for u in working if u.id != office) if len(working) > 1 else working[0]
    accounts = [
        _one("dispatcher", "dispatcher", office),
        _one("supervisor", "supervisor", office),
        _one("checker", "checker", first.id, first.name.zh),
        _one("unit-head", "unit_head", first.id, first.name.zh),
        _one("sealed-officer", "sealed_officer", sealed.id if sealed else None),
        _one("publisher", "publisher", office),
        _one("administrator", "administrator", None),
    ]
    return accounts + [_one(f"officer-{unit.id}", "officer", unit.id, unit.name.zh) for unit in units]


def _one(account_id: str, role: str, unit: str | None, of: str = "") -> Seeded:
    name = of + ROLE_NAMES[role].zh
    return Seeded(id=account_id, password=new_password(), name=name, unit=unit, roles=[role])


def _keep(path: Path, accounts: list[Seeded]) -> None:
    text = "# Staff accounts that were made when this house was first started. Keep it secret or remove it.\n"
    text += yaml.safe_dump({"accounts": accounts}, allow_unicode=True, sort_keys=False)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None


def _kept(path: Path) -> list[Seeded]:
    """The accounts of the file; none when it was removed, as it should be in the end."""
    if not path.exists():
        return []
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [
            Seeded(id=one["id"], password=one["password"], name=one["name"], unit=one["unit"], roles=one["roles"])
            for one in document["accounts"]
        ]
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError) as error:
        raise StartError(f"{path} cannot be read as a list of accounts ({type(error).__name__}): remove it") from None


def table(accounts: list[Seeded], path: Path) -> list[str]:
    """The accounts as lines for the operator."""
    if not accounts:
        return []
    officers = [one for one in accounts if one["id"].startswith("officer-")]
    shown = [one for one in accounts if one not in officers] + officers[:_SHOWN]
    wide = max(len(one["id"]) for one in shown)
    lines = ["Staff accounts", f"  {'account':<{wide}}  {'password':<14}  unit"]
    lines += [f"  {one['id']:<{wide}}  {one['password']:<14}  {one['unit'] or ''}".rstrip() for one in shown]
    if len(officers) > _SHOWN:
        lines.append(f"  … and {len(officers) - _SHOWN} more officers, one for each unit: {path}")
    return lines
