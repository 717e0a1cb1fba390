"""Cases that are handled together, and whether a petitioner agrees that a petition is shown to the public."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_from_0002"
down_revision = "0004_from_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: code of before goes on beside them, and nothing is public until its event comes again."""
    op.add_column("petition_view", sa.Column("lead", sa.String(40)))
    op.add_column("petition_view", sa.Column("joined", sa.JSON()))
    op.add_column("petition_view", sa.Column("publish", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop them."""
    for column in ("publish", "joined", "lead"):
        op.drop_column("petition_view", column)
