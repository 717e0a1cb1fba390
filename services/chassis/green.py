"""Patches the standard library for eventlet when imported: the first import of every worker process, of no other."""

from __future__ import annotations

import os
import warnings

# eventlet's own resolver costs 20 MB and does not read /etc/hosts as the system does; see below.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
# Threads for blocking native calls; one sender at a time needs one.
os.environ.setdefault("EVENTLET_THREADPOOL_SIZE", "4")

with warnings.catch_warnings():
    # eventlet announces its own retirement at each start; docs/adr/0001 says how we would leave it.
    warnings.simplefilter("ignore")
    import eventlet

eventlet.monkey_patch()

import socket  # noqa: E402 - after the patch
from typing import Any  # noqa: E402

from eventlet import patcher, tpool  # noqa: E402

_lookup = patcher.original("socket").getaddrinfo


def _getaddrinfo(*args: Any, **kwargs: Any) -> Any:
    """The system's resolver in an OS thread: a slow name server must not stop the loop."""
    return tpool.execute(_lookup, *args, **kwargs)


socket.getaddrinfo = _getaddrinfo
