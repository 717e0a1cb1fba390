"""Runs a private broker until SIGTERM and prints its URL: for benches, which know nothing of our code."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from services.chassis.broker_node import start_node


def main() -> None:
    """Entry point: ``python -m tests.parts.run_node FOLDER``."""
    with start_node(Path(sys.argv[1])) as node:
        sys.stdout.write(node.amqp_url + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
