"""Of a follow-up, the status whose rule made it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("follow_ups", sa.Column("rule_status", sa.Text()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("follow_ups", "rule_status")
