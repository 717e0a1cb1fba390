"""Puts messages into words: plain-text templates in Chinese and English, traditional Chinese made by OpenCC."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from babel.dates import format_date, format_datetime
from jinja2 import Environment, StrictUndefined, Template

from services.contracts.alerts import TopicEmerging
from services.contracts.envelope import Text
from services.contracts.words import KIND_NAMES, name_of
from services.notify.domain import CODE_MARK, Manner, Matter, Recipient

_FOLDER: Final = Path(__file__).parent / "messages"
# Plain text and not HTML: there is nothing to escape.
_ENVIRONMENT: Final = Environment(
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - plain text for mail, never HTML
)
_DAY: Final = {"zh-Hans": ("y年M月d日", "zh_Hans_CN"), "zh-Hant": ("y年M月d日", "zh_Hant_TW"), "en": ("d MMMM y", "en")}
_MOMENT: Final = {"zh-Hans": "M月d日 HH:mm", "zh-Hant": "M月d日 HH:mm", "en": "d MMMM, HH:mm"}
#: OpenCC's converter is not said to be safe for threads.
_LOCK: Final = threading.Lock()


class Wording(NamedTuple):
    """A message in words."""

    language: str
    subject: str
    body: str


def known_language(tag: str) -> str:
    """The language of ours that a BCP 47 tag asks for; simplified Chinese for any other."""
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] == "en":
        return "en"
    if parts[0] == "zh" and "hans" not in parts and {"hant", "tw", "hk", "mo"} & set(parts):
        return "zh-Hant"
    return "zh-Hans"


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    # The same forms as on the pages.
    return OpenCC("s2tw")


@lru_cache(maxsize=4096)
def _traditional(text: str) -> str:
    with _LOCK:
        converted: str = _converter().convert(text)
    return converted


@lru_cache(maxsize=64)
def _template(language: str, occasion: str, recipient: str) -> Template:
    folder = _FOLDER / ("en" if language == "en" else "zh")
    source = (folder / f"{occasion}.{recipient}.txt").read_text(encoding="utf-8")
    source += (folder / f"_end.{recipient}.txt").read_text(encoding="utf-8")
    # The template is converted and not its result, so that the petitioner's own words stay as written.
    return _ENVIRONMENT.from_string(_traditional(source) if language == "zh-Hant" else source)


def _named(text: Text | None, language: str) -> str:
    if text is None:
        return ""
    return _traditional(text.zh) if language == "zh-Hant" else text.pick(language)


def put_into_words(
    matter: Matter,
    recipient: Recipient,
    language: str,
    manner: Manner,
    *,
    number: str,
    title: str,
    kind: str,
    sealed: bool,
    with_code: bool = False,
) -> Wording:
    """The subject and the text of one message.

    Args:
        matter: what happened.
        recipient: citizen or unit; portals get an event and no words.
        language: BCP 47 tag.
        manner: how the house speaks.
        number: receipt number.
        title: what the petitioner called it; only told back to the petitioner, never when sealed.
        kind: kind of the petition, for the unit.
        sealed: a report on a person: the message says that there is news and no more (Art. 30).
        with_code: the receipt names the query code (as ``CODE_MARK``).
    """
    language = known_language(language)
    pattern, locale = _DAY[language]
    text = _template(language, matter.occasion, recipient).render(
        number=number,
        title=" ".join(title.split()),
        kind=_named(name_of(KIND_NAMES, kind), language) if kind else "",
        sealed=sealed,
        code=CODE_MARK if with_code and not sealed else "",
        unit=_named(matter.unit, language),
        due=format_date(matter.due_at.astimezone(manner.zone).date(), pattern, locale=locale) if matter.due_at else "",
        handed_over=matter.handed_over,
        because=matter.because,
        dangers=[_named(name, language) for name in matter.dangers],
        step=matter.step,
        again=matter.again,
        due_time=format_datetime(matter.due_at, _MOMENT[language], tzinfo=manner.zone, locale=locale)
        if matter.due_at
        else "",
        status_url=manner.status_url(number),
        desk_url=manner.desk_url(),
        signature=manner.signature,
    )
    return _wording(language, text, manner)


def topic_in_words(event: TopicEmerging, unit: Text | None, manner: Manner, *, named: bool) -> Wording:
    """What the petition office is told of a hot topic.

    Args:
        event: the topic.
        unit: name of the office, where one is mailed.
        manner: how the house speaks, and in which language to units.
        named: name, place and numbers may be told: the message stays in the house.
    """
    language = known_language(manner.language)
    pattern, locale = _DAY[language]
    text = _template(language, "topic", "unit").render(
        named=named,
        name=" ".join(event.name.split()),
        place=" ".join(event.place.split()),
        size=event.size,
        people=event.people,
        recent=event.recent,
        usual=f"{event.usual:.1f}",
        since=format_date(event.since.astimezone(manner.zone).date(), pattern, locale=locale),
        heat=f"{event.heat:.1f}",
        burst=f"{event.burst:.1f}",
        numbers=event.numbers,
        unit=_named(unit, language),
        topic_url=manner.topic_url(event.topic_id),
        signature=manner.signature,
    )
    return _wording(language, text, manner)


def _wording(language: str, text: str, manner: Manner) -> Wording:
    subject, _, body = text.partition("\n")
    # No space between name and subject in Chinese: a folded mail header would lose it (RFC 2047 §6.2).
    name = f"[{manner.signature}] " if language == "en" else f"【{manner.signature}】"
    return Wording(language, f"{name}{subject.strip()}", body.strip() + "\n")
