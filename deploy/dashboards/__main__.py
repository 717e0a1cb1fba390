"""Writes the dashboards into the chart."""

from __future__ import annotations

from pathlib import Path

from deploy.dashboards.boards import files

FOLDER = Path(__file__).resolve().parents[1] / "chart" / "wenzheng" / "files" / "dashboards"

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
