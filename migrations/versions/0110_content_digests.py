"""Add the column `content_digest`, which finds a message that has arrived before."""

import sqlalchemy as sa
from alembic import op

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, without values, and its unique index."""
    op.add_column("submissions", sa.Column("content_digest", sa.Text()))
    op.create_index("ix_submissions_content_digest", "submissions", ["content_digest"], unique=True)


def downgrade() -> None:
    """Drop the index and the column."""
    op.drop_index("ix_submissions_content_digest", "submissions")
    op.drop_column("submissions", "content_digest")
