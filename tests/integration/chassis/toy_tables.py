"""Events and tables of the toy service."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Boolean, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.delivery import Follows, Sequenced
from services.contracts.envelope import Event


class Ping(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "toy.ping.v1"
    source: ClassVar[str] = "toy"

    ball: str
    wish: str = ""

    @property
    def subject(self) -> str:
        return self.ball


class Whisper(Ping, frozen=True, kw_only=True):
    """A ping that the outbox must not keep."""

    type: ClassVar[str] = "toy.whisper.v1"
    source: ClassVar[str] = "toy.whispers"
    confidential: ClassVar[bool] = True


class Pong(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "toy.pong.v1"
    source: ClassVar[str] = "toy.answers"

    ball: str

    @property
    def subject(self) -> str:
        return self.ball


class Lost(Event, frozen=True, kw_only=True):
    """Nobody listens to it."""

    type: ClassVar[str] = "toy.lost.v1"
    source: ClassVar[str] = "toy"

    ball: str

    @property
    def subject(self) -> str:
        return self.ball


class Base(DeclarativeBase):
    pass


class Ball(Sequenced, Follows, Base):
    __tablename__ = "ball"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    pings: Mapped[int] = mapped_column(Integer, default=0)
    pongs: Mapped[int] = mapped_column(Integer, default=0)


class Thrown(Sequenced, Base):
    """The publisher's side of a ball: counts the pings."""

    __tablename__ = "thrown"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)


class Sent(Base):
    __tablename__ = "sent"
    id: Mapped[int] = mapped_column(primary_key=True)
    done: Mapped[bool] = mapped_column(Boolean, default=False)
