"""Tables of the asker: its comparisons, how far each stream of pages is, and what differs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from services.chassis.database import UtcDateTime
from services.chassis.delivery import metadata

runs = Table(
    "reconcile_run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    #: Whether what differs is put right.
    Column("repair", Boolean, nullable=False),
    #: Set when it is over, or nobody waits for it any more: its pages are not asked for further.
    Column("ended_at", UtcDateTime),
)

streams = Table(
    "reconcile_stream",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("owner", String(40), primary_key=True),
    Column("sealed", Boolean, primary_key=True),
    #: Everything up to this id is compared.
    Column("after", String(80), nullable=False),
    #: Lines asked for at once.
    Column("page", Integer, nullable=False),
    Column("compared", BigInteger, nullable=False),
    Column("pages", Integer, nullable=False),
    #: How many the owner has, as of the first page.
    Column("total", BigInteger),
    Column("finished_at", UtcDateTime),
)

differences = Table(
    "reconcile_difference",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("owner", String(40), primary_key=True),
    Column("subject", String(80), primary_key=True),
    #: The lane that it was found in.
    Column("sealed", Boolean, nullable=False),
    #: "missing", "behind", "different": what the copy lacks. "unknown", "ahead": what the owner lacks.
    Column("kind", String(20), nullable=False),
    #: The owner's sequence, 0 when it has none, and the one that the copy has seen.
    Column("sequence", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    #: "suspected" (its event may be on the way), "asked" (its full state is), "differs".
    Column("state", String(12), nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("repaired_at", UtcDateTime),
    #: What was done instead of a repair, or why none was possible; stable code.
    Column("note", String(40), nullable=False, default=""),
)
Index("reconcile_difference_state", differences.c.run_id, differences.c.state)


def create_reconcile_tables() -> None:
    """The three tables as of their first release; called by one migration of each service, never changed."""
    # Here: alembic is loaded where a database is migrated, and costs everybody else a tenth of his start.
    from alembic import op

    op.create_table(
        "reconcile_run",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("repair", sa.Boolean(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
    )
    op.create_table(
        "reconcile_stream",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(40), primary_key=True),
        sa.Column("sealed", sa.Boolean(), primary_key=True),
        sa.Column("after", sa.String(80), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger()),
        sa.Column("finished_at", UtcDateTime()),
    )
    op.create_table(
        "reconcile_difference",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(40), primary_key=True),
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("repaired_at", UtcDateTime()),
        sa.Column("note", sa.String(40), nullable=False),
    )
    op.create_index("reconcile_difference_state", "reconcile_difference", ["run_id", "state"])


def drop_reconcile_tables() -> None:
    """Undo ``create_reconcile_tables``."""
    from alembic import op

    for table in ("reconcile_difference", "reconcile_stream", "reconcile_run"):
        op.drop_table(table)
