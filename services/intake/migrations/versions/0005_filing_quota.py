"""How many petitions a client may still file: one row a client, the same for every web process and after a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_from_0003"
down_revision = "0004_from_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "filing_quota",
        sa.Column("client", sa.String(80), primary_key=True),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("filing_quota")
