"""Indexes for the lists of follow-ups, and for claims by channel."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them, and drop two that have no use any more.

    The one of states comes last: of indexes that promise as much, SQLite takes the one that was made first.
    """
    op.drop_index("ix_follow_ups_due", "follow_ups")
    op.drop_index("ix_follow_ups_lead_id_due_at_id", "follow_ups")
    _create_partial("ix_follow_ups_next_attempt", ["channel", "next_attempt_at"], "next_attempt_at IS NOT NULL")
    op.create_index("ix_follow_ups_lead_id_state_due_at_id", "follow_ups", ["lead_id", "state", "due_at", "id"])
    op.create_index("ix_follow_ups_channel_state_due_at_id", "follow_ups", ["channel", "state", "due_at", "id"])
    op.create_index("ix_follow_ups_state_due_at_id", "follow_ups", ["state", "due_at", "id"])


def downgrade() -> None:
    """Back to those that there were."""
    op.drop_index("ix_follow_ups_state_due_at_id", "follow_ups")
    op.drop_index("ix_follow_ups_channel_state_due_at_id", "follow_ups")
    op.drop_index("ix_follow_ups_lead_id_state_due_at_id", "follow_ups")
    op.drop_index("ix_follow_ups_next_attempt", "follow_ups")
    op.create_index("ix_follow_ups_lead_id_due_at_id", "follow_ups", ["lead_id", "due_at", "id"])
    _create_partial("ix_follow_ups_due", ["next_attempt_at"], "state = 'scheduled'")


def _create_partial(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "follow_ups", columns, sqlite_where=where, postgresql_where=where)
