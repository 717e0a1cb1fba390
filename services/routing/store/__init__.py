"""All SQL of routing: directory, cases, look-alike candidates, trained judgements, topics, staff."""

from __future__ import annotations

from services.routing.store import cases, directory, learned, loading, staff, topics
from services.routing.store.loading import load_cases

__all__ = ["cases", "directory", "learned", "load_cases", "loading", "staff", "topics"]
