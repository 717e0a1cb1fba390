"""First tables: petitions as all services tell them, names of units, accounts, state of the index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.database import UtcDateTime
from services.chassis.migrate import create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "petition_view",
        sa.Column("petition_id", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("portal", sa.String(60)),
        sa.Column("reference", sa.String(200)),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("filed_kind", sa.String(20)),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("submitted_at", UtcDateTime()),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("adcode", sa.String(20)),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("petitioner_key", sa.String(64)),
        sa.Column("supplements", sa.JSON(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime()),
        sa.Column("solved", sa.Boolean()),
        sa.Column("satisfaction", sa.Integer()),
        sa.Column("case_state", sa.String(20)),
        sa.Column("case_audience", sa.String(20)),
        sa.Column("case_kind", sa.String(20)),
        sa.Column("subject", sa.String(80)),
        sa.Column("risks", sa.JSON(), nullable=False),
        sa.Column("unit_id", sa.String(80)),
        sa.Column("unit_name", sa.JSON()),
        sa.Column("unit_line", sa.JSON(), nullable=False),
        sa.Column("dispatched_at", UtcDateTime()),
        sa.Column("accepted_at", UtcDateTime()),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("hops", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(20)),
        sa.Column("replied_at", UtcDateTime()),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("notices_delivered", sa.Integer(), nullable=False),
        sa.Column("notices_failed", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("audience", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("indexed_version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("indexed_at", UtcDateTime()),
        sa.Column("index_problem", sa.String(60)),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_index("ix_petition_view_number", "petition_view", ["number"])
    op.create_index(
        "petition_view_waiting",
        "petition_view",
        ["changed_at"],
        sqlite_where=sa.text("version > indexed_version"),
        postgresql_where=sa.text("version > indexed_version"),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("name_zh", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200)),
        sa.Column("parent", sa.String(80)),
        sa.Column("valid_to", sa.Date()),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("unit_id", sa.String(64)),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_table(
        "index_state",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("identity", sa.String(200), nullable=False),
        sa.Column("empty_first", sa.Boolean(), nullable=False),
    )
    create_delivery_tables()


def downgrade() -> None:
    """Drop everything."""
    drop_delivery_tables()
    for table in ("index_state", "account", "unit", "petition_view"):
        op.drop_table(table)
