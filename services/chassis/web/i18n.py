"""The reader's language: choice, catalogues, names, dates. English texts are the msgids."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.pofile import PoFileError, read_po
from flask import current_app, g, has_app_context, has_request_context, request
from markupsafe import escape

from services.chassis.errors import StartError
from services.contracts.envelope import Text

if TYPE_CHECKING:
    from flask import Flask, Response

#: Languages of the pages, in the order of the language switch, with their own names.
LANGUAGES: Final[Mapping[str, str]] = {"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "en": "English"}
#: The cookie that keeps a choice.
COOKIE: Final = "wz_lang"
#: Catalogue of the chassis itself.
LOCALE: Final = Path(__file__).parent / "locale"

_BABEL: Final[Mapping[str, str]] = {"zh-Hans": "zh_Hans_CN", "zh-Hant": "zh_Hant_TW", "en": "en"}
_MOMENT: Final[Mapping[str, str]] = {"zh-Hans": "y年M月d日 HH:mm", "zh-Hant": "y年M月d日 HH:mm", "en": "d MMM y, HH:mm"}
_DAY: Final[Mapping[str, str]] = {"zh-Hans": "y年M月d日", "zh-Hant": "y年M月d日", "en": "d MMM y"}
#: A msgid's translation: one string, or the plural forms.
_Entries = dict[str, tuple[str, ...]]


class _Converter:
    """Simplified to traditional, made on first use: its dictionaries are not needed by a house without such readers.

    ``s2tw``: the character forms of daily use in Taiwan, and nearly all of them in Hong Kong (為, 裡, 眾), where plain
    ``s2t`` gives forms hardly anybody prints (爲, 裏, 衆). Not ``s2twp``: it would replace the mainland's own terms
    of administration and law by Taiwan's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opencc: Any = None

    def convert(self, text: str) -> str:
        with self._lock:
            if self._opencc is None:
                from opencc import OpenCC

                self._opencc = OpenCC("s2tw")
            return cast(str, self._opencc.convert(text))


_CONVERTER = _Converter()


@lru_cache(maxsize=8192)
def traditional(text: str) -> str:
    """``text`` in traditional characters; for texts of the house (catalogue, names), which are few."""
    return _CONVERTER.convert(text)


@lru_cache(maxsize=32)
def _entries(path: Path) -> _Entries:
    """The translated, not fuzzy messages of one .po file; none when it is absent."""
    if not path.exists():
        return {}
    entries: _Entries = {}
    try:
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                said: Any = message.string
                forms = tuple(said) if isinstance(said, (tuple, list)) else (said,)
                if message.id and not message.fuzzy and all(forms):
                    singular = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
                    entries[singular] = forms
    except (OSError, ValueError, PoFileError) as error:
        raise StartError(f"catalogue {path} cannot be read: {error}") from None
    return entries


class Catalogue:
    """The texts of one application in three languages.

    Args:
        folders: locale folders; an earlier one wins over a later.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._hans: _Entries = {}
        self._hant: _Entries = {}
        for folder in reversed(list(folders)):
            self._hans.update(_entries(folder / "zh_Hans.po"))
            self._hant.update(_entries(folder / "zh_Hant.po"))

    def text(self, language: str, msgid: str) -> str:
        """The text for ``msgid``; the msgid itself where there is no translation."""
        return self._forms(language, msgid)[0]

    def plural(self, language: str, singular: str, plural: str, n: int) -> str:
        """The form for ``n`` things. Chinese has one, English two."""
        if language == "en":
            return singular if n == 1 else plural
        forms = self._forms(language, singular)
        return plural if forms == (singular,) else forms[0]

    def _forms(self, language: str, msgid: str) -> tuple[str, ...]:
        if language == "zh-Hans":
            return self._hans.get(msgid) or (msgid,)
        if language == "zh-Hant":
            own = self._hant.get(msgid)
            if own:
                return own
            return tuple(traditional(form) for form in self._hans[msgid]) if msgid in self._hans else (msgid,)
        return (msgid,)


def catalogue() -> Catalogue:
    """The catalogue of the running application."""
    return cast(Catalogue, current_app.extensions["catalogue"])


def matching(tag: str) -> str | None:
    """The language of ours that a BCP 47 tag asks for: zh-TW, zh-HK, zh-MO and zh-Hant are traditional."""
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] == "en":
        return "en"
    if parts[0] != "zh":
        return None
    if "hans" in parts:
        return "zh-Hans"
    return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(parts) else "zh-Hans"


def _choose() -> str:
    for asked in (request.args.get("lang", ""), request.cookies.get(COOKIE, "")):
        if asked in LANGUAGES:
            return asked
    for tag, quality in request.accept_languages:
        found = matching(tag) if quality > 0 else None
        if found:
            return found
    return _default()


def _default() -> str:
    chosen: str = current_app.extensions["house"].settings.default_language if has_app_context() else "zh-Hans"
    return chosen if chosen in LANGUAGES else "zh-Hans"


def language() -> str:
    """Language of this reader: "zh-Hans", "zh-Hant" or "en"; outside a request that of the house."""
    if not has_request_context():
        return _default()
    chosen: str | None = g.get("language")
    if chosen is None:
        chosen = g.language = _choose()
    return chosen


def keep_choice(response: Response, secure: bool) -> None:
    """Keep ``?lang=`` for a year."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES and request.cookies.get(COOKIE) != asked:
        response.set_cookie(COOKIE, asked, max_age=31_536_000, samesite="Lax", secure=secure, httponly=True)


