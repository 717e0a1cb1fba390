"""Look-alikes: past petitions about one matter. Sketch, rare words, petitioner, place find them, sameness weighs."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice

from services.contracts.routing import LookAlike
from services.routing.domain.kept_words import unpack
from services.routing.domain.sameness import TOLD, Profile, Sameness, sameness

#: Characters in a shingle: three carry a Chinese word with its neighbour.
SHINGLE = 3
#: Bins of the sketch (one-permutation MinHash, Li, Owen and Zhang 2012): 64 give ± 0.06 at a similarity of 0.3.
BINS = 64
#: Bands of two bins each that are looked up: one equal band is found with 1 - (1 - s²)^16, 78 % at s = 0.3.
BANDS = 16
#: Words that a petition is found by beside the bands: its heaviest ones, and those of its title.
TEXT_WORDS = 8
HEAD_WORDS = 4
#: Petitions that are looked at by one band or word, the newest.
PER_KEY = 10
#: The same of one petitioner, and about one subject in one area.
PER_PETITIONER = 10
PER_MATTER = 20
#: What sets their numbers apart from those of bands.
_WORD = BANDS << 58
#: Past petitions older than this are no look-alikes (days); 90 is the rule for a repeated matter.
REPEAT_DAYS = 90
#: How many are told, and how many are weighed at most.
MOST = 5
CANDIDATES = 40
#: Where no words are kept of one of the two, scores below this are not told.
LEAST = 0.3
#: What texts, titles and places must share to be named as a reason.
_TEXT, _TITLE, _PLACE = 0.15, 0.3, 0.3

_EMPTY = 0xFFFFFFFF
_PACK = struct.Struct(f"<{BINS}I")


def sketch(folded: str) -> bytes:
    """A text's sketch of 256 bytes; two sketches tell how much the texts share. Empty for almost no text."""
    text = "".join(char for char in folded if char.isalnum())
    if len(text) < SHINGLE:
        return b""
    raw = text.encode("utf-32-le")
    crc = zlib.crc32
    hashes = {crc(raw[at : at + 4 * SHINGLE]) for at in range(0, len(raw) - 4 * SHINGLE + 4, 4)}
    bins = [_EMPTY] * BINS
    for value in hashes:
        at, rest = value % BINS, value // BINS
        if rest < bins[at]:
            bins[at] = rest
    # A bin without a shingle borrows from the next one that has some (Shrivastava and Li 2014).
    filled = [at for at, value in enumerate(bins) if value != _EMPTY]
    source = filled[0]
    for at in range(BINS - 1, -1, -1):
        if bins[at] == _EMPTY:
            bins[at] = (bins[source] + (source - at) % BINS * 0x9E3779B1) & 0x7FFFFFFF
        else:
            source = at
    return _PACK.pack(*bins)


