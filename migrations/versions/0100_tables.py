"""Create all tables. Versions up to 0.2 had the revisions 0001 to 0011: see `older_schema.py`."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, Ordered, UtcTime
from leads_adapters.sql.word_index import SECURE_DELETE

revision = "0100"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Words are already normalised and separated by spaces, so the `ascii` tokenizer leaves them unchanged. Deleted words
# must not stay in the index, not even marked as deleted: see `word_index.py`.
_WORDS_ON_SQLITE = (
    """
    CREATE VIRTUAL TABLE lead_words USING fts5(
        words, content = 'leads', tokenize = 'ascii', prefix = '1 2 3', detail = none, columnsize = 0
    )
    """,
    *(["INSERT INTO lead_words (lead_words, rank) VALUES ('secure-delete', 1)"] if SECURE_DELETE else []),
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
_WORDS_ON_POSTGRESQL = (
    "CREATE INDEX ix_leads_words ON leads USING gin (array_to_tsvector(string_to_array(ltrim(words), ' ')))",
)

_INDEXES = {
    "leads": (
        ("created_at", "id"),
        ("status", "created_at", "id"),
        ("source", "created_at", "id"),
        ("owner_key", "created_at", "id"),
        ("updated_at", "id"),
        ("name_key", "id"),
        ("next_follow_up_key", "id"),
    ),
    "merged_leads": (("into_id",),),
    # The index on `state` comes last: among equally good indexes, SQLite uses the first one.
    "follow_ups": (
        ("lead_id", "state", "due_at", "id"),
        ("channel", "state", "due_at", "id"),
        ("state", "due_at", "id"),
    ),
    "timeline": (("lead_id", "seq"),),
    "replies": (("lead_id",), ("created_at",)),
}


def upgrade() -> None:
    """Create the tables and their indexes."""
    _create_leads()
    _create_follow_ups()
    _create_timeline()
    _create_api_keys()
    _create_replies()
    _create_partial("ix_follow_ups_next_attempt", "follow_ups", ["channel", "next_attempt_at"])
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    _create_partial("ix_timeline_place", "timeline", ["place"], unique=True)
    _create_partial("ix_timeline_unplaced", "timeline", ["seq"], where="place IS NULL")
    for statement in _WORDS_ON_SQLITE if op.get_context().dialect.name == "sqlite" else _WORDS_ON_POSTGRESQL:
        op.execute(statement)


def _create_leads() -> None:
    _create(
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
        sa.Column("name_key", Ordered, nullable=False, server_default=""),
        sa.Column("words", sa.Text(), nullable=False, server_default=""),
        sa.Column("next_follow_up_key", UtcTime(), nullable=False, server_default="9999-12-31T23:59:59.999999Z"),
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.UniqueConstraint("email_key", name="uq_leads_email_key"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_leads_name")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_leads_version")),
    )
    _create(
        "merged_leads",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("into_id", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_merged_leads"),
        sa.ForeignKeyConstraint(["into_id"], ["leads.id"], name="fk_merged_leads_into_id_leads"),
    )


def _create_follow_ups() -> None:
    _create(
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
        sa.Column("rule_status", sa.Text()),
        sa.Column("recipient_address", sa.Text()),
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
    )


def _create_timeline() -> None:
    _create(
        "timeline",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("id", Identifier, nullable=False),
        sa.Column("lead_id", Identifier, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("place", _NUMBER),
        sa.PrimaryKeyConstraint("seq", name="pk_timeline"),
    )
    _create(
        "feed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_place", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.CheckConstraint("id = 1", name=op.f("ck_feed_single")),
    )


def _create_api_keys() -> None:
    _create(
        "api_keys",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime()),
        sa.Column("last_used_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.CheckConstraint("role IN ('capture', 'read', 'agent', 'admin')", name=op.f("ck_api_keys_role")),
    )


def _create_replies() -> None:
    _create(
        "replies",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("sealed", sa.Text()),
        sa.Column("lead_id", Identifier),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_replies"),
        sa.CheckConstraint("(fingerprint IS NULL) = (sealed IS NULL)", name=op.f("ck_replies_forgotten")),
    )


def _create(table: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(table, *parts, sqlite_strict=True)


def _create_partial(
    name: str, table: str, columns: Iterable[str], *, unique: bool = False, where: str | None = None
) -> None:
    """Create a partial index. By default, it holds the rows where the last column is not null."""
    *_, last = columns
    condition = sa.text(where or f"{last} IS NOT NULL")
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Drop the tables."""
    if op.get_context().dialect.name == "sqlite":
        op.drop_table("lead_words")
    for table in ("replies", "api_keys", "feed", "timeline", "follow_ups", "merged_leads", "leads"):
        op.drop_table(table)
