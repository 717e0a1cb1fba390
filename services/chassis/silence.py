"""Bounds what eventlet makes endless: a connect to a host that does not answer."""

from __future__ import annotations

from typing import Any

import psycopg2
from eventlet.timeout import Timeout

#: How long a connect may take (s).
CONNECT_S = 5.0


def give_up_connecting(dialect: Any, record: Any, args: Any, params: Any) -> Any:
    """SQLAlchemy's event ``do_connect``: connect, but not for ever.

    Raises:
        psycopg2.OperationalError: the host did not answer in time.
    """
    with Timeout(CONNECT_S, psycopg2.OperationalError("the database server does not answer")):
        return dialect.connect(*args, **params)
