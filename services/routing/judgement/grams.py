"""A text as the judgement reads it: folded, courtesies and numbers out, cut to runs of characters packed into numbers.

A Chinese character is one sign, and so is a whole word of any other script; runs of one to three signs count. Three
signs of 21 bits fit into one number, so that a vocabulary is a sorted array and every run can be read back from it.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from services.routing.folding import fold, sound

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.float32]

#: Longest run.
LONGEST: Final = 3
#: Signs read of a text: beginning and end of what is longer, which bounds the time that a petition of 100 kB takes.
MOST_SIGNS: Final = 8_000
#: Bit by which a run of the title differs from the same run anywhere.
TITLE: Final = np.uint64(1 << 63)

_BITS: Final = 21
_BREAK: Final = "\n"
#: Words stand in Unicode's planes for private use, where no character of a text is left after folding.
_WORDS_FROM, _WORDS = 0xF0000, 0x1FFF0
_PRIVATE: Final = re.compile("[\U000f0000-\U0010ffff]")
#: A word of a script that puts blanks between words, or a number.
_WORD: Final = re.compile(r"[^\W_\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+")
_BETWEEN: Final = re.compile("(?:[^\\w\U000f0000-\U0010ffff]|_)+")
#: What is in letters of every kind and says nothing of the matter, folded.
_EMPTY: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Address, greeting, thanks, close.
        r"(?:尊敬|敬爱|亲爱)的?[^,:!。\n]{0,12}?(?:领导|书记|[省市县区镇乡局]长|同志)们?",
        r"(?:你|您)们?好|此致|敬礼|谢谢|感谢|特此反映|恳请领导|请领导|dear (?:sir|madam)|sincerely|regards|thank you",
        # Days, hours, telephone numbers, addresses of the network.
        r"\d{2,4}年\d{1,2}月(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}:\d{2}(?::\d{2})?",
        r"(?:https?://|www\.)[!-~]+|[a-z0-9.+-]{1,64}@[a-z0-9.-]{1,64}|\+?\d{3,4}-\d{7,8}|\d{9,}",
    )
)


def signs(text: str) -> str:
    """The text as signs: a Chinese character or a foreign word each, a line break where one thought ends."""
    plain = _PRIVATE.sub(_BREAK, fold(sound(text)))
    for pattern in _EMPTY:
        plain = pattern.sub(_BREAK, plain)
    cut = _BETWEEN.sub(_BREAK, _WORD.sub(_sign, plain))
    if len(cut) > MOST_SIGNS:
        cut = cut[: MOST_SIGNS * 3 // 4] + _BREAK + cut[-MOST_SIGNS // 4 :]
    return cut


def words(text: str) -> dict[str, str]:
    """The word behind each sign of a text that stands for one."""
    return {_sign(found): found[0] for found in _WORD.finditer(fold(sound(text)))}


def _sign(found: re.Match[str]) -> str:
    word = found[0]
    if len(word) == 1:
        return word
    if word.isdigit():
        # A year and a sum of money differ; which one it is does not matter.
        word = f"#{min(len(word), 5)}"
    elif len(word) > 3 and word.endswith("s") and word.isascii():
        word = word[:-1]
    return chr(_WORDS_FROM + zlib.crc32(word.encode()) % _WORDS)


def runs(text: str) -> tuple[Keys, Counts]:
    """The different runs of a text of signs, in order, and how often each stands in it."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    inside = codes != ord(_BREAK)
    found = []
    keys = np.zeros(len(codes), np.uint64)
    whole = np.ones(len(codes), bool)
    for length in range(1, LONGEST + 1):
        end = len(codes) - length + 1
        if end <= 0:
            break
        keys = keys[:end] | codes[length - 1 :] << np.uint64(_BITS * (length - 1))
        whole = whole[:end] & inside[length - 1 :]
        found.append(keys[whole])
    if not found:
        return np.zeros(0, np.uint64), np.zeros(0, np.float32)
    every, counts = np.unique(np.concatenate(found), return_counts=True)
    return every, counts.astype(np.float32)


def of_three(keys: Keys) -> npt.NDArray[np.bool_]:
    """Which runs have three signs."""
    three: npt.NDArray[np.bool_] = (keys & ~TITLE) >> np.uint64(2 * _BITS) != 0
    return three


def spelled(key: int) -> str:
    """A run read back from its number."""
    codes = [key >> _BITS * place & (1 << _BITS) - 1 for place in range(LONGEST)]
    return "".join(map(chr, filter(None, codes)))
