"""The words that speak for a label and against it, put together from runs of signs as a person would read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from services.contracts.routing import Reason
from services.routing.judgement.grams import TITLE, Keys, spelled, words
from services.routing.judgement.opinion import AGAINST, FOR
from services.routing.judgement.sparse import Floats

#: Words shown for a label, and against it.
SHOWN_FOR: Final = 5
SHOWN_AGAINST: Final = 3
#: Runs looked at, those that say most.
_LOOKED_AT: Final = 40
#: Signs that link words: what begins or ends with one is no word of its own.
_LINKS: Final = frozenset(
    "的地得了着过是在和与及或也都就还又很太更最把被给让向对从到我你他她它们这那哪个之以为而但有没不会能要"
)


def reasons_of(title: str, body: str, keys: Keys, shares: Floats) -> list[Reason]:
    """Words for the first label and for the second one, each with its share of all that was said either way.

    Args:
        title: as it was written.
        body: as it was written.
        keys: the runs.
        shares: what each adds to the first label over the second.
    """
    if not len(keys):
        return []
    behind = words(f"{title}\n{body}")
    total = float(np.abs(shares).sum()) or 1.0
    found = []
    for code, sign, number in ((FOR, 1.0, SHOWN_FOR), (AGAINST, -1.0, SHOWN_AGAINST)):
        for run, weight in _strongest(_heaviest(keys, sign * shares), number):
            found.append(Reason(code=code, detail=_readable(run, behind), weight=round(weight / total, 3)))
    return found


def _heaviest(keys: Keys, shares: Floats) -> dict[str, float]:
    """The runs that say most one way, those of the title and of the text together."""
    most = np.argpartition(-shares, _LOOKED_AT)[:_LOOKED_AT] if len(shares) > _LOOKED_AT else np.arange(len(shares))
    weights: dict[str, float] = defaultdict(float)
    for key, share in zip((keys[most] & ~TITLE).tolist(), shares[most].tolist(), strict=True):
        if share > 0.0:
            weights[spelled(key)] += share
    return weights


def _strongest(weights: dict[str, float], number: int) -> Iterator[tuple[str, float]]:
    """Words with all that is in them, the strongest first, none inside or across another one."""
    used: set[str] = set()
    whole = {run: sum(weights.get(part, 0.0) for part in _parts(run)) for run in weights if _is_word(run)}
    for run, weight in sorted(whole.items(), key=lambda one: (-one[1], one[0])):
        parts = set(_parts(run))
        if weight > 0.0 and number and not parts & used:
            # Signs alone may come again in another word; pairs may not.
            used |= {part for part in parts if len(part) > 1} or parts
            number -= 1
            yield run, weight


def _parts(run: str) -> Iterator[str]:
    """Every different run inside a run, itself included."""
    return iter({run[start:end] for start in range(len(run)) for end in range(start + 1, len(run) + 1)})


def _is_word(run: str) -> bool:
    return (len(run) > 1 and not {run[0], run[-1]} & _LINKS) or (len(run) == 1 and ord(run) >= 0xF0000)


def _readable(run: str, behind: dict[str, str]) -> str:
    shown = [behind.get(sign, sign) for sign in run]
    return "".join(shown) if all(len(sign) == 1 for sign in shown) else " ".join(shown)
