"""Says in one line why a port cannot be had."""

from __future__ import annotations

import errno

from services.chassis.errors import Exit, StartError


def port_refused(error: OSError, host: str, port: int, way_out: str = "WENZHENG_PORT") -> StartError:
    """The reason why ``host:port`` cannot be bound, with the remedy.

    Args:
        error: what ``bind`` or ``listen`` said.
        host: address to listen on.
        port: port to listen on.
        way_out: what sets the port here, for the operator.
    """
    if error.errno == errno.EADDRINUSE:
        reason = f"port {port} on {host} is taken by another program; choose another with {way_out}"
    elif error.errno == errno.EACCES:
        reason = f"port {port} may not be opened by this user; choose one above 1023 with {way_out}"
    else:
        reason = f"address {host} is none of this machine's ({error.strerror}); choose one with WENZHENG_HOST"
    return StartError(reason, Exit.TAKEN)
