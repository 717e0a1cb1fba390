"""The directory's own judgement in the form of a trained one: what is said before anything was learned."""

from __future__ import annotations

from collections.abc import Iterable

from services.routing.domain.directory import Directory
from services.routing.domain.judgement import Judge, Sheet
from services.routing.folding import fold
from services.routing.judgement.opinion import Opinion


class ByDirectory:
    """Judges by units, subjects and words alone.

    Args:
        directory: with the units of the day only.
        labels: ids or names of its units and subjects; a finer subject counts as the one above it that is a label.
    """

    def __init__(self, directory: Directory, labels: Iterable[str]) -> None:
        self._judge = Judge(directory, fold)
        self._directory = directory
        self._labels = frozenset(labels)

    def judge(self, title: str, body: str) -> Opinion:
        """Judge one petition."""
        found = self._judge.judge(Sheet(fold(title), fold(body)))
        names = self._names(found.subject, found.unit)
        label = next((name for name in names if name in self._labels), found.unit or found.subject)
        return Opinion(label, found.confidence, found.unit is None, tuple(found.reasons))

    def _names(self, subject: str | None, unit: str | None) -> Iterable[str]:
        seen: set[str] = set()
        while subject is not None and subject not in seen:
            seen.add(subject)
            known = self._directory.subject_by_id[subject]
            yield from (subject, known.name.zh, known.name.en or "")
            subject = known.parent
        if unit is not None:
            yield from (unit, self._directory.unit_by_id[unit].name.zh)
