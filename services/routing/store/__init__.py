"""All SQL of routing: directory, cases, alerts, look-alike candidates, trained judgements, topics, staff."""

from __future__ import annotations

from services.routing.store import cases, commonness, directory, learned, loading, risks, staff, topics
from services.routing.store.loading import load_cases

__all__ = ["cases", "commonness", "directory", "learned", "load_cases", "loading", "risks", "staff", "topics"]
