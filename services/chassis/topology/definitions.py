"""The whole topology as a RabbitMQ definitions file, and how a broker's own definitions differ from it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.chassis.topology.plan import Plan
from services.chassis.topology.rights import Rights

#: Sections that are compared, with what names an entry in each.
KEYS = {
    "vhosts": ("name",),
    "exchanges": ("vhost", "name"),
    "queues": ("vhost", "name"),
    "bindings": ("vhost", "source", "destination_type", "destination", "routing_key"),
    "policies": ("vhost", "name"),
    "users": ("name",),
    "permissions": ("vhost", "user"),
    "topic_permissions": ("vhost", "user", "exchange"),
}
#: What is compared of an entry; names apart, the rest is the broker's own business.
COMPARED = (
    *("type", "durable", "auto_delete", "arguments", "pattern", "definition", "apply-to"),
    *("configure", "write", "read"),
)


@dataclass(frozen=True)
class Member:
    """Somebody with a user on the broker."""

    user: str
    password: str
    #: Rights by virtual host.
    rights: Mapping[str, Rights]
    tags: str = ""


def definitions(
    hosts: Mapping[str, Sequence[Plan]], members: Iterable[Member], policies: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The definitions as ``rabbitmqctl import_definitions`` and the management page take them.

    Args:
        hosts: what each virtual host holds.
        members: the users; only a salted hash of a password goes in.
        policies: policies as RabbitMQ writes them.
    """
    people = list(members)
    made: dict[str, Any] = {"vhosts": [{"name": name} for name in hosts], "users": [_user(one) for one in people]}
    made |= {section: [] for section in ("permissions", "topic_permissions", "exchanges", "queues", "bindings")}
    made["policies"] = [dict(policy) for policy in policies]
    for one in people:
        for vhost, rights in one.rights.items():
            three = {"configure": rights.configure, "write": rights.write, "read": rights.read}
            made["permissions"].append({"user": one.user, "vhost": vhost, **three})
            for topic in rights.topics:
                entry = {"exchange": topic.exchange, "write": topic.write, "read": topic.read}
                made["topic_permissions"].append({"user": one.user, "vhost": vhost, **entry})
    for vhost, plans in hosts.items():
        for plan in plans:
            _add(made, vhost, plan)
    return made


def _add(made: dict[str, Any], vhost: str, plan: Plan) -> None:
    lasting = {"durable": True, "auto_delete": False}
    for exchange in plan.exchanges:
        entry = {"name": exchange.name, "vhost": vhost, "type": exchange.type, **lasting, "internal": False}
        made["exchanges"].append({**entry, "arguments": dict(exchange.arguments)})
    for queue in plan.queues:
        entry = {"name": queue.name, "vhost": vhost, "type": "quorum", **lasting}
        made["queues"].append({**entry, "arguments": dict(queue.arguments)})
    for binding in plan.bindings:
        between = {"source": binding.source, "vhost": vhost, "destination": binding.destination}
        way = {"destination_type": binding.kind, "routing_key": binding.key, "arguments": {}}
        made["bindings"].append({**between, **way})


def _user(member: Member) -> dict[str, Any]:
    salt = os.urandom(4)
    digest = hashlib.sha256(salt + member.password.encode()).digest()
    return {
        "name": member.user,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": member.tags,
    }


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any], ours: Iterable[str]) -> list[str]:
    """What is missing on a broker, what is otherwise, and what of ours is there beyond.

    Args:
        wanted: what ``definitions`` made.
        found: the broker's own definitions; a section that is absent is not compared.
        ours: beginnings of the names that belong to us: only these are said to be there in vain.
    """
    lines: list[str] = []
    vhosts = {entry["name"] for entry in wanted["vhosts"]}
    beginnings = tuple(ours)
    for section, names in KEYS.items():
        if section not in found:
            continue
        here = {_key(entry, names): entry for entry in wanted.get(section, ())}
        there = {_key(entry, names): entry for entry in found[section]}
        for key, entry in here.items():
            if key not in there:
                lines.append(f"missing: {_called(section, key)}")
            else:
                lines += [f"differs: {_called(section, key)}: {text}" for text in _unlike(entry, there[key])]
        lines += [
            f"not ours any more: {_called(section, key)}"
            for key, entry in there.items()
            if key not in here and _is_ours(section, entry, vhosts, beginnings)
        ]
    return lines


def _key(entry: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(entry.get(name, "")) for name in names)


def _called(section: str, key: tuple[str, ...]) -> str:
    if section == "bindings":
        vhost, source, _, destination, routing_key = key
        return f"binding {source} → {destination} with key {routing_key!r} in {vhost}"
    one = {"policies": "policy"}.get(section, section.removesuffix("s")).replace("_", " ")
    return f"{one} {' of '.join(reversed(key)) if section != 'topic_permissions' else ' '.join(key)}"


def _unlike(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    lines = []
    for name in COMPARED:
        if name not in wanted or name not in found:
            continue
        ours, theirs = wanted[name], found[name]
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            for inner in sorted(set(ours) | set(theirs)):
                if ours.get(inner) != theirs.get(inner):
                    lines.append(f"{inner} must be {ours.get(inner, 'absent')!s}, is {theirs.get(inner, 'absent')!s}")
        elif ours != theirs:
            lines.append(f"{name} must be {ours}, is {theirs}")
    return lines


def _is_ours(section: str, entry: Mapping[str, Any], vhosts: set[str], beginnings: tuple[str, ...]) -> bool:
    if section not in ("exchanges", "queues", "bindings") or entry.get("vhost") not in vhosts:
        return False
    name = str(entry.get("name") or entry.get("destination"))
    # A rung is made when it is first needed; every queue has a binding of its own to the default exchange.
    if ".retry." in name or not entry.get("source", "x"):
        return False
    return name.startswith(beginnings)
