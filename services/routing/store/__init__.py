"""All SQL of routing: directory, cases, look-alike candidates, staff."""

from __future__ import annotations

from services.routing.store import cases, directory, loading, staff
from services.routing.store.loading import load_cases

__all__ = ["cases", "directory", "load_cases", "loading", "staff"]
