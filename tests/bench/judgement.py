"""The judgement that learns, on the development data: against a plain classifier, and from the first decisions on.

Petitions told twice stand on one side of each fold. Both are trained and asked on the same rows. The plain classifier
is a linear support vector machine on TF-IDF of one and two characters, as scikit-learn has it.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tests.bench.folding import families, folds
from tests.bench.report import Report

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))
FOLDS, REPEATS, FULL_REPEATS = 5, 1, 3
#: Decisions learned from, beside none and all.
CURVE = (50, 100, 200, 500, 1_000, 2_000)
#: The invented county's directory: what is said before anything was decided.
DIRECTORY = ROOT / "examples" / "directory.yaml"
#: Figures that limits.json has a goal for.
GOALS = ("gain", "macro_f1_at_85", "ece", "ms", "mb", "train_s")

Row = dict[str, str]


def run(report: Report) -> None:
    """Every fold of every repeat, then the learning curve on the first fold."""
    rows = _rows(report)
    if not rows:
        return
    family = families([f"{row['title']}\n{row['body']}" for row in rows])
    report.say(f"judgement: {len(rows)} petitions in {len(set(family))} families")
    labels = [row["label"] for row in rows]
    rounds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for repeat in range(FULL_REPEATS if report.full else report.rounds_of(REPEATS)):
            fold = folds(labels, family, FOLDS, repeat)
            for held in range(1 if report.quick else FOLDS):
                old = [row for row, at in zip(rows, fold, strict=True) if at != held]
                new = [row for row, at in zip(rows, fold, strict=True) if at == held]
                found = _trial(folder, old, new)
                found["plain"] = _plain(old, new)
                for key, value in found.items():
                    rounds.setdefault(key, []).append(value)
                report.say(
                    f"fold {repeat + 1}.{held + 1}: {found['macro_f1']:.4f}, plain {found['plain']:.4f}, surest "
                    f"{found['macro_f1_at_85']:.4f}, calibration {found['ece']:.4f}, {found['ms_per_petition']:.2f} ms"
                )
        _curve(report, folder, rows, folds(labels, family, FOLDS, 0))
    gains = [ours - plain for ours, plain in zip(rounds["macro_f1"], rounds["plain"], strict=True)]
    report.rounds |= {f"judgement_{key}": values for key, values in rounds.items()}
    report.figures |= {
        "judgement_macro_f1": fmean(rounds["macro_f1"]),
        "judgement_plain_macro_f1": fmean(rounds["plain"]),
        "judgement_gain": fmean(gains),
        "judgement_macro_f1_at_85": fmean(rounds["macro_f1_at_85"]),
        "judgement_ece": fmean(rounds["ece"]),
        "judgement_ms": fmean(rounds["ms_per_petition"]),
        "judgement_mb": max(rounds["mb"]),
        "judgement_train_s": max(rounds["train_s"]),
    }
    if len(gains) > 1:
        report.note(f"judgement: gain over the plain classifier {fmean(gains):.4f} ± {stdev(gains):.4f} (one fold)")


def _rows(report: Report) -> list[Row]:
    file = DATA / "labelled_topics.jsonl.gz"
    if not file.exists():
        report.note(f"judgement: skipped, no development data in {DATA}; DATA names its folder")
        report.waived |= dict.fromkeys((f"judgement_{name}" for name in GOALS), "skipped: no data")
        return []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _write(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _judge(*arguments: str) -> tuple[str, float]:
    """What a command prints, and the most memory it held (MB)."""
    command = [sys.executable, "-m", "services.cli.main", "judge", *arguments]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as wrong:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=wrong)
        most = 0.0
        while process.poll() is None:
            # What the kernel tells at the end counts us as well, from whom it was forked.
            most = max(most, _memory(process.pid))
            time.sleep(0.05)
        wrong.seek(0)
        assert process.returncode == 0, wrong.read().decode()
        said.seek(0)
        return said.read().decode(), most


def _memory(pid: int) -> float:
    """The most that a process has held (MB); 0 when it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _trial(folder: Path, old: Sequence[Row], new: Sequence[Row]) -> dict[str, float]:
    """Train on some, ask for the others."""
    model = str(folder / "model")
    began = time.monotonic()
    _judge("train", str(_write(folder / "old.jsonl", old)), "--out", model)
    seconds = time.monotonic() - began
    text, size = _judge("evaluate", model, str(_write(folder / "new.jsonl", new)), "--json")
    found: dict[str, Any] = json.loads(text)
    figures = {key: float(value) for key, value in found.items() if key not in ("per_class", "rows")}
    return {**figures, "train_s": seconds, "mb": size}


