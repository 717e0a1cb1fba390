"""Ids: UUIDv7 (RFC 9562), so that they sort by time, and W3C trace ids."""

from __future__ import annotations

import os
import secrets
import time
import uuid


def uuid7() -> str:
    """A new UUIDv7 as text: 48 bits of milliseconds, then 74 random bits (RFC 9562 §5.7)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def new_traceparent() -> str:
    """A W3C ``traceparent`` that begins a trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_traceparent(parent: str | None) -> str:
    """A ``traceparent`` in the same trace with a span id of its own; a new trace when there is none."""
    if parent is None or len(parent) != 55:
        return new_traceparent()
    return f"{parent[:36]}{secrets.token_hex(8)}{parent[52:]}"
