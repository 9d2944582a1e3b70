"""Leads, follow-ups, timeline and API keys."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SCHEDULED = sa.text("state = 'scheduled'")


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "leads",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("phone_extension", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text()),
        sa.Column("source", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("owner_key", sa.Text()),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("contacted_at", UtcTime()),
        sa.Column("next_follow_up_at", UtcTime()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.UniqueConstraint("email_key", name="uq_leads_email_key"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_leads_name")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_leads_version")),
        sqlite_strict=True,
    )
    op.create_index("ix_leads_created_at_id", "leads", ["created_at", "id"])
    op.create_index("ix_leads_status_created_at_id", "leads", ["status", "created_at", "id"])
    op.create_table(
        "follow_ups",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("lead_id", Identifier, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("next_attempt_at", UtcTime()),
        sa.Column("sent_at", UtcTime()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", UtcTime()),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_follow_ups"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_follow_ups_lead_id_leads"),
        sa.CheckConstraint("recipient IN ('lead', 'owner')", name=op.f("ck_follow_ups_recipient")),
        sa.CheckConstraint("state IN ('scheduled', 'sent', 'failed', 'cancelled')", name=op.f("ck_follow_ups_state")),
        sa.CheckConstraint(
            "(state = 'scheduled') = (next_attempt_at IS NOT NULL)", name=op.f("ck_follow_ups_next_attempt")
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_follow_ups_sent")),
        sa.CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name=op.f("ck_follow_ups_lease")),
        sa.CheckConstraint("lease_owner IS NULL OR state = 'scheduled'", name=op.f("ck_follow_ups_leased")),
        sqlite_strict=True,
    )
    op.create_index("ix_follow_ups_lead_id_due_at_id", "follow_ups", ["lead_id", "due_at", "id"])
    op.create_index(
        "ix_follow_ups_due",
        "follow_ups",
        ["next_attempt_at"],
        sqlite_where=_SCHEDULED,
        postgresql_where=_SCHEDULED,
    )
    op.create_table(
        "timeline",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", Identifier, nullable=False),
        sa.Column("lead_id", Identifier, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_timeline"),
        sqlite_strict=True,
    )
    op.create_index("ix_timeline_lead_id_seq", "timeline", ["lead_id", "seq"])
    op.create_table(
        "api_keys",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.CheckConstraint("role IN ('capture', 'read', 'agent', 'admin')", name=op.f("ck_api_keys_role")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("api_keys", "timeline", "follow_ups", "leads"):
        op.drop_table(table)
