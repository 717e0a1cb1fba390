"""What intake is measured against: a bare Flask app that does two inserts in one SQLite transaction."""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from typing import Any

from flask import Flask, request

app = Flask(__name__)
_local = threading.local()


def _database() -> sqlite3.Connection:
    if not hasattr(_local, "database"):
        database = sqlite3.connect(os.environ["BARE_DATABASE"], isolation_level=None, timeout=30)
        database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=full")
        database.execute("create table if not exists petition (id text primary key, title text, body text, mail text)")
        database.execute("create table if not exists outbox (position integer primary key, id text unique, body text)")
        _local.database = database
    found: sqlite3.Connection = _local.database
    return found


@app.post("/api/petitions")
def file() -> tuple[dict[str, Any], int]:
    """Two inserts, one commit."""
    asked = request.get_json()
    petition = str(uuid.uuid4())
    database = _database()
    database.execute("begin immediate")
    database.execute(
        "insert into petition values (?, ?, ?, ?)", (petition, asked["title"], asked["body"], asked["contact"]["mail"])
    )
    database.execute("insert into outbox (id, body) values (?, ?)", (str(uuid.uuid4()), request.get_data(as_text=True)))
    database.execute("commit")
    return {"number": petition}, 201
