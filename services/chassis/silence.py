"""Bounds what eventlet makes endless: a connect to a host that does not answer."""

from __future__ import annotations

from typing import Any

import psycopg2
from eventlet.timeout import Timeout

#: How long a connect may take (s).
CONNECT_S = 5.0
#: How long a small question may take (s). The kernel's keep-alive does not see a server whose process hangs.
ANSWER_S = 20.0


def give_up_connecting(dialect: Any, record: Any, args: Any, params: Any) -> Any:
    """SQLAlchemy's event ``do_connect``: connect, but not for ever.

    Raises:
        psycopg2.OperationalError: the host did not answer in time.
    """
    silence = psycopg2.OperationalError("the database server does not answer")
    with Timeout(params.get("connect_timeout", CONNECT_S), silence):
        return dialect.connect(*args, **params)


def answering() -> Timeout:
    """Bound small questions to the database, as a context manager.

    Inside raises psycopg2.OperationalError when the server does not answer in time; SQLAlchemy knows it as its own, and
    the connection is closed by it.
    """
    return Timeout(ANSWER_S, psycopg2.OperationalError("the database server does not answer"))
