"""Of an API key, when it was last used."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("api_keys", sa.Column("last_used_at", UtcTime()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("api_keys", "last_used_at")
