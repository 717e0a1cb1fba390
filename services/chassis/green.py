"""Patches the standard library for eventlet when imported: the first import of every worker process, of no other."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # eventlet announces its own retirement at each start; docs/adr/0001 says how we would leave it.
    warnings.simplefilter("ignore")
    import eventlet

eventlet.monkey_patch()
