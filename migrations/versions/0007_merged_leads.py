"""Where the ids of merged leads lead to."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "merged_leads",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("into_id", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_merged_leads"),
        sa.ForeignKeyConstraint(["into_id"], ["leads.id"], name="fk_merged_leads_into_id_leads"),
        sqlite_strict=True,
    )
    op.create_index("ix_merged_leads_into_id", "merged_leads", ["into_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("merged_leads")
