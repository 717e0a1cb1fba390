"""First tables of routing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.database import UtcDateTime
from services.chassis.migrate import create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "directory",
    "area",
    "subject",
    "unit",
    "petition_case",
    "history",
    "shingle_band",
    "account",
    "staff_session",
    "sign_in_tries",
)


def upgrade() -> None:
    """Make every table."""
    create_delivery_tables()
    _directory()
    _cases()
    _staff()


def _directory() -> None:
    op.create_table(
        "directory",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("jurisdiction", sa.JSON(), nullable=False),
        sa.Column("risk_words", sa.JSON(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
    )
    for name in ("area", "subject"):
        op.create_table(
            name,
            sa.Column("id", sa.String(60), primary_key=True),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("name", sa.JSON(), nullable=False),
            sa.Column("parent", sa.String(60)),
            sa.Column("words", sa.JSON(), nullable=False),
        )
    op.create_table(
        "unit",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.Column("parent", sa.String(60)),
        sa.Column("superior", sa.String(60)),
        sa.Column("lead", sa.JSON(), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )


def _cases() -> None:
    op.create_table(
        "petition_case",
        sa.Column("petition_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.String(40), nullable=False, unique=True),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("petition", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("petitioner_key", sa.String(64)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("audience", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("assessment", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(60)),
        sa.Column("area", sa.String(60)),
        sa.Column("confidence", sa.Float()),
        sa.Column("risky", sa.Boolean(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.Column("place_pairs", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.String(60)),
        sa.Column("unit_name", sa.JSON()),
        sa.Column("unit_line", sa.Text(), nullable=False),
        sa.Column("hops", sa.Integer(), nullable=False),
        sa.Column("first_dispatched_at", UtcDateTime()),
        sa.Column("dispatched_at", UtcDateTime()),
        sa.Column("accepted_at", UtcDateTime()),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("step_due_at", UtcDateTime()),
        sa.Column("reply", sa.JSON()),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_index("case_unit", "petition_case", ["unit_id", "state", "step_due_at"])
    op.create_index("case_state", "petition_case", ["state", "step_due_at"])
    op.create_index("case_petitioner", "petition_case", ["petitioner_key", "submitted_at"])
    op.create_index("case_matter", "petition_case", ["subject", "area", "submitted_at"])
    op.create_table(
        "history",
        sa.Column("petition_id", sa.String(64), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("unit_id", sa.String(60)),
        sa.Column("unit_name", sa.JSON()),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_table(
        "shingle_band",
        sa.Column("band", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("petition_id", sa.String(64), primary_key=True),
    )


def _staff() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("unit_id", sa.String(64)),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "staff_session",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_staff_session_account_id", "staff_session", ["account_id"])
    op.create_table(
        "sign_in_tries",
        sa.Column("typed_hash", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("locked_until", UtcDateTime()),
    )


def downgrade() -> None:
    """Drop every table."""
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_delivery_tables()
