"""Confidence that means what it says: scores become probabilities, fitted on rows that the scores had no part in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.routing.judgement.sparse import Floats

#: A threshold that no confidence reaches.
NEVER: Final = 2.0
#: Fewer right answers at the top prove nothing.
LEAST_SURE: Final = 20
#: Steps of the fit, and how strongly a label's own shift is drawn to none.
_STEPS: Final = 300
_PULL: Final = 1.0
#: Where the search for the slope begins and how far one step may go.
_SLOPE: Final = 6.0
_STRIDE: Final = 0.1


@dataclass(frozen=True)
class Calibration:
    """``softmax(slope * score + shift)``."""

    slope: float
    shifts: Floats

    def probabilities(self, scores: Floats) -> Floats:
        """Probabilities of the labels, a row each."""
        return _softmax(self.slope * scores + self.shifts)


def calibrate(scores: Floats, labels: npt.NDArray[np.int64], weights: Floats) -> Calibration:
    """The slope and shifts under which the true labels are likeliest.

    Args:
        scores: of rows that had no part in them, labels across.
        labels: the true ones.
        weights: how much each row counts.
    """
    number = scores.shape[1]
    truth = np.zeros(scores.shape, np.float32)
    truth[np.arange(len(labels)), labels] = 1.0
    values = np.concatenate([[np.log(_SLOPE)], np.zeros(number)])
    first, second = np.zeros_like(values), np.zeros_like(values)
    total = float(weights.sum())
    for step in range(1, _STEPS + 1):
        slope, shifts = np.exp(values[0]), values[1:]
        off = (_softmax(slope * scores + shifts) - truth) * weights[:, None]
        gradient = np.concatenate([[slope * float((off * scores).sum())], off.sum(0) + _PULL * shifts]) / total
        # Adam: one rate suits the slope and hundreds of shifts alike.
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        rate = _STRIDE * (1.0 - step / (_STEPS + 1))
        values -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return Calibration(float(np.exp(values[0])), values[1:].astype(np.float32))


def sure_from(confidence: Floats, right: npt.NDArray[np.bool_], wanted: float) -> float:
    """The confidence from which on the share of right answers is as wanted; ``NEVER`` when it never is."""
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share >= wanted)
    return float(confidence[order[enough[-1]]]) if len(enough) and enough[-1] + 1 >= LEAST_SURE else NEVER


def _softmax(values: npt.NDArray[np.floating]) -> Floats:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: npt.NDArray[np.floating] = powers / powers.sum(axis=-1, keepdims=True)
    return shares.astype(np.float32)
