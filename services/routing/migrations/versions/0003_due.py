"""An index by which the relay finds its next page at once, however many events wait for a queue of their own."""

from __future__ import annotations

from services.chassis.migrate import create_due_index, drop_due_index

revision = "0003_from_0002"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it."""
    create_due_index()


def downgrade() -> None:
    """Drop it."""
    drop_due_index()
