"""Add the column `by_rule`, which tells what a reply to a message cancels."""

import sqlalchemy as sa
from alembic import op

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fill the column from the status of the rule. Follow-ups of rules for enquiries have none, and cannot be known."""
    op.add_column("follow_ups", sa.Column("by_rule", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.execute("UPDATE follow_ups SET by_rule = 1 WHERE rule_status IS NOT NULL")


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("follow_ups", "by_rule")
