"""Add the address that a follow-up goes to, if its rule names one."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("follow_ups", sa.Column("recipient_address", sa.Text()))


def downgrade() -> None:
    """Drop it: what would go to an address goes to the owner of the lead."""
    op.drop_column("follow_ups", "recipient_address")