def _filled(text: str, values: Mapping[str, object]) -> str:
    if not values:
        return text
    if any(hasattr(value, "__html__") and not isinstance(value, _Later) for value in values.values()):
        return escape(text) % values
    return text % values


def t(msgid: str, /, **values: object) -> str:
    """The text for ``msgid`` in the reader's language; ``%(name)s`` stands for ``values["name"]``."""
    return _filled(catalogue().text(language(), msgid), values)


def tn(singular: str, plural: str, n: int, /, fill: bool = True, **values: object) -> str:
    """As ``t``, in the form for ``n`` things; ``%(n)s`` is filled with ``n``."""
    text = catalogue().plural(language(), singular, plural, n)
    return _filled(text, {"n": n, **values}) if fill else text


class _Later:
    """A text that is translated when it is shown, for labels and messages that are written before any request."""

    def __init__(self, msgid: str, values: Mapping[str, object]) -> None:
        self._msgid = msgid
        self._values = values

    def __str__(self) -> str:
        return t(self._msgid, **self._values)

    def __html__(self) -> str:
        return str(escape(str(self)))

    def __mod__(self, values: Any) -> str:
        return cast(str, str(self) % values)

    def __add__(self, other: object) -> str:
        return str(self) + str(other)

    def __radd__(self, other: object) -> str:
        return str(other) + str(self)

    def __bool__(self) -> bool:
        return bool(self._msgid)

    def __len__(self) -> int:
        return len(str(self))

    def __contains__(self, part: str) -> bool:
        return part in str(self)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._msgid)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(str(self), name)


def l(msgid: str, /, **values: object) -> str:  # noqa: E743 — as short as t, which it stands for
    """A text translated when it is shown: labels, choices and validators' messages of forms."""
    return cast(str, _Later(msgid, values))


def pick(text: Text) -> str:
    """A name in the reader's language."""
    asked = language()
    return traditional(text.zh) if asked == "zh-Hant" else text.pick(asked)


def _zone() -> ZoneInfo:
    return ZoneInfo(current_app.extensions["house"].settings.time_zone)


def moment(value: datetime) -> str:
    """Day and time in the zone of the jurisdiction."""
    asked = language()
    return format_datetime(value, _MOMENT[asked], tzinfo=_zone(), locale=_BABEL[asked])


def day(value: date | datetime) -> str:
    """The day; of a moment, the day it was in the zone of the jurisdiction."""
    asked = language()
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return format_date(value, _DAY[asked], locale=_BABEL[asked])


def set_up(app: Flask, folder: Path) -> None:
    """Give ``app`` its catalogue and its templates the functions of this module."""
    app.extensions["catalogue"] = Catalogue([folder, LOCALE])
    app.jinja_env.globals.update(t=t, tn=tn, pick=pick, moment=moment, day=day, language=language, LANGUAGES=LANGUAGES)
