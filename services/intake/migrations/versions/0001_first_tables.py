"""Petitions, contacts, steps, looks at contacts, answers to portals, accounts."""

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
    """Make the tables."""
    op.create_table(
        "petition",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(24), nullable=False, unique=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("publish", sa.Boolean(), nullable=False),
        sa.Column("petitioner_key", sa.String(32)),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("portal", sa.String(60)),
        sa.Column("reference", sa.String(100)),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(64)),
        sa.Column("key", sa.String(32), unique=True),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("supplements", sa.JSON(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime()),
        sa.Column("withdrawal_reason", sa.Text(), nullable=False),
        sa.Column("rating", sa.JSON(none_as_null=True)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("unit_id", sa.String(64)),
        sa.Column("unit", sa.JSON(none_as_null=True)),
        sa.Column("unit_line", sa.JSON(), nullable=False),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("reply", sa.JSON(none_as_null=True)),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.UniqueConstraint("portal", "reference", name="petition_portal_reference"),
    )
    op.create_table(
        "contact",
        sa.Column("petition_id", sa.String(36), sa.ForeignKey("petition.id"), primary_key=True),
        sa.Column("name", sa.String(120)),
        sa.Column("phone", sa.String(20)),
        sa.Column("mail", sa.String(320)),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "step",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("petition_id", sa.String(36), sa.ForeignKey("petition.id"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
    )
    op.create_index("step_petition", "step", ["petition_id", "at"])
    op.create_table(
        "contact_view",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("petition_id", sa.String(36), sa.ForeignKey("petition.id"), nullable=False),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("staff_id", sa.String(64), nullable=False),
        sa.Column("staff_name", sa.String(120), nullable=False),
        sa.Column("unit_id", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("contact_view_at", "contact_view", ["at"])
    op.create_table(
        "portal_answer",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("portal", sa.String(60), nullable=False),
        sa.Column("reference", sa.String(100), nullable=False),
        sa.Column("petition_id", sa.String(36)),
        sa.Column("number", sa.String(24)),
        sa.Column("code", sa.String(40)),
        sa.Column("field", sa.String(100), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.String(55)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivery", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", UtcDateTime()),
        sa.Column("lease_until", UtcDateTime()),
        sa.Column("claim", sa.String(36)),
        sa.Column("problem", sa.String(40)),
        sa.Column("settled_at", UtcDateTime()),
    )
    op.create_index("ix_portal_answer_delivery", "portal_answer", ["delivery"])
    op.create_table(
        "account",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("unit_id", sa.String(64)),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    create_delivery_tables()


def downgrade() -> None:
    """Remove them."""
    drop_delivery_tables()
    for table in ("account", "portal_answer", "contact_view", "step", "contact", "petition"):
        op.drop_table(table)
