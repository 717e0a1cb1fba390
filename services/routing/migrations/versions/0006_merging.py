"""Cases that are handled together, and the words that look-alikes are weighed by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.database import UtcDateTime

revision = "0006_from_0002"
down_revision = "0005_from_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: code of before goes on beside them."""
    op.add_column("petition_case", sa.Column("lead_id", sa.String(64)))
    op.add_column("petition_case", sa.Column("lead_number", sa.String(40)))
    op.add_column("petition_case", sa.Column("joined_at", UtcDateTime()))
    op.add_column("petition_case", sa.Column("joined", sa.JSON()))
    op.add_column("petition_case", sa.Column("before_joining", sa.JSON()))
    op.add_column("petition_case", sa.Column("kept_words", sa.LargeBinary()))


def downgrade() -> None:
    """Drop them."""
    for column in ("kept_words", "before_joining", "joined", "joined_at", "lead_number", "lead_id"):
        op.drop_column("petition_case", column)
