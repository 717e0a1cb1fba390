"""Correspondence, messages, units, staff accounts; outbox and inbox."""

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
    op.create_table(
        "correspondence",
        sa.Column("petition_id", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("origin_channel", sa.String(20), nullable=False),
        sa.Column("origin_portal", sa.String(80)),
        sa.Column("origin_reference", sa.String(200)),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("has_contact", sa.Boolean()),
        sa.Column("contact_here", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(200)),
        sa.Column("phone", sa.String(40)),
        sa.Column("mail", sa.String(320)),
        sa.Column("query_code", sa.String(40)),
        sa.Column("waiting", sa.JSON(), nullable=False),
        sa.Column("waiting_since", UtcDateTime()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_index("ix_correspondence_number", "correspondence", ["number"])
    op.create_index("ix_correspondence_waiting_since", "correspondence", ["waiting_since"])
    op.create_table(
        "message",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("petition_id", sa.String(36), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("occasion", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(10), nullable=False),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("sender", sa.String(10), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("unit_id", sa.String(80)),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(40)),
        sa.Column("traceparent", sa.String(55)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivery", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", UtcDateTime()),
        sa.Column("lease_until", UtcDateTime()),
        sa.Column("claim", sa.String(36)),
        sa.Column("problem", sa.String(40)),
        sa.Column("settled_at", UtcDateTime()),
        sa.UniqueConstraint("event_id", "recipient", "channel"),
    )
    for column in ("delivery", "number", "petition_id", "unit_id"):
        op.create_index(f"ix_message_{column}", "message", [column])
    op.create_index("message_created_at", "message", ["created_at", "id"])
    op.create_table(
        "unit",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("name_zh", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200)),
        sa.Column("mail", sa.String(320)),
        sa.Column("phone", sa.String(40)),
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
    create_delivery_tables()


def downgrade() -> None:
    drop_delivery_tables()
    for table in ("account", "unit", "message", "correspondence"):
        op.drop_table(table)
