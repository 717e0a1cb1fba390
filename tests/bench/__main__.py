"""Runs the benches that are named (all of them when none is) and compares them with their limits."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.bench import hop, http, latency, memory

BENCHES = {"http": http.run, "hop": hop.run, "memory": memory.run, "latency": latency.run}
LIMITS = Path(__file__).with_name("limits.json")


def main() -> int:
    """Entry point; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="which; all when left out")
    parser.add_argument("--json", type=Path, help="write the result here")
    chosen = parser.parse_args()
    result: dict[str, Any] = {}
    for name in chosen.names or BENCHES:
        print(f"{name} …", flush=True)
        result |= BENCHES[name]()
    limits: dict[str, dict[str, float]] = json.loads(LIMITS.read_text(encoding="utf-8"))
    missed = 0
    print(f"\n{'measure':<44}{'value':>14}  goal")
    for name, value in result.items():
        limit = limits.get(name, {})
        goal = "".join(f"≥ {bound}" if side == "min" else f"≤ {bound}" for side, bound in limit.items())
        miss = value < limit.get("min", value) or value > limit.get("max", value)
        missed += miss
        print(f"{name:<44}{value:>14,.3f}  {goal}{'   MISSED' if miss else ''}")
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


sys.exit(main())
