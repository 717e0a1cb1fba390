"""How one service asks another whether its copy is whole: requests, pages of digests, and what a digest is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from services.contracts.envelope import Event

#: Lines of one page at most; a page of them stays far below the largest message.
LINES = 1000
#: Full states that one request may name.
STATES = 200


class CompareEvent(Event, frozen=True, kw_only=True):
    """Base of what passes between the asker, who keeps a copy, and the owner of what was copied.

    All of it travels on one exchange. The lane is the one it is addressed to, so that a queue is bound to what is
    meant for its service alone; what is about sealed petitions travels in that service's sealed lane.
    """

    source: ClassVar[str] = "snapshots"

    #: Id of the comparison.
    run_id: str
    #: The service that publishes the state.
    owner: str
    #: The service that keeps a copy of it.
    asker: str
    sealed: bool = False

    @property
    def subject(self) -> str:
        return self.run_id

    @property
    def addressee(self) -> str:
        """The service it is meant for."""
        return self.asker

    @property
    def lane(self) -> str:
        return lane_to(self.addressee, sealed=self.sealed)


def lane_to(service: str, *, sealed: bool = False) -> str:
    """The lane of what is addressed to a service."""
    return f"{service}.sealed" if sealed else service


class SnapshotRequested(CompareEvent, frozen=True, kw_only=True):
    """An asker wants a page of digests, or the full state of the petitions that it names."""

    type: ClassVar[str] = "snapshot.requested.v1"
    meaning: ClassVar[str] = "对账请求: a service asks the owner of petitions for digests or full states"

    #: Names of the fields that the digest is made of (see ``pick``); none: sequences alone are compared.
    fields: list[str] = []  # noqa: RUF012 - msgspec copies it
    #: The page begins behind this id.
    after: str = ""
    limit: int = 300
    #: How many there are in all is wanted as well.
    count: bool = False
    #: Full states of these are wanted instead of a page.
    ids: list[str] = []  # noqa: RUF012 - msgspec copies it
    #: The contacts of ``ids`` are to be published again, on their own way and to nobody else than ever.
    contacts: bool = False

    @property
    def addressee(self) -> str:
        return self.owner


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One petition in a page: its id, the sequence of its last event and the digest of the fields asked for."""

    id: str
    sequence: int
    digest: str = ""


class SnapshotListed(CompareEvent, frozen=True, kw_only=True):
    """A page of digests in the order of the ids."""

    type: ClassVar[str] = "snapshot.listed.v1"
    meaning: ClassVar[str] = "对账清单: a page of digests of what the owner holds"

    #: As it was asked.
    after: str
    lines: list[Line]
    #: There are more behind the last of these.
    more: bool
    #: How many there are behind ``after``, when it was asked.
    total: int | None = None


class SnapshotTaken(CompareEvent, frozen=True, kw_only=True):
    """Base of a full state as its owner holds it now."""

    #: Sequence of the last event published of it; 0: the owner knows no such thing.
    sequence: int


def pick(state: Any, fields: Sequence[str]) -> list[Any]:
    """The values of dotted field names, ``None`` behind what is not there; ``a.b?`` says whether there is a value.

    Raises:
        AttributeError: a name that no version of this side knows.
    """
    values = []
    for name in fields:
        value = state
        for part in name.removesuffix("?").split("."):
            if value is None:
                break
            value = getattr(value, part)
        values.append(value is not None if name.endswith("?") else value)
    return values


def digest(values: Iterable[Any]) -> str:
    """Sixteen hexadecimal digits that are equal for equal values, on whichever side they are reckoned."""
    return hashlib.blake2b(msgspec.json.encode(list(values)), digest_size=8).hexdigest()


EVENTS = (SnapshotRequested, SnapshotListed)
