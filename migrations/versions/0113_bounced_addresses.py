"""Add the column `email_bounced`, which marks addresses that accept no mail."""

import sqlalchemy as sa
from alembic import op

revision = "0113"
down_revision = "0112"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. No address is marked."""
    op.add_column("leads", sa.Column("email_bounced", sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("leads", "email_bounced")
