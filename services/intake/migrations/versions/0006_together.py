"""Petitions that are handled together with another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_from_0003"
down_revision = "0005_from_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty: code of before goes on beside it."""
    op.add_column("petition", sa.Column("together", sa.String(10)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("petition", "together")
