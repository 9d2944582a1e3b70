"""Create the tables of the daily digest, and an index of failed follow-ups."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, UtcTime

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None

_IS_SCHEDULED = sa.text("next_attempt_at IS NOT NULL")
_HAS_FAILED = sa.text("state = 'failed'")


def upgrade() -> None:
    """Create the tables, without rows, and the indexes."""
    op.create_table(
        "digest_plan",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("planned_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_digest_plan"),
        sa.CheckConstraint("id = 1", name=op.f("ck_digest_plan_single")),
        sqlite_strict=True,
    )
    op.create_table(
        "digests",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("planned_at", UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("next_attempt_at", UtcTime()),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", UtcTime()),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.CheckConstraint("state IN ('scheduled', 'sent', 'failed', 'empty')", name=op.f("ck_digests_state")),
        sa.CheckConstraint(
            "(state = 'scheduled') = (next_attempt_at IS NOT NULL)", name=op.f("ck_digests_next_attempt")
        ),
        sa.CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name=op.f("ck_digests_lease")),
        sa.CheckConstraint("lease_owner IS NULL OR state = 'scheduled'", name=op.f("ck_digests_leased")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_digests_next_attempt",
        "digests",
        ["next_attempt_at"],
        sqlite_where=_IS_SCHEDULED,
        postgresql_where=_IS_SCHEDULED,
    )
    op.create_index(
        "ix_follow_ups_failed",
        "follow_ups",
        ["state", "updated_at"],
        sqlite_where=_HAS_FAILED,
        postgresql_where=_HAS_FAILED,
    )


def downgrade() -> None:
    """Drop the index and the tables."""
    op.drop_index("ix_follow_ups_failed", "follow_ups")
    op.drop_table("digests")
    op.drop_table("digest_plan")
