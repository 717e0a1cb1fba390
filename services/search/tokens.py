"""Folds text and cuts it into terms, alike for documents and questions, for every engine.

Folding is NFKC, case folding and traditional → simplified (OpenCC ``tw2s``, which knows Taiwan's forms too).
Han, kana and Hangul become single characters and bigrams, anything else words and numbers. Measured on three
Chinese collections, bigrams find more than a dictionary segmenter does, and a simplified question finds
traditional text only when both are folded (nDCG@10 0.80 → 0.95).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import add

from services.chassis.text import simplify

#: Scripts written without spaces: ideographs with their marks 々〇〻, kana, Hangul.
UNSPACED = "\u3005\u3007\u303b\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff" + (
    "\U00020000-\U000323af"
)
#: Characters of a word at most; longer ones are cut, since engines cut them each in its own way.
LONGEST_WORD = 64

#: One pass over folded text: a run of unspaced script, or a word.
_PIECES = re.compile(f"([{UNSPACED}]+)|([^\\W_{UNSPACED}]{{1,{LONGEST_WORD}}})")
#: A character with the marks that may melt into it: combining marks, and Hangul given in its parts.
_CLUSTERS = re.compile("[\u1100-\u11ff]+|.[\u0300-\u036f\u3099\u309a\u1160-\u11ff\uff9e\uff9f]*", re.DOTALL)


def _level(text: str) -> str:
    """NFKC and case folding, without the step between the scripts."""
    return unicodedata.normalize("NFKC", text).casefold()


def fold(text: str) -> str:
    """The text as it is compared: full-width, upper-case and traditional forms become plain ones."""
    return simplify(_level(text))


def cut(text: str) -> str:
    """The terms of a document's field, joined by spaces, for a field analysed by whitespace alone."""
    parts: list[str] = []
    for run, word in _PIECES.findall(fold(text)):
        if run:
            parts.append(" ".join(run))
            if len(run) > 1:
                parts.append(" ".join(map(add, run, run[1:])))
        else:
            parts.append(word)
    return " ".join(parts)


def runs(text: str) -> list[tuple[str, ...]]:
    """The terms of a question, by run: the bigrams of a run of Chinese (or its one character), or one word.

    Repeated runs and terms are given once.
    """
    found: dict[tuple[str, ...], None] = {}
    for run, word in _PIECES.findall(fold(text)):
        terms = (word,) if word else (run,) if len(run) == 1 else tuple(dict.fromkeys(map(add, run, run[1:])))
        found[terms] = None
    return list(found)


def occurrences(text: str, terms: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """Where ``terms`` occur in the original text: start, end and term, by start."""
    folded, starts, ends = _aligned(text)
    for piece in _PIECES.finditer(folded):
        at, end = piece.span()
        if piece.group(2) is not None:
            if piece.group() in terms:
                yield starts[at], ends[end - 1], piece.group()
            continue
        for i in range(at, end):
            if folded[i] in terms:
                yield starts[i], ends[i], folded[i]
            if i + 1 < end and folded[i : i + 2] in terms:
                yield starts[i], ends[i + 1], folded[i : i + 2]


@lru_cache(maxsize=20_000)
def _level_part(part: str) -> str:
    return _level(part)


def _aligned(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """The folded text and, for each of its characters, where it starts and ends in the original."""
    levelled = _level(text)
    parts: list[str] = list(text)
    folds = [_level_part(part) for part in parts]
    if "".join(folds) != levelled:
        # Marks melt into the character before them: go by clusters.
        parts = _CLUSTERS.findall(text)
        folds = [_level_part(part) for part in parts]
        levelled = "".join(folds)
    folded = simplify(levelled)
    if len(folded) != len(levelled):
        # A phrase changed its length (rare): simplify each part alone, so that places stay true.
        folds = [simplify(part) for part in folds]
        folded = "".join(folds)
    if len(folds) == len(text) == len(folded) and all(map(_is_one, folds)):
        return folded, range(len(text)), range(1, len(text) + 1)
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for part, folded_part in zip(parts, folds, strict=True):
        starts.extend([at] * len(folded_part))
        at += len(part)
        ends.extend([at] * len(folded_part))
    return folded, starts, ends


def _is_one(part: str) -> bool:
    return len(part) == 1
