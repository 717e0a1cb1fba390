"""Marks what matched in the original text: HTML-escaped, with ``<mark>`` as the only element."""

from __future__ import annotations

from html import escape

from services.search.tokens import occurrences

#: Length of a snippet in characters.
WIDTH = 120
#: How far before the first match a snippet may begin, so that it begins with a sentence (characters).
LEAD = 40
#: Where a sentence ends.
_STOPS = "。！？；!?;\n"

Span = tuple[int, int]


def marked(text: str, terms: frozenset[str]) -> str:
    """The whole text with every match marked."""
    return _html(text, 0, len(text), _merged([(start, end) for start, end, _ in occurrences(text, terms)]))


def matches(text: str, terms: frozenset[str]) -> bool:
    """True when any of the terms occurs."""
    return next(occurrences(text, terms), None) is not None


def snippet(text: str, terms: frozenset[str], width: int = WIDTH) -> str:
    """About ``width`` characters around the place where most different terms meet; the beginning when none does."""
    found = list(occurrences(text, terms))
    start, end = _window(text, found, width)
    body = _html(text, start, end, _merged([(a, b) for a, b, _ in found]))
    return ("…" if start > 0 else "") + body + ("…" if end < len(text) else "")


def _window(text: str, found: list[tuple[int, int, str]], width: int) -> Span:
    if len(text) <= width or not found:
        return 0, min(len(text), width)
    best, most = found[0][0], 0
    for i, (start, _, _) in enumerate(found):
        seen = set()
        for _, end, term in found[i:]:
            if end > start + width - LEAD:
                break
            seen.add(term)
        if len(seen) > most:
            best, most = start, len(seen)
    earliest = max(0, best - LEAD)
    stop = max(text.rfind(mark, earliest, best) for mark in _STOPS)
    begin = stop + 1 if stop >= 0 else max(0, best - LEAD // 2)
    begin = min(begin, max(0, len(text) - width))
    return begin, min(len(text), begin + width)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _html(text: str, start: int, end: int, spans: list[Span]) -> str:
    parts = []
    at = start
    for a, b in spans:
        a, b = max(a, start), min(b, end)
        if a >= b:
            continue
        parts += [escape(text[at:a]), "<mark>", escape(text[a:b]), "</mark>"]
        at = b
    parts.append(escape(text[at:end]))
    return "".join(parts)
