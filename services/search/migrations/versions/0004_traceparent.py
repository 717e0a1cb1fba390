"""The trace of the event that last changed a row, so that the writing of the index belongs to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_from_0002"
down_revision = "0003_from_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty: code of before goes on beside it."""
    op.add_column("petition_view", sa.Column("traceparent", sa.String(55)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("petition_view", "traceparent")
