"""Rebuild the words of leads: those of telephone numbers, and with apostrophes and hyphens."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier
from leads_domain.search import words_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BATCH = 1_000

_TRIGGER = """
CREATE TRIGGER lead_words_change AFTER UPDATE OF words ON leads WHEN old.words <> new.words BEGIN
    INSERT INTO lead_words (lead_words, rowid, words) VALUES ('delete', old.rowid, old.words);
    INSERT INTO lead_words (rowid, words) VALUES (new.rowid, new.words);
END
"""
_INDEX = "CREATE INDEX ix_leads_words ON leads USING gin (array_to_tsvector(string_to_array(ltrim(words), ' ')))"

_leads = sa.table(
    "leads",
    sa.column("id", Identifier),
    sa.column("name", sa.Text),
    sa.column("email", sa.Text),
    sa.column("source", sa.Text),
    sa.column("phone", sa.Text),
    sa.column("phone_extension", sa.Text),
    sa.column("words", sa.Text),
)


def upgrade() -> None:
    """Fill the column, and build its index once, after that."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute("DROP TRIGGER lead_words_change")
        _fill(connection)
        op.execute("INSERT INTO lead_words (lead_words) VALUES ('rebuild')")
        op.execute(_TRIGGER)
    else:
        op.drop_index("ix_leads_words", "leads")
        _fill(connection)
        op.execute(_INDEX)


def _fill(connection: sa.Connection) -> None:
    change = sa.update(_leads).where(_leads.c.id == sa.bindparam("id_")).values(words=sa.bindparam("said"))
    for batch in _batches(connection):
        connection.execute(change, [{"id_": lead.id, "said": _words(lead)} for lead in batch])


def _words(lead: Any) -> str:
    extension = lead.phone_extension and f"ext {lead.phone_extension}"
    return words_of(lead.name, lead.email, lead.source, extension, phone=lead.phone)


def _batches(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    """Yield all leads, some at a time: a million of them do not fit into memory."""
    members = (column for column in _leads.c if column.name != "words")
    following = sa.select(*members).order_by(_leads.c.id).limit(_BATCH)
    statement = following
    while batch := connection.execute(statement).all():
        yield batch
        statement = following.where(_leads.c.id > sa.literal(batch[-1].id, Identifier))


def downgrade() -> None:
    """Keep the words: those of before are among them, or begin them."""
