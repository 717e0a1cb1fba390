"""Trained judgements: each with its report, one of them in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.database import UtcDateTime

revision = "0004_from_0002"
down_revision = "0003_from_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "judge_model",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("trained_at", UtcDateTime(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("promoted_at", UtcDateTime(), nullable=True),
        sa.Column("promoted_by", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_model")),
    )
    op.create_index("judge_model_state", "judge_model", ["state"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_index("judge_model_state", "judge_model")
    op.drop_table("judge_model")
