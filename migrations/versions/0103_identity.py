"""Identify leads by e-mail address or phone number: rename `email_key` to `identity`, and make `email` optional."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

from leads_adapters.sql.types import Identifier, Ordered, UtcTime

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

_CONTACT = "email IS NOT NULL OR phone IS NOT NULL"
_COPIED = (
    "id, name, email, phone, phone_extension, status, status_reason, source, owner, owner_key, attributes, created_at, "
    "updated_at, contacted_at, next_follow_up_at, version, name_key, words, next_follow_up_key"
)
_INDEXES = (
    ("created_at", "id"),
    ("status", "created_at", "id"),
    ("source", "created_at", "id"),
    ("owner_key", "created_at", "id"),
    ("updated_at", "id"),
    ("name_key", "id"),
    ("next_follow_up_key", "id"),
)
_TRIGGERS = (
    """
    CREATE TRIGGER lead_words_change AFTER UPDATE OF words ON leads WHEN old.words <> new.words BEGIN
        INSERT INTO lead_words (lead_words, rowid, words) VALUES ('delete', old.rowid, old.words);
        INSERT INTO lead_words (rowid, words) VALUES (new.rowid, new.words);
    END
    """,
    """
    CREATE TRIGGER lead_words_remove AFTER DELETE ON leads BEGIN
        INSERT INTO lead_words (lead_words, rowid, words) VALUES ('delete', old.rowid, old.words);
    END
    """,
)


def upgrade() -> None:
    """Keep the e-mail key of each lead as its identity. No row is rewritten on PostgreSQL."""
    if op.get_context().dialect.name == "sqlite":
        contact = sa.CheckConstraint(_CONTACT, name=op.f("ck_leads_contact"))
        _rebuild(sa.Column("email", sa.Text()), contact, renamed=("email_key", "identity"))
        return
    op.alter_column("leads", "email_key", new_column_name="identity")
    op.execute("ALTER TABLE leads RENAME CONSTRAINT uq_leads_email_key TO uq_leads_identity")
    op.alter_column("leads", "email", nullable=True)
    op.create_check_constraint(op.f("ck_leads_contact"), "leads", _CONTACT)


def downgrade() -> None:
    """Restore the old columns. Refuse if a lead has no e-mail address, which the older version requires."""
    without = op.get_bind().scalar(sa.text("SELECT count(*) FROM leads WHERE email IS NULL"))
    if without:
        raise CommandError(
            f"Leads without an e-mail address: {without}. Revision {down_revision} cannot store them. "
            "Give each an address, or delete it."
        )
    if op.get_context().dialect.name == "sqlite":
        _rebuild(sa.Column("email", sa.Text(), nullable=False), renamed=("identity", "email_key"))
        return
    op.drop_constraint("ck_leads_contact", "leads")
    op.alter_column("leads", "email", nullable=False)
    op.execute("ALTER TABLE leads RENAME CONSTRAINT uq_leads_identity TO uq_leads_email_key")
    op.alter_column("leads", "identity", new_column_name="email_key")


def _rebuild(email: sa.Column[str], *constraints: sa.CheckConstraint, renamed: Sequence[str]) -> None:
    """Create the table again, because SQLite cannot change a column or a constraint.

    Rows keep their rowid, to which the word index refers. Foreign keys are off, so no referring row is deleted.
    """
    old_key, new_key = renamed
    op.create_table("leads_new", *_columns(email, new_key), *constraints, sqlite_strict=True)
    op.execute(
        f"INSERT INTO leads_new (rowid, {new_key}, {_COPIED}) SELECT rowid, {old_key}, {_COPIED} FROM leads"  # noqa: S608
    )
    op.drop_table("leads")
    op.rename_table("leads_new", "leads")
    for columns in _INDEXES:
        op.create_index(f"ix_leads_{'_'.join(columns)}", "leads", list(columns))
    for trigger in _TRIGGERS:
        op.execute(trigger)


def _columns(email: sa.Column[str], key: str) -> Sequence[sa.schema.SchemaItem]:
    return (
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        email,
        sa.Column(key, sa.Text(), nullable=False),
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
        sa.Column("name_key", Ordered, nullable=False, server_default=""),
        sa.Column("words", sa.Text(), nullable=False, server_default=""),
        sa.Column("next_follow_up_key", UtcTime(), nullable=False, server_default="9999-12-31T23:59:59.999999Z"),
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.UniqueConstraint(key, name=f"uq_leads_{key}"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_leads_name")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_leads_version")),
    )
