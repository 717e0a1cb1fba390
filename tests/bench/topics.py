"""Look-alikes and hot topics on the development data, against pairs and topics that were labelled by reading them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.bench.report import Report

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))
#: Ids and labels alone; the texts lie in the data.
PAIRS = Path(__file__).with_name("lookalike_pairs.csv")
TOPICS = Path(__file__).with_name("hot_topics.csv")
#: Past petitions of the timing.
PAST = 1_000_000


def lookalikes(report: Report) -> None:
    """Recall among the first five and precision from the merge threshold on, on the half that was held out."""
    file = _data(report, "recall_at_5", "precision_at_merge", "kappa", "ms")
    if file is None:
        return
    found = _judge("lookalikes", str(file), "--json", "--least", "0")
    scores = {frozenset((pair["a"], pair["b"])): pair["score"] for pair in found["pairs"]}
    first_five: dict[str, list[str]] = defaultdict(list)
    for pair in found["pairs"]:
        for one, other in ((pair["a"], pair["b"]), (pair["b"], pair["a"])):
            if len(first_five[one]) < 5:
                first_five[one].append(other)
    with PAIRS.open(encoding="utf-8", newline="") as lines:
        labelled = list(csv.DictReader(lines))
    twice = [row for row in labelled if row["second"]]
    report.figures["lookalikes_kappa"] = _kappa(twice)
    report.figures["lookalikes_pairs_labelled"] = len(labelled)
    agreed = sum(row["first"] == row["second"] for row in twice)
    report.say(f"{agreed} of {len(twice)} pairs were labelled alike both times")
    for half in ("dev", "held"):
        rows = [row for row in labelled if row["half"] == half]
        asked: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row["same"] == "1" and row["pool"] == "query":
                asked[row["a"]].add(row["b"])
        reached = sum(len(same & set(first_five[query])) for query, same in asked.items())
        reachable = sum(min(len(same), 5) for same in asked.values())
        merged = [row for row in rows if scores.get(frozenset((row["a"], row["b"])), 0.0) >= found["merge_from"]]
        same = sum(row["same"] == "1" for row in merged)
        name = "lookalikes" if half == "held" else "lookalikes_dev"
        report.figures[f"{name}_recall_at_5"] = reached / reachable
        report.figures[f"{name}_precision_at_merge"] = same / len(merged)
        report.say(f"{half}: {reached} of {reachable} among the first five, {same} of {len(merged)} merged rightly")
    past = report.few(PAST)
    timing = _judge("lookalikes", str(file), "--json", "--measure", str(past))
    report.figures["lookalikes_ms"] = timing["mean_ms"]
    report.figures["lookalikes_ms_p99"] = timing["p99_ms"]
    report.say(f"{timing['mean_ms']:.2f} ms a petition against {timing['past']:,}, p99 {timing['p99_ms']:.2f} ms")


def hot(report: Report) -> None:
    """Purity and coverage of the largest groups, and how long the whole file takes."""
    file = _data(report, "purity", "coverage", "seconds", of="hot")
    if file is None:
        return
    begun = time.monotonic()
    found = _judge("hot", str(file), "--json")
    report.figures["hot_seconds"] = time.monotonic() - begun
    groups = [set(group["cases"]) for group in found["groups"]]
    belongs: dict[str, set[str]] = defaultdict(set)
    with TOPICS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            belongs[row["topic"]].add(row["id"])
    pure, whole, covered, every = 0, 0, 0, 0
    for topic, ids in belongs.items():
        best = max(groups, key=lambda group: (len(group & ids), -len(group)))
        pure, whole = pure + len(best & ids), whole + len(best)
        covered, every = covered + len(best & ids), every + len(ids)
        report.say(f"topic {topic}: {len(best & ids)} of {len(ids)} found, {len(best - ids)} strangers")
    report.figures |= {"hot_purity": pure / whole, "hot_coverage": covered / every, "hot_topics_labelled": len(belongs)}


def _data(report: Report, *figures: str, of: str = "lookalikes") -> Path | None:
    """The file, or None with the reason, and with the goals that can then be neither kept nor missed."""
    file = DATA / "hot_topics.jsonl.gz"
    if file.exists():
        return file
    report.waived |= {f"{of}_{name}": "no data" for name in figures}
    report.note(f"{of} skipped: no development data; DATA names the folder that holds hot_topics.jsonl.gz")
    return None


def _judge(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "services.cli.main", "judge", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _kappa(rows: list[dict[str, str]]) -> float:
    """Cohen's kappa of the two readings."""
    first = sum(row["first"] == "1" for row in rows) / len(rows)
    second = sum(row["second"] == "1" for row in rows) / len(rows)
    by_chance = first * second + (1 - first) * (1 - second)
    return (sum(row["first"] == row["second"] for row in rows) / len(rows) - by_chance) / (1 - by_chance)
