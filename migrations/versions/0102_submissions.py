"""Create the table `submissions`."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, UtcTime

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

_INDEXES = (
    ("received_at", "id"),
    ("state", "received_at", "id"),
    ("origin", "state", "received_at", "id"),
    ("lead_id",),
)


def upgrade() -> None:
    """Create the table and its indexes."""
    op.create_table(
        "submissions",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("lead_id", Identifier),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("remote_address", sa.Text()),
        sa.Column("digest", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_submissions_lead_id_leads"),
        sa.UniqueConstraint("digest", name="uq_submissions_digest"),
        sa.CheckConstraint(
            "state IN ('received', 'accepted', 'needs_review', 'spam', 'ignored', 'test', 'discarded')",
            name=op.f("ck_submissions_state"),
        ),
        sa.CheckConstraint("(state = 'accepted') = (lead_id IS NOT NULL)", name=op.f("ck_submissions_lead")),
        sqlite_strict=True,
    )
    for columns in _INDEXES:
        op.create_index(f"ix_submissions_{'_'.join(columns)}", "submissions", list(columns))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("submissions")
