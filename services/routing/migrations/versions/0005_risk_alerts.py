"""The duty roster, and the urgent dangers that somebody on it is asked to look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.database import UtcDateTime

revision = "0005_from_0002"
down_revision = "0004_from_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and the roster's place beside the directory."""
    op.add_column("directory", sa.Column("duty", sa.JSON(), nullable=True))
    op.create_table(
        "risk_alert",
        sa.Column("petition_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("late_from", UtcDateTime(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(60), nullable=True),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("climbs_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(64), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("petition_id", name=op.f("pk_risk_alert")),
    )
    op.create_index("risk_alert_climbs", "risk_alert", ["climbs_at"])
    op.create_index("risk_alert_state", "risk_alert", ["state", "late_from"])


def downgrade() -> None:
    """Drop both."""
    op.drop_index("risk_alert_state", "risk_alert")
    op.drop_index("risk_alert_climbs", "risk_alert")
    op.drop_table("risk_alert")
    op.drop_column("directory", "duty")
