"""Reading a directory from YAML: every error at once, each with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from services.contracts.envelope import Text
from services.routing.domain.clocks import LAW, Promises
from services.routing.domain.directory import (
    Area,
    Directory,
    DutyStep,
    Jurisdiction,
    Lead,
    Problem,
    RiskWords,
    Subject,
    Unit,
    check,
)
from services.routing.domain.duty import MAX_MINUTES, MAX_STEPS, check_duty

#: The sample county that ships with the package.
SAMPLE = Path(__file__).parent / "sample" / "directory.yaml"
#: A directory above this is refused unread (bytes).
MAX_BYTES = 5_000_000
#: Weight of words that are given as a list.
LIST_WEIGHT = 2.0

T = TypeVar("T", Area, Subject, Unit, RiskWords)


def read(path: Path) -> tuple[Directory, list[Problem]]:
    """Read and check a directory file.

    Returns:
        The directory, and every problem in it; with problems the directory is not to be used.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return Directory(), [Problem("too_large", str(path), f"is larger than {MAX_BYTES} bytes")]
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Directory(), [Problem("unreadable", str(path), f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError:
        return Directory(), [Problem("unreadable", str(path), "is not UTF-8 text")]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else str(path)
        return Directory(), [Problem("malformed_yaml", where, "is not YAML")]
    reader = _Reader()
    directory = reader.directory(document)
    return directory, reader.problems or [*check(directory), *check_duty(directory)]


class _Reader:
    """Turns the document into a Directory and collects what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _wrong(self, code: str, path: str, message: str) -> None:
        self.problems.append(Problem(code, path, message))

    def directory(self, document: Any) -> Directory:
        known = {"jurisdiction", "valid_from", "areas", "subjects", "units", "risk_words", "duty"}
        root = self._mapping(document, "", known)
        since = self._day(root.get("valid_from"), "valid_from") or date.min
        return Directory(
            jurisdiction=self._jurisdiction(root.get("jurisdiction")),
            areas=self._all(root, "areas", self._area),
            subjects=self._all(root, "subjects", self._subject),
            units=self._all(root, "units", lambda item, path: self._unit(item, path, since)),
            risk_words=self._all(root, "risk_words", self._risk, key="code", needed=False),
            duty=self._duty(root.get("duty")),
        )

    def _jurisdiction(self, value: Any) -> Jurisdiction:
        item = self._mapping(value, "jurisdiction", {"id", "name", "adcode", "time_zone", "promises"})
        zone = self._text(item.get("time_zone", "Asia/Shanghai"), "jurisdiction.time_zone")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._wrong("unknown_time_zone", "jurisdiction.time_zone", f"there is no IANA time zone {zone!r}")
        return Jurisdiction(
            id=self._text(item.get("id"), "jurisdiction.id"),
            name=self._name(item.get("name"), "jurisdiction.name"),
            adcode=self._text(item.get("adcode"), "jurisdiction.adcode"),
            time_zone=zone,
            promises=self._promises(item.get("promises")),
        )

    def _promises(self, value: Any) -> Promises:
        if value is None:
            return LAW
        path = "jurisdiction.promises"
        limits = {"dispatch": LAW.dispatch, "accept": LAW.accept, "reply": LAW.reply, "inquiry": 60, "suggestion": 60}
        item = self._mapping(value, path, set(limits))
        given: dict[str, int] = {}
        for name, most in limits.items():
            days = item.get(name, getattr(LAW, name))
            if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= most:
                self._wrong("wrong_promise", f"{path}.{name}", f"must be a whole number of days from 1 to {most}")
            else:
                given[name] = days
        return Promises(**given)

    def _all(
        self, root: Mapping[str, Any], part: str, make: Callable[[Any, str], T], key: str = "id", needed: bool = True
    ) -> tuple[T, ...]:
        items = root.get(part)
        if items is None and not needed:
            return ()
        if not isinstance(items, list) or not items:
            self._wrong("missing", part, "must be a list with at least one entry")
            return ()
        made: dict[str, T] = {}
        for number, item in enumerate(items, start=1):
            given = item.get(key) if isinstance(item, dict) else None
            path = f"{part}.{given}" if isinstance(given, str) else f"{part}[{number}]"
            one = make(item, path)
            if isinstance(given, str) and given in made:
                self._wrong("duplicate_id", path, f"{given!r} is there twice")
            elif isinstance(given, str):
                made[given] = one
        return tuple(made.values())

    def _area(self, value: Any, path: str) -> Area:
        item = self._mapping(value, path, {"id", "name", "parent", "words"})
        words = self._words(item.get("words"), f"{path}.words")
        return Area(
            self._id(item, path),
            self._name(item.get("name"), f"{path}.name"),
            self._ref(item, "parent", path),
            tuple(words),
        )

    def _subject(self, value: Any, path: str) -> Subject:
        item = self._mapping(value, path, {"id", "name", "parent", "words"})
        words = self._words(item.get("words"), f"{path}.words")
        return Subject(
            self._id(item, path), self._name(item.get("name"), f"{path}.name"), self._ref(item, "parent", path), words
        )

    def _unit(self, value: Any, path: str, since: date) -> Unit:
        known = {
            "id",
            "name",
            "parent",
            "superior",
            "lead",
            "subjects",
            "areas",
            "words",
            "valid_from",
            "valid_to",
            "sealed",
        }
        item = self._mapping(value, path, known)
        lead = self._mapping(item.get("lead") or {}, f"{path}.lead", {"name", "phone", "mail"})
        sealed = item.get("sealed", False)
        if not isinstance(sealed, bool):
            self._wrong("wrong_type", f"{path}.sealed", "must be true or false")
        return Unit(
            id=self._id(item, path),
            name=self._name(item.get("name"), f"{path}.name"),
            valid_from=self._day(item.get("valid_from"), f"{path}.valid_from") or since,
            valid_to=self._day(item.get("valid_to"), f"{path}.valid_to"),
            parent=self._ref(item, "parent", path),
            superior=self._ref(item, "superior", path),
            lead=Lead(str(lead.get("name") or ""), self._ref(lead, "phone", path), self._ref(lead, "mail", path)),
            subjects=self._ids(item.get("subjects"), f"{path}.subjects"),
            areas=self._ids(item.get("areas"), f"{path}.areas"),
            words=self._words(item.get("words"), f"{path}.words"),
            sealed=sealed is True,
        )

    def _risk(self, value: Any, path: str) -> RiskWords:
        item = self._mapping(value, path, {"code", "name", "words", "level"})
        level = item.get("level", "watch")
        if level not in ("watch", "urgent"):
            self._wrong("wrong_level", f"{path}.level", "must be watch or urgent")
            level = "watch"
        lists = item.get("words")
        groups = lists.values() if isinstance(lists, dict) else [lists]
        words = [word for group in groups for word in self._words(group, f"{path}.words")]
        name = self._name(item.get("name"), f"{path}.name")
        return RiskWords(self._id(item, path, "code"), name, tuple(words), level)

    def _duty(self, value: Any) -> tuple[DutyStep, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_STEPS:
            self._wrong("wrong_type", "duty", f"must be a list of 1 to {MAX_STEPS} steps, each with unit and minutes")
            return ()
        steps: list[DutyStep] = []
        for number, given in enumerate(value, start=1):
            path = f"duty[{number}]"
            item = self._mapping(given, path, {"unit", "minutes"})
            unit, minutes = self._text(item.get("unit"), f"{path}.unit"), item.get("minutes")
            if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= MAX_MINUTES:
                message = f"must be a whole number of minutes from 1 to {MAX_MINUTES}"
                self._wrong("missing" if minutes is None else "wrong_minutes", f"{path}.minutes", message)
                continue
            steps.append(DutyStep(unit, minutes))
        return tuple(steps)

    # ── single values ────────────────────────────────────────────────────────────────────────────
    def _mapping(self, value: Any, path: str, known: set[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._wrong("wrong_type", path or "the file", "must be a mapping of names to values")
            return {}
        for name in value:
            if name not in known:
                where = f"{path}.{name}" if path else str(name)
                self._wrong("unknown_field", where, f"is not known here; known are {', '.join(sorted(known))}")
        return value

    def _text(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not value.strip():
            self._wrong("missing" if value is None else "wrong_type", path, "must be text (quote numbers and codes)")
            return ""
        return value

    def _id(self, item: Mapping[str, Any], path: str, key: str = "id") -> str:
        value = self._text(item.get(key), f"{path}.{key}")
        if len(value) > 60 or "/" in value or any(char.isspace() for char in value):
            self._wrong("wrong_id", f"{path}.{key}", "must have at most 60 characters, no blank and no slash")
        return value

    def _name(self, value: Any, path: str) -> Text:
        item = self._mapping(value, path, {"zh", "en"}) if value is not None else {}
        english = item.get("en")
        if english is not None and not isinstance(english, str):
            self._wrong("wrong_type", f"{path}.en", "must be text")
            english = None
        return Text(zh=self._text(item.get("zh"), f"{path}.zh"), en=english)

    def _ref(self, item: Mapping[str, Any], key: str, path: str) -> str | None:
        value = item.get(key)
        return None if value is None else self._text(value, f"{path}.{key}")

    def _ids(self, value: Any, path: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong("wrong_type", path, "must be a list")
            return ()
        return tuple(self._text(item, path) for item in value)

    def _day(self, value: Any, path: str) -> date | None:
        if value is None:
            return None
        if type(value) is not date:
            self._wrong("wrong_date", path, "must be a day such as 2026-01-31")
            return None
        return value

    def _words(self, value: Any, path: str) -> dict[str, float]:
        return {word: weight for word, weight in self._pairs(value, path) if word}

    def _pairs(self, value: Any, path: str) -> Iterator[tuple[str, float]]:
        if value is None:
            return
        if isinstance(value, list):
            for word in value:
                yield self._text(word, path), LIST_WEIGHT
        elif isinstance(value, dict):
            for word, weight in value.items():
                if isinstance(weight, bool) or not isinstance(weight, int | float):
                    self._wrong("wrong_weight", f"{path}.{word}", "weight must be a number above 0 and at most 10")
                else:
                    yield self._text(word, path), float(weight)
        else:
            self._wrong("wrong_type", path, "must be a list of words or words with weights")
