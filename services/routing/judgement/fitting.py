"""Learning from decided petitions: a kernel over their runs and ridge regression on it, in closed form.

Every row's score without itself and its near-duplicates comes out of the same inverse (leave-one-group-out), so that
confidence is calibrated on scores that the row had no part in, without training again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.routing.domain.look_alikes import bands, similarity, sketch
from services.routing.folding import fold
from services.routing.judgement.calibration import Calibration, calibrate
from services.routing.judgement.sparse import Floats, Sparse, gram
from services.routing.judgement.training_file import Row
from services.routing.judgement.vocabulary import Vocabulary, learn, rows_of, text_of

#: Rows learned from: the newest, since memory grows with the square: a matrix of 8,000 takes 256 MB.
MOST_ROWS: Final = 8_000
#: Ridge: how strongly the scores are drawn to the labels' shares.
RIDGE: Final = 0.3
#: Texts that share so many of their shingles are one petition told twice.
SAME: Final = 0.5
#: How much rare labels are lifted: 0 not at all, 1 every label counts alike.
LIFT: Final = 1.0
#: … and in the calibration: halfway between what is frequent and what is fair.
CALIBRATION_LIFT: Final = 0.5
#: Other rows with an equal band that a text is held against.
_LOOKED_AT: Final = 8

Say = Callable[[str, float], None]


@dataclass(frozen=True)
class Fitted:
    """What was learned, and each row's scores without itself."""

    rows: list[Row]
    labels: list[str]
    of_row: npt.NDArray[np.int64]
    vocabulary: Vocabulary
    matrix: Sparse
    prior: Floats
    weights: Floats
    held_out: Floats
    calibration: Calibration
    duplicates: int
    #: How near each row's nearest is that is no near-duplicate of it.
    nearest: Floats


def groups(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """The number of the group of near-duplicates that each folded text belongs to."""
    above = list(range(len(texts)))

    def top(at: int) -> int:
        while above[at] != at:
            above[at] = above[above[at]]
            at = above[at]
        return at

    by_band: dict[int, list[int]] = defaultdict(list)
    sketches = [sketch(text) for text in texts]
    for at, one in enumerate(sketches):
        for band in bands(one):
            bucket = by_band[band]
            for other in bucket[-_LOOKED_AT:]:
                if top(at) != top(other) and similarity(one, sketches[other]) >= SAME:
                    above[top(at)] = top(other)
            bucket.append(at)
    return np.array([top(at) for at in range(len(texts))], np.int64)


def once(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows without those whose text and label came before, with their folded texts; the last of each stays."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (fold(f"{row.title}\n{row.body}"), row.label)
        found.pop(key, None)
        found[key] = row
    return list(found.values()), [text for text, _ in found]


def fit(rows: Sequence[Row], say: Say = lambda what, done: None) -> Fitted:
    """Learn from rows, the newest of which come last.

    Args:
        rows: at least one; of at least one label.
        say: told what is being done and how much of it, 0 … 1.
    """
    say("comparing texts", 0.0)
    kept, folded = once(rows)
    duplicates = len(rows) - len(kept)
    kept, folded = kept[-MOST_ROWS:], folded[-MOST_ROWS:]
    group = groups(folded)
    labels = sorted({row.label for row in kept})
    place = {label: at for at, label in enumerate(labels)}
    of_row = np.array([place[row.label] for row in kept], np.int64)
    say("reading texts", 0.0)
    texts = [text_of(row.title, row.body) for row in kept]
    vocabulary = learn(texts)
    matrix = rows_of(vocabulary, texts, lambda done: say("reading texts", done))
    kernel = gram(matrix, lambda done: say("comparing petitions", done))
    say("learning", 0.0)
    nearest = _nearest(kernel, group)
    counts = _weights(of_row, group, len(labels), LIFT)
    truth = np.zeros((len(kept), len(labels)), np.float32)
    truth[np.arange(len(kept)), of_row] = 1.0
    prior = (counts @ truth / counts.sum()).astype(np.float32)
    kernel[np.diag_indices_from(kernel)] += RIDGE / counts
    inverse = np.linalg.inv(kernel)
    del kernel
    weights = inverse @ (truth - prior)
    say("learning", 0.8)
    held_out = truth - _residuals(inverse, weights, group)
    calibration = calibrate(held_out, of_row, _weights(of_row, group, len(labels), CALIBRATION_LIFT))
    say("learning", 1.0)
    return Fitted(kept, labels, of_row, vocabulary, matrix, prior, weights, held_out, calibration, duplicates, nearest)


def _weights(of_row: npt.NDArray[np.int64], group: npt.NDArray[np.int64], labels: int, lift: float) -> Floats:
    """How much each row counts: a group of near-duplicates as one petition, rare labels somewhat more."""
    sizes = Counter(group.tolist())
    weights = np.array([1.0 / sizes[one] for one in group.tolist()])
    share = np.bincount(of_row, weights, minlength=labels)
    weights *= (share.sum() / (labels * share[of_row])) ** lift
    fair: npt.NDArray[np.float64] = weights * len(weights) / weights.sum()
    return fair.clip(0.02, 8.0).astype(np.float32)


def _nearest(kernel: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """How near each row's nearest is, where its own group does not count; 0 where there is no other group."""
    found = np.zeros(len(group), np.float32)
    for at in range(len(group)):
        others = kernel[at, group != group[at]]
        if len(others):
            found[at] = others.max()
    return found


def _residuals(inverse: Floats, weights: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """Truth less score, where the score had no part of the row's group."""
    residuals = weights / np.diag(inverse)[:, None]
    members: dict[int, list[int]] = defaultdict(list)
    for at, one in enumerate(group.tolist()):
        members[one].append(at)
    for rows in members.values():
        if len(rows) > 1:
            residuals[rows] = np.linalg.solve(inverse[np.ix_(rows, rows)], weights[rows])
    return residuals.astype(np.float32)
