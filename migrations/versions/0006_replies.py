"""The answers to requests that clients may repeat."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "replies",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("sealed", sa.Text()),
        sa.Column("lead_id", Identifier),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_replies"),
        sa.CheckConstraint("(fingerprint IS NULL) = (sealed IS NULL)", name=op.f("ck_replies_forgotten")),
        sqlite_strict=True,
    )
    op.create_index("ix_replies_lead_id", "replies", ["lead_id"])
    op.create_index("ix_replies_created_at", "replies", ["created_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("replies")
