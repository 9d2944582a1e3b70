"""Convert a database of version 0.2 to revision 0100. The migrations start there; older revisions were removed."""

from sqlalchemy import Connection

LAST_OLDER = "0011"
"""The revision of version 0.2, the only older one that can be upgraded."""

FIRST = "0100"
"""The first revision of the migrations."""

_FOR_BOTH = (
    "UPDATE leads SET next_follow_up_key = next_follow_up_at WHERE next_follow_up_at IS NOT NULL",
    "DROP INDEX ix_leads_scheduled",
    "DROP INDEX ix_leads_next_follow_up_at_id",
    "CREATE INDEX ix_leads_next_follow_up_key_id ON leads (next_follow_up_key, id)",
    "UPDATE alembic_version SET version_num = '0100'",
)
_ADD_KEY = "ALTER TABLE leads ADD COLUMN next_follow_up_key {} DEFAULT '9999-12-31T23:59:59.999999Z' NOT NULL"
_STATEMENTS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "DROP TRIGGER lead_words_add",
        "ALTER TABLE leads DROP COLUMN rendered",
        _ADD_KEY.format("TEXT"),
        *_FOR_BOTH,
    ),
    "postgresql": (_ADD_KEY.format("TIMESTAMP WITH TIME ZONE"), *_FOR_BOTH),
}


def convert(connection: Connection) -> None:
    """Convert a database of version 0.2 in the caller's transaction."""
    for statement in _STATEMENTS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
