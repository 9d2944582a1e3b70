"""Test that the migrations create the same tables on SQLite and on PostgreSQL."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, inspect

from databases import engine_of, sqlite_file
from leads_adapters.sql.postgres.engine import postgres_engine
from postgres import postgres_url

ON_SQLITE = {
    "TEXT": "TEXT",
    "UUID": "TEXT",
    "TIMESTAMP WITH TIME ZONE": "TEXT",
    'TEXT COLLATE "C"': "TEXT",
    "INTEGER": "INTEGER",
    "BIGINT": "INTEGER",
}
"""The type on SQLite for each type that only PostgreSQL has."""

EXCEPTIONS = {
    # Only PostgreSQL has the indexed expression.
    "leads index ix_leads_words": (None, ([None], False, None)),
    # Each database has its own format of times.
    "leads.next_follow_up_key default": (
        "'9999-12-31T23:59:59.999999Z'",
        "'9999-12-31 23:59:59.999999+00'::timestamp with time zone",
    ),
    # SQLite numbers the rows of this table itself.
    "timeline.seq default": (None, "nextval('timeline_seq_seq'::regclass)"),
}
"""The intended differences: on SQLite and on PostgreSQL."""

PLANTED = {
    "ALTER TABLE leads ADD more text": {"leads.more"},
    "ALTER TABLE leads RENAME phone TO telephone": {"leads.phone", "leads.telephone"},
    "ALTER TABLE leads ALTER phone SET NOT NULL": {"leads.phone nullable"},
    "ALTER TABLE leads ALTER status SET DEFAULT 'new'": {"leads.status default"},
    "ALTER TABLE leads ALTER name TYPE varchar(200)": {"leads.name type"},
    "ALTER TABLE leads ALTER version TYPE smallint": {"leads.version type"},
    "ALTER TABLE leads ALTER created_at TYPE timestamp": {"leads.created_at type"},
    "ALTER TABLE leads DROP CONSTRAINT uq_leads_identity": {"leads unique uq_leads_identity"},
    "ALTER TABLE leads DROP CONSTRAINT ck_leads_name": {"leads check ck_leads_name"},
    "ALTER TABLE api_keys RENAME CONSTRAINT pk_api_keys TO pk": {"api_keys primary key"},
    "ALTER TABLE follow_ups DROP CONSTRAINT fk_follow_ups_lead_id_leads": {
        "follow_ups foreign key fk_follow_ups_lead_id_leads"
    },
    "DROP INDEX ix_leads_created_at_id": {"leads index ix_leads_created_at_id"},
    "DROP INDEX ix_leads_created_at_id; CREATE INDEX ix_leads_created_at_id ON leads (id, created_at)": {
        "leads index ix_leads_created_at_id"
    },
    "DROP INDEX ix_follow_ups_next_attempt; "
    "CREATE INDEX ix_follow_ups_next_attempt ON follow_ups (channel, next_attempt_at)": {
        "follow_ups index ix_follow_ups_next_attempt"
    },
    "CREATE TABLE more (id int)": {"more.id", "more primary key"},
    "DROP TABLE timeline": None,
}
"""Changes of PostgreSQL's tables and the expected differences; None means any difference of that table."""

Facts = Mapping[str, object]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Connect to a migrated file."""
    yield from connected(engine_of(sqlite_file(tmp_path_factory.mktemp("schemas"))))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Connection]:
    """Connect to a migrated database of a server."""
    with postgres_url() as url:
        yield from connected(postgres_engine(url))


def connected(engine: Engine) -> Iterator[Connection]:
    """Connect for one test."""
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def facts(connection: Connection) -> Facts:
    """Return a database's description of its tables, in terms common to both databases."""
    inspector = inspect(connection)
    found: dict[str, object] = {}
    # SQLite's word index consists of tables.
    for table in (name for name in inspector.get_table_names() if not name.startswith("lead_words")):
        for column in inspector.get_columns(table):
            found |= _of_column(f"{table}.{column['name']}", column)
        key = inspector.get_pk_constraint(table)
        found[f"{table} primary key"] = key["name"], key["constrained_columns"]
        for unique in inspector.get_unique_constraints(table):
            found[f"{table} unique {unique['name']}"] = unique["column_names"]
        for check in inspector.get_check_constraints(table):
            found[f"{table} check {check['name']}"] = True  # each database has its own format of the text
        for reference in inspector.get_foreign_keys(table):
            columns, referred = reference["constrained_columns"], reference["referred_columns"]
            found[f"{table} foreign key {reference['name']}"] = columns, reference["referred_table"], referred
        for index in inspector.get_indexes(table):
            if "duplicates_constraint" not in index:
                found[f"{table} index {index['name']}"] = (
                    index["column_names"],
                    bool(index["unique"]),
                    _condition(index),
                )
    return found


def _of_column(name: str, column: Any) -> Facts:
    kind = str(column["type"])
    if getattr(column["type"], "timezone", False):
        kind += " WITH TIME ZONE"
    return {
        name: True,
        f"{name} type": ON_SQLITE.get(kind, kind),
        f"{name} nullable": column["nullable"],
        f"{name} default": column["default"] and column["default"].removesuffix("::text"),
        f"{name} computed": "computed" in column,
    }


def _condition(index: Any) -> str | None:
    """Return the condition of a partial index."""
    options = index.get("dialect_options", {})
    condition = options.get("sqlite_where", options.get("postgresql_where"))
    # PostgreSQL quotes `position`, which is one of its keywords.
    return None if condition is None else str(condition).strip("()").replace("::text", "").replace('"', "")


def differences(sqlite: Facts, postgres: Facts) -> dict[str, tuple[object, object]]:
    """Return the differences; a column that only one database has is one difference."""
    both = {name: (sqlite.get(name), postgres.get(name)) for name in {*sqlite, *postgres}}
    different = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
    return {name: pair for name, pair in different.items() if name.rpartition(" ")[0] not in different}


def test_both_databases_have_the_same_tables(sqlite: Connection, postgres: Connection) -> None:
    found = facts(sqlite)
    assert len(found) > 200
    assert differences(found, facts(postgres)) == EXCEPTIONS


@pytest.mark.parametrize("statement", PLANTED)
def test_a_difference_is_found(sqlite: Connection, postgres: Connection, statement: str) -> None:
    expected = PLANTED[statement]
    try:
        for part in statement.split("; "):
            postgres.exec_driver_sql(part)
        found = differences(facts(sqlite), facts(postgres))
    finally:
        postgres.rollback()
    if expected is None:
        assert {name for name in found if name.startswith("timeline")}
    else:
        assert {*found} - {*EXCEPTIONS} == expected
