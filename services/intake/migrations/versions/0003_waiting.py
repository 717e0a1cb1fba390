"""An index by which the oldest rows that wait to be sent are found at once, however many wait or were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WAITING = sa.text("delivery = 'pending'")


def upgrade() -> None:
    """Create it."""
    op.create_index(
        "portal_answer_waiting", "portal_answer", ["created_at", "id"], sqlite_where=WAITING, postgresql_where=WAITING
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("portal_answer_waiting", "portal_answer")
