"""Finding leads: by their words, by source and owner, and in other orders."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, Ordered
from leads_adapters.sql.word_index import SECURE_DELETE
from leads_domain.search import name_key, words_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 1_000

_INDEXES = (
    ("source", "created_at", "id"),
    ("owner_key", "created_at", "id"),
    ("updated_at", "id"),
    ("name_key", "id"),
    ("next_follow_up_at", "id"),
)
_SCHEDULED = sa.text("next_follow_up_at IS NOT NULL")

# The words are canonical already, and parted by spaces alone: a tokenizer that knows ASCII only takes them as they are.
# What is deleted must not stay in the index, not even as an entry that is marked as deleted: see `word_index.py`.
_SQLITE = (
    """
    CREATE VIRTUAL TABLE lead_words USING fts5(
        words, content = 'leads', tokenize = 'ascii', prefix = '1 2 3', detail = none, columnsize = 0
    )
    """,
    *(["INSERT INTO lead_words (lead_words, rank) VALUES ('secure-delete', 1)"] if SECURE_DELETE else []),
    "INSERT INTO lead_words (lead_words) VALUES ('rebuild')",
    """
    CREATE TRIGGER lead_words_add AFTER INSERT ON leads BEGIN
        INSERT INTO lead_words (rowid, words) VALUES (new.rowid, new.words);
    END
    """,
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

_POSTGRESQL = "CREATE INDEX ix_leads_words ON leads USING gin (array_to_tsvector(string_to_array(ltrim(words), ' ')))"

_leads = sa.table(
    "leads",
    sa.column("id", Identifier),
    sa.column("name", sa.Text),
    sa.column("email", sa.Text),
    sa.column("source", sa.Text),
    sa.column("phone", sa.Text),
    sa.column("phone_extension", sa.Text),
    sa.column("name_key", Ordered),
    sa.column("words", sa.Text),
)


def upgrade() -> None:
    """Add the columns, fill them, and index them."""
    op.add_column("leads", sa.Column("name_key", Ordered, nullable=False, server_default=""))
    op.add_column("leads", sa.Column("words", sa.Text(), nullable=False, server_default=""))
    connection = op.get_bind()
    change = (
        sa.update(_leads)
        .where(_leads.c.id == sa.bindparam("id_"))
        .values(name_key=sa.bindparam("key"), words=sa.bindparam("said"))
    )
    for batch in _batches(connection):
        connection.execute(
            change,
            [{"id_": id, "key": name_key(name), "said": words_of(name, *said)} for id, name, *said in batch],
        )
    for columns in _INDEXES:
        op.create_index(f"ix_leads_{'_'.join(columns)}", "leads", list(columns))
    op.create_index(
        "ix_leads_scheduled",
        "leads",
        ["created_at", "id", "next_follow_up_at"],
        sqlite_where=_SCHEDULED,
        postgresql_where=_SCHEDULED,
    )
    for statement in _SQLITE if connection.dialect.name == "sqlite" else (_POSTGRESQL,):
        op.execute(statement)


def _batches(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    """All leads, some at a time: a million of them do not fit into memory."""
    members = (_leads.c[name] for name in ("id", "name", "email", "source", "phone", "phone_extension"))
    following = sa.select(*members).order_by(_leads.c.id).limit(_BATCH)
    statement = following
    while batch := connection.execute(statement).all():
        yield batch
        statement = following.where(_leads.c.id > sa.literal(batch[-1].id, Identifier))


def downgrade() -> None:
    """Drop all of it."""
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("add", "change", "remove"):
            op.execute(f"DROP TRIGGER lead_words_{trigger}")
        op.drop_table("lead_words")
    else:
        op.drop_index("ix_leads_words", "leads")
    op.drop_index("ix_leads_scheduled", "leads")
    for columns in _INDEXES:
        op.drop_index(f"ix_leads_{'_'.join(columns)}", "leads")
    op.drop_column("leads", "words")
    op.drop_column("leads", "name_key")
