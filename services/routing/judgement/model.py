"""A trained judgement: judges petitions with nothing but numpy, says why, and is written to and read from a file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.contracts.routing import Reason
from services.routing.judgement import model_file
from services.routing.judgement.calibration import Calibration, sure_from
from services.routing.judgement.evidence import reasons_of
from services.routing.judgement.fitting import Fitted
from services.routing.judgement.opinion import LOW_CONFIDENCE, NO_TEXT, UNKNOWN_TEXT, Neighbour, Opinion
from services.routing.judgement.sparse import Floats, Indices, Sparse, offsets, products
from services.routing.judgement.vocabulary import Vocabulary, text_of

#: Share of right answers among those it does not abstain from.
WANTED: Final = 0.95
#: A text that shares less with all that was learned is not judged (squared length of its known part).
LEAST_KNOWN: Final = 0.08
#: A petition farther from all that was learned than this share of them were from each other is of another matter: it
#: abstains. Of 500 petitions on matters that no label stood for it is sure of 14 %, without this rule of 54 %.
FARTHEST: Final = 0.05
#: Past petitions shown, and how near they must be.
NEIGHBOURS: Final = 5
LEAST_NEAR: Final = 0.05
#: Labels ranked.
RANKED: Final = 3
#: A title longer than this is shown in part.
TITLE_LENGTH: Final = 60


@dataclass(frozen=True)
class Past:
    """A petition that was learned from, as it is shown."""

    id: str
    title: str
    label: int


@dataclass(frozen=True)
class Facts:
    """What is known of a model as a whole."""

    #: By which one model is told from another: the beginning of its checksum.
    id: str
    trained_at: datetime
    #: Rows in the file, and those left out as told twice.
    rows: int
    duplicates: int
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """Ready to judge; safe for several threads.

    Args:
        facts: of it.
        vocabulary: the runs that count.
        turned: past petitions by run.
        weights: what each of them says for each label.
        prior: the labels' shares.
        calibration: from scores to probabilities.
        threshold: confidence from which it does not abstain.
        past: what is shown of each past petition.
        least_near: nearness below which a petition is of another matter than all of them.
    """

    facts: Facts
    vocabulary: Vocabulary
    turned: Sparse
    weights: Floats
    prior: Floats
    calibration: Calibration
    threshold: float
    past: tuple[Past, ...]
    least_near: float

    def judge(self, title: str, body: str, *, why: bool = True) -> Opinion:
        """Judge one petition.

        Args:
            title: as it was written.
            body: as it was written.
            why: with words and past petitions.
        """
        text = text_of(title, body)
        if not len(text.anywhere[0]):
            return Opinion(None, 0.0, True, (Reason(code=NO_TEXT),))
        columns, values = self.vocabulary.row(text)
        if float(np.dot(values, values)) < LEAST_KNOWN:
            return Opinion(None, 0.0, True, (Reason(code=UNKNOWN_TEXT),))
        return self._opinion(title, body, columns, values, why)

    def _opinion(self, title: str, body: str, columns: Indices, values: Floats, why: bool) -> Opinion:
        near, rows, parts = products(columns, values, self.turned)
        scores = near @ self.weights + self.prior
        probabilities = self.calibration.probabilities(scores)
        order = np.argsort(-probabilities, kind="stable")[:RANKED]
        ranked = tuple((self.facts.labels[at], round(float(probabilities[at]), 4)) for at in order.tolist())
        label, confidence = ranked[0]
        unknown = float(near.max()) < self.least_near
        abstains = unknown or confidence < self.threshold
        code = UNKNOWN_TEXT if unknown else LOW_CONFIDENCE
        reasons = [Reason(code=code, detail=label, weight=confidence)] if abstains else []
        if not why:
            return Opinion(label, confidence, abstains, tuple(reasons), (), ranked)
        if len(order) > 1:
            pull = self.weights[:, order[0]] - self.weights[:, order[1]]
            begins = offsets(self.turned.lengths[columns])[:-1]
            shares = np.add.reduceat(np.append(parts * pull[rows], np.float32(0.0)), begins)
            reasons += reasons_of(title, body, self.vocabulary.keys[columns], shares)
        return Opinion(label, confidence, abstains, tuple(reasons), self._neighbours(near), ranked)

    def _neighbours(self, near: Floats) -> tuple[Neighbour, ...]:
        some = np.argpartition(-near, NEIGHBOURS)[:NEIGHBOURS] if len(near) > NEIGHBOURS else np.arange(len(near))
        nearest = some[np.argsort(-near[some], kind="stable")].tolist()
        return tuple(
            Neighbour(past.id, past.title, self.facts.labels[past.label], round(float(near[at]), 2))
            for at in nearest
            if near[at] >= LEAST_NEAR
            for past in (self.past[at],)
        )

    @cached_property
    def size(self) -> int:
        """Bytes of its arrays in memory."""
        arrays = (self.vocabulary.keys, self.vocabulary.weights, self.weights, *_turned(self.turned).values())
        return sum(array.nbytes for array in arrays)


def _turned(matrix: Sparse) -> dict[str, Any]:
    return {"starts": matrix.starts, "columns": matrix.columns, "values": matrix.values}


def model_of(fitted: Fitted, trained_at: datetime, wanted: float = WANTED) -> Model:
    """The model of what was learned.

    Args:
        fitted: what was learned.
        trained_at: when.
        wanted: share of right answers among those it does not abstain from.
    """
    return load(to_bytes(fitted, trained_at, wanted))


def to_bytes(fitted: Fitted, trained_at: datetime, wanted: float = WANTED) -> bytes:
    """The model file of what was learned; the same rows and moment give the same bytes."""
    probabilities = fitted.calibration.probabilities(fitted.held_out)
    confidence = probabilities.max(1)
    threshold = sure_from(confidence, probabilities.argmax(1) == fitted.of_row, wanted)
    about = {
        "trained_at": trained_at.isoformat(),
        "rows": len(fitted.rows) + fitted.duplicates,
        "duplicates": fitted.duplicates,
        "labels": fitted.labels,
        "slope": fitted.calibration.slope,
        "threshold": threshold,
        "least_near": round(float(np.quantile(fitted.nearest, FARTHEST)), 4),
        "unknown": fitted.vocabulary.unknown,
        "past": [[row.id, row.title[:TITLE_LENGTH]] for row in fitted.rows],
    }
    turned = fitted.matrix.turned()
    return model_file.pack(
        {
            "about": np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8),
            "keys": fitted.vocabulary.keys,
            "key_weights": fitted.vocabulary.weights,
            "starts": turned.starts,
            "rows": turned.columns,
            "values": turned.values.astype(np.float16),
            "weights": fitted.weights.astype(np.float32, copy=False),
            "prior": fitted.prior,
            "shifts": fitted.calibration.shifts,
            "labels": fitted.of_row.astype(np.int32, copy=False),
        }
    )


def load(source: Path | bytes, name: str = "") -> Model:
    """A model from its file or the bytes of one.

    Args:
        source: path or content.
        name: for the refusal, where there is no path.

    Raises:
        Refusal: it is no sound model of this release; ``code`` says what is wrong.
        OSError: the file cannot be read.
    """
    data = model_file.read(source) if isinstance(source, Path) else source
    name = name or (source.name if isinstance(source, Path) else "model")
    arrays = model_file.unpack(data, name)
    try:
        model = _model(arrays, hashlib.sha256(data).hexdigest()[:12])
    except (KeyError, ValueError, TypeError, IndexError, OverflowError, RecursionError):
        raise model_file.damaged(name) from None
    if not _fits(model):
        raise model_file.damaged(name)
    return model


def _model(arrays: dict[str, Any], checksum: str) -> Model:
    about = json.loads(arrays["about"].astype(np.uint8, copy=False).tobytes())
    labels = [int(label) for label in arrays["labels"]]
    past = [Past(str(id_), str(title), label) for (id_, title), label in zip(about["past"], labels, strict=True)]
    keys = arrays["keys"].astype(np.uint64, copy=False)
    turned = Sparse(
        arrays["starts"].astype(np.int64, copy=False),
        arrays["rows"].astype(np.int32, copy=False),
        arrays["values"].astype(np.float32, copy=False),
        len(past),
    )
    names = tuple(str(label) for label in about["labels"])
    moment = datetime.fromisoformat(about["trained_at"])
    return Model(
        Facts(checksum, moment, int(about["rows"]), int(about["duplicates"]), names),
        Vocabulary(keys, arrays["key_weights"].astype(np.float32, copy=False), float(about["unknown"])),
        turned,
        arrays["weights"].astype(np.float32, copy=False),
        arrays["prior"].astype(np.float32, copy=False),
        Calibration(float(about["slope"]), arrays["shifts"].astype(np.float32, copy=False)),
        float(about["threshold"]),
        tuple(past),
        float(about["least_near"]),
    )


def _fits(model: Model) -> bool:
    """Whether its parts fit each other, so that judging can go wrong nowhere."""
    rows, runs, labels = len(model.past), len(model.vocabulary.keys), len(model.facts.labels)
    numbers = (model.vocabulary.weights, model.turned.values, model.weights, model.prior, model.calibration.shifts)
    single = np.array([model.vocabulary.unknown, model.calibration.slope, model.threshold, model.least_near])
    starts, past = model.turned.starts, model.turned.columns
    return bool(
        rows
        and runs
        and labels
        and model.vocabulary.keys.shape == model.vocabulary.weights.shape == (runs,)
        and starts.shape == (runs + 1,)
        and starts[0] == 0
        and (np.diff(starts) >= 0).all()
        and starts[-1] == len(past) == len(model.turned.values)
        and (not len(past) or (past.min() >= 0 and past.max() < rows))
        and model.weights.shape == (rows, labels)
        and model.prior.shape == model.calibration.shifts.shape == (labels,)
        and all(0 <= one.label < labels for one in model.past)
        and (model.vocabulary.keys[1:] > model.vocabulary.keys[:-1]).all()
        and all(np.isfinite(array).all() for array in (*numbers, single))
    )
