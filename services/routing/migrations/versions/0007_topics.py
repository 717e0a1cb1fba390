"""Hot topics as the last look found them, and the petitions they are made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.database import UtcDateTime

revision = "0007_from_0002"
down_revision = "0006_from_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "topic",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("heat", sa.Float(), nullable=False),
        sa.Column("burst", sa.Float(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("recent", sa.Integer(), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    op.create_table(
        "topic_case",
        sa.Column("petition_id", sa.String(64), nullable=False),
        sa.Column("topic_id", sa.String(36), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("petition_id", name=op.f("pk_topic_case")),
    )
    op.create_index(op.f("ix_topic_case_topic_id"), "topic_case", ["topic_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_topic_case_topic_id"), "topic_case")
    op.drop_table("topic_case")
    op.drop_table("topic")
