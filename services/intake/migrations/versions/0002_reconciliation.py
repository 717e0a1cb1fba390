"""Tables of comparisons with other services, and an index by which the few sealed rows are found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.reconcile.tables import create_reconcile_tables, drop_reconcile_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_index(
        "petition_sealed", "petition", ["id"], sqlite_where=sa.text("sealed = 1"), postgresql_where=sa.text("sealed")
    )
    create_reconcile_tables()


def downgrade() -> None:
    """Drop everything."""
    drop_reconcile_tables()
    op.drop_index("petition_sealed", "petition")