def bands(sketched: bytes) -> list[int]:
    """The keys under which a sketch is found again: 63-bit numbers, each with its band's number in it."""
    if not sketched:
        return []
    bins = _PACK.unpack(sketched)
    return [band << 58 | (bins[band] << 29 ^ bins[band + BINS // 2]) & (1 << 58) - 1 for band in range(BANDS)]


def rare_words(profile: Profile | None) -> list[int]:
    """The keys of a petition's heaviest words and of those of its title: numbers beside those of all bands."""
    if profile is None:
        return []
    heads = sorted(profile.heads, key=lambda key: (-profile.heads[key], key))
    return [_WORD | key for key in (*islice(profile.weights, TEXT_WORDS), *heads[:HEAD_WORDS])]


def similarity(one: bytes, other: bytes) -> float:
    """Estimated share of shingles that two texts have in common, 0 … 1."""
    if not one or not other:
        return 0.0
    return sum(map(int.__eq__, _PACK.unpack(one), _PACK.unpack(other))) / BINS


def place_pairs(folded_place: str, area_words: Iterable[str]) -> frozenset[str]:
    """Pairs of characters in a place, without the names of areas, which half the county shares."""
    rest = folded_place
    for word in sorted(area_words, key=len, reverse=True):
        rest = rest.replace(word, " ")
    text = "".join(char if char.isalnum() else " " for char in rest)
    return frozenset(pair for pair in (text[i : i + 2] for i in range(len(text) - 1)) if " " not in pair)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the shorter place that is in the longer one; 0 when either says too little."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller >= 2 else 0.0


@dataclass(frozen=True)
class Features:
    """What of a petition is compared."""

    petition_id: str
    number: str
    submitted_at: datetime
    sketch: bytes = b""
    petitioner_key: str | None = None
    subject: str | None = None
    area: str | None = None
    place: frozenset[str] = frozenset()
    #: Its words (kept_words.pack); empty for petitions of before they were kept.
    kept: bytes = b""

    @cached_property
    def keys(self) -> list[int]:
        """What it is found by: the bands of its sketch and its rarest words, each once."""
        return list(dict.fromkeys([*bands(self.sketch), *rare_words(self.profile)]))

    @cached_property
    def profile(self) -> Profile | None:
        """Its words, ready for weighing."""
        return unpack(self.kept, self.petition_id, self.petitioner_key)


def compare(new: Features, past: Features) -> LookAlike | None:
    """How alike two petitions are, with the reasons; None when they are not, or the past one is too old."""
    if past.petition_id == new.petition_id or abs(new.submitted_at - past.submitted_at) > timedelta(days=REPEAT_DAYS):
        return None
    if new.profile is None or past.profile is None:
        return _by_sketch(new, past)
    found = sameness(new.profile, past.profile)
    # Who writes again about the same subject is told of whatever the words are: it may be the matter from another side.
    again = found.same_petitioner and new.subject is not None and new.subject == past.subject
    return _told(past, found.score, _reasons(new, past, found)) if found.score >= TOLD or again else None


def _told(past: Features, score: float, reasons: Iterable[str]) -> LookAlike:
    score = round(min(score, 1.0), 2)
    return LookAlike(petition_id=past.petition_id, number=past.number, score=score, reasons=sorted(reasons))


def _reasons(new: Features, past: Features, found: Sameness) -> list[str]:
    """What a score rests on, in codes."""
    same_area = new.area is not None and new.area == past.area
    near = same_area and overlap(new.place, past.place) >= _PLACE
    one, other = new.profile, past.profile
    named = one is not None and other is not None and bool(one.head_places & other.head_places)
    seen = {
        "text": found.text >= _TEXT,
        "title": found.heads >= _TITLE,
        "place": near or named,
        "same_petitioner": found.same_petitioner,
        "other_matter": found.apart,
    }
    reasons = [code for code, there in seen.items() if there]
    return reasons if set(reasons) - {"other_matter"} else ["text", *reasons]


def _by_sketch(new: Features, past: Features) -> LookAlike | None:
    score, reasons = 0.0, []
    text = similarity(new.sketch, past.sketch)
    if text >= _TEXT:
        score, reasons = text, ["text"]
    same_subject = new.subject is not None and new.subject == past.subject
    if same_subject and new.area is not None and new.area == past.area:
        near = overlap(new.place, past.place)
        if near >= _PLACE:
            score += 0.25 + 0.35 * near
            reasons.append("place")
    if new.petitioner_key is not None and new.petitioner_key == past.petitioner_key:
        score += 0.5 if same_subject else 0.3
        reasons.append("same_petitioner")
    return None if score < LEAST else _told(past, score, reasons)


@dataclass(frozen=True)
class Found:
    """Ids of petitions by what they are found by, the newest last."""

    #: By band of the sketch and rare word.
    by_key: dict[int, list[str]] = field(default_factory=dict)
    by_petitioner: dict[str, list[str]] = field(default_factory=dict)
    #: By subject and area.
    by_matter: dict[tuple[str | None, str | None], list[str]] = field(default_factory=dict)

    def add(self, one: Features) -> None:
        """Let a petition be found by all it is found by."""
        for key in one.keys:
            self.by_key.setdefault(key, []).append(one.petition_id)
        if one.petitioner_key is not None:
            self.by_petitioner.setdefault(one.petitioner_key, []).append(one.petition_id)
        if one.subject is not None:
            self.by_matter.setdefault((one.subject, one.area), []).append(one.petition_id)

    def of_key(self, key: int) -> list[str]:
        """The newest under a band or word."""
        return self.by_key.get(key, [])[-PER_KEY:]

    def of_petitioner(self, one: Features) -> list[str]:
        """Those of the same petitioner."""
        return self.by_petitioner.get(one.petitioner_key, []) if one.petitioner_key is not None else []

    def of_matter(self, one: Features) -> list[str]:
        """Those of the same subject in the same area."""
        return self.by_matter.get((one.subject, one.area), [])


class Pool:
    """Past petitions that a batch may be like, and those of the batch itself as they come.

    Args:
        past: past petitions by what those of the batch are found by; none when left out.
    """

    def __init__(self, past: Found | None = None) -> None:
        self._known: dict[str, Features] = {}
        # Apart, so that those of the batch push no past one out of what was loaded for it.
        self._past, self._batch = past or Found(), Found()

    def know(self, past: Iterable[Features]) -> None:
        """Keep what is compared of past petitions; those that are not known are nobody's candidates."""
        self._known |= {one.petition_id: one for one in past}

    def forget(self, petition_id: str) -> None:
        """From here on it is nobody's candidate."""
        self._known.pop(petition_id, None)

    def add(self, one: Features) -> None:
        """Keep a petition of the batch, for those that come after it."""
        if one.petition_id not in self._known:
            self._known[one.petition_id] = one
            self._batch.add(one)

    def likely(self, new: Features) -> list[str]:
        """Ids of those worth weighing, ``CANDIDATES`` at most, the likeliest first; not all of them need be known."""
        return self._ranked(new)[:CANDIDATES]

    def candidates(self, new: Features) -> list[Features]:
        """What is compared of those worth weighing, the likeliest first."""
        known = (self._known[petition_id] for petition_id in self._ranked(new) if petition_id in self._known)
        return list(islice(known, CANDIDATES))

    def _ranked(self, new: Features) -> list[str]:
        """The same petitioner's, then who has most bands and rare words in common, then the same subject and area.

        Of each the newest few.
        """
        both = (self._past, self._batch)
        shared = Counter(chain.from_iterable(found.of_key(key) for key in new.keys for found in both))
        # Of equally many the newest: ids sort by time.
        most = sorted(shared, key=lambda petition_id: (shared[petition_id], petition_id), reverse=True)
        own = [*chain.from_iterable(found.of_petitioner(new) for found in both)][-PER_PETITIONER:]
        near = [*chain.from_iterable(found.of_matter(new) for found in both)][-PER_MATTER:]
        ids = dict.fromkeys([*reversed(own), *most, *reversed(near)])
        ids.pop(new.petition_id, None)
        return list(ids)


def look_alikes(new: Features, candidates: Sequence[Features]) -> list[LookAlike]:
    """The past petitions about the same matter, the most alike first."""
    found = (compare(new, past) for past in candidates[:CANDIDATES])
    return sorted((one for one in found if one is not None), key=lambda one: (-one.score, one.number))[:MOST]