def _plain(old: Sequence[Row], new: Sequence[Row]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import f1_score
    from sklearn.svm import LinearSVC

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    classifier = LinearSVC().fit(vectors.fit_transform(map(_text, old)), [row["label"] for row in old])
    said = classifier.predict(vectors.transform(map(_text, new)))
    return float(f1_score([row["label"] for row in new], said, average="macro"))


def _text(row: Row) -> str:
    return f"{row['title']}\n{row['body']}"


def _curve(report: Report, folder: Path, rows: Sequence[Row], fold: Sequence[int]) -> None:
    """From no decision to all of them, asked for the same petitions."""
    old = [row for row, at in zip(rows, fold, strict=True) if at != 0]
    new = [row for row, at in zip(rows, fold, strict=True) if at == 0]
    random.Random(5).shuffle(old)
    f1, sure, right = _by_directory(folder, old, new)
    report.figures["judgement_curve_0"] = f1
    report.say(f"directory alone: {f1:.3f}; dispatches {sure:.0%}, {right:.0%} of these right")
    for number in CURVE[:2] if report.quick else (*CURVE, len(old)):
        found = _trial(folder, old[:number], new)
        report.figures[f"judgement_curve_{number}"] = found["macro_f1"]
        _, sure, right = _said(folder, str(folder / "model"), {})
        report.say(
            f"{number} decisions: {found['macro_f1']:.3f}, calibration {found['ece']:.3f}; dispatches {sure:.0%}, "
            f"{right:.0%} of these right"
        )


def _by_directory(folder: Path, old: Sequence[Row], new: Sequence[Row]) -> tuple[float, float, float]:
    """The directory alone. Its units are another county's, so each stands for the label that most of its petitions
    in the other folds have: kinder than any directory in use could be."""
    _write(folder / "new.jsonl", old)
    stands: dict[str, Counter[str]] = {}
    for line in _lines(folder, str(DIRECTORY)):
        stands.setdefault(str(line["said"]), Counter())[line["label"]] += 1
    _write(folder / "new.jsonl", new)
    return _said(folder, str(DIRECTORY), {unit: labels.most_common(1)[0][0] for unit, labels in stands.items()})


def _said(folder: Path, model: str, stands: dict[str, str]) -> tuple[float, float, float]:
    """Macro-F1, the share that goes without a person, and the share of these that is right."""
    from sklearn.metrics import f1_score

    lines = _lines(folder, model)
    said = [stands.get(str(line["said"]), str(line["said"])) for line in lines]
    truth = [line["label"] for line in lines]
    alone = [s == t for s, t, line in zip(said, truth, lines, strict=True) if not line["abstains"]]
    f1 = f1_score(truth, said, average="macro", labels=sorted(set(truth)), zero_division=0.0)
    return float(f1), len(alone) / len(lines), sum(alone) / max(len(alone), 1)


def _lines(folder: Path, model: str) -> list[dict[str, Any]]:
    _judge("evaluate", model, str(folder / "new.jsonl"), "--json", "--rows", str(folder / "said.jsonl"))
    return [json.loads(line) for line in (folder / "said.jsonl").read_text(encoding="utf-8").splitlines()]
