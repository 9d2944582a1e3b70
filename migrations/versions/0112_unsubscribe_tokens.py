"""Create the table `unsubscribe_tokens`, the secrets in the links by which people opt out."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unsubscribe_tokens",
        sa.Column("lead_id", Identifier, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name="pk_unsubscribe_tokens"),
        sa.UniqueConstraint("token", name="uq_unsubscribe_tokens_token"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("unsubscribe_tokens")
