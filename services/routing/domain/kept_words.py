"""What is kept of a petition's words, so that a later one is weighed against it without reading its text again."""

from __future__ import annotations

import struct
from typing import Final

from services.routing.domain.sameness import Profile

#: Weights are kept in steps of 1/65,535; no score moves by more than a thousandth.
_ONE: Final = 0xFFFF
_HEAD: Final = struct.Struct("<HHHQQ")


def pack(profile: Profile) -> bytes:
    """At most 2 kB: keys of words with their weights, those of the title with their shares, troubles and places."""
    texts, heads, places = profile.weights, profile.heads, sorted(profile.head_places)
    return b"".join(
        (
            _HEAD.pack(len(texts), len(heads), len(places), profile.head_troubles, profile.troubles),
            struct.pack(f"<{len(texts)}I{len(heads)}I{len(places)}I", *texts, *heads, *places),
            struct.pack(f"<{len(texts)}H{len(heads)}H", *map(_steps, texts.values()), *map(_steps, heads.values())),
        )
    )


def unpack(kept: bytes, petition_id: str, petitioner: str | None) -> Profile | None:
    """The reverse of ``pack``; None where nothing is kept.

    Args:
        kept: what ``pack`` made.
        petition_id: whose words they are.
        petitioner: key of its petitioner.
    """
    if not kept:
        return None
    texts, heads, places, head_troubles, troubles = _HEAD.unpack_from(kept)
    keys = struct.unpack_from(f"<{texts + heads + places}I", kept, _HEAD.size)
    steps = struct.unpack_from(f"<{texts + heads}H", kept, _HEAD.size + 4 * len(keys))
    weights = [step / _ONE for step in steps]
    return Profile(
        petition_id,
        dict(zip(keys[:texts], weights[:texts], strict=True)),
        dict(zip(keys[texts : texts + heads], weights[texts:], strict=True)),
        head_troubles,
        troubles,
        frozenset(keys[texts + heads :]),
        petitioner=petitioner,
    )


def _steps(weight: float) -> int:
    return round(min(weight, 1.0) * _ONE)
