"""Test the migrations on a SQLite file and on PostgreSQL."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, Inspector, inspect
from sqlalchemy.exc import DBAPIError

from builders import a_lead, a_phone, an_email, an_id
from databases import DATABASES, RunningDatabase, engine_of, sqlite_file
from leads_adapters.database import UseCase
from leads_adapters.sql import older_schema
from leads_adapters.sql.migrations import (
    HEAD,
    NoMigrationPath,
    check_schema,
    current_revision,
    downgrade,
    scripts_folder,
    upgrade,
)
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import metadata
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.word_index import adapt_word_index
from leads_app.factories import make_engine
from leads_domain.contact import EmailAddress
from leads_domain.errors import Unavailable
from leads_domain.events import EventType
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.search import query_words
from leads_domain.similarity import mailbox
from postgres import PROGRAMS, postgres_url

STORES = ["sqlite", "postgresql"]

INDEX_OF_WORDS = "lead_words"
"""The prefix of SQLite's tables of the word index; PostgreSQL has an index instead."""

GIN = "ix_leads_words"

NEW_NAMES = {
    "replies": "idempotency_records",
    "place": "position",
    "last_place": "last_position",
    "email_key": "identity",
}
"""Names of tables and columns that revisions 0101 and 0103 changed."""

NEW_TABLES = {
    *("submissions", "distinct_leads", "turns", "tasks", "calendars", "digest_plan", "digests", "unsubscribe_tokens"),
}
"""Tables that revisions after 0101 created."""

NEW_COLUMNS = {
    ("merged_leads", "identity"),
    ("follow_ups", "task_id"),
    ("follow_ups", "by_rule"),
    ("leads", "email_bounced"),
    ("leads", "do_not_contact"),
}
"""Columns that revisions after 0101 added."""

DATA = Path(__file__).parents[1] / "data"
"""The folder with backups of version 0.2: leads with all related rows, one merged and two erased."""

REVISIONS = [script.revision for script in ScriptDirectory(str(scripts_folder())).walk_revisions()][::-1]

UPGRADE_AT_A_SIGN = """
import sys
from sqlalchemy import make_url
from leads_adapters.sql.migrations import upgrade
from leads_app.factories import make_engine

engine = make_engine(make_url(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
upgrade(engine)
engine.dispose()
"""


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Return the URL of a new database."""
    if request.param == "sqlite":
        yield URL.create("sqlite", database=str(tmp_path / "leads.db"))
    else:
        with postgres_url(migrated=False) as url:
            yield url


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    """Return the service's engine on an empty database."""
    engine = make_engine(url)
    yield engine
    engine.dispose()


def table_names(inspector: Inspector) -> set[str]:
    """Return the names of all tables except those of the word index."""
    return {name for name in inspector.get_table_names() if not name.startswith(INDEX_OF_WORDS)}


def schema(engine: Engine) -> dict[str, object]:
    """Return the database's description of each table, without `alembic_version`."""
    with engine.connect() as connection:
        inspector = inspect(connection)
        return {
            name: {
                "columns": {column["name"]: _as_text(column) for column in inspector.get_columns(name)},
                "primary key": inspector.get_pk_constraint(name),
                "foreign keys": _as_text(inspector.get_foreign_keys(name)),
                "unique": _as_text(inspector.get_unique_constraints(name)),
                "checks": _as_text(inspector.get_check_constraints(name)),
                "indexes": _as_text([_index(index) for index in inspector.get_indexes(name) if index["name"] != GIN]),
                "options": inspector.get_table_options(name),
            }
            for name in table_names(inspector)
            if name != "alembic_version"
        } | {"sequences": _sequences(inspector)}


def contents(engine: Engine) -> dict[str, list[dict[str, object]]]:
    """Return every row of every table without computed columns, under today's names of tables and columns.

    A new table without rows counts as one that does not exist yet.
    """
    computed = {"rendered", "next_follow_up_key", "mailbox"}
    tables = {NEW_NAMES.get(name, name): name for name in table_names(inspect(engine)) - {"alembic_version"}}
    with engine.connect() as connection:
        return {
            table: [
                {
                    NEW_NAMES.get(name, name): value
                    for name, value in row._mapping.items()
                    if name not in computed and (table, name) not in NEW_COLUMNS
                }
                for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2")
            ]
            for table, name in tables.items()
            if table not in NEW_TABLES or connection.exec_driver_sql(f"SELECT 1 FROM {name}").first()
        }


def install_version_0_2(engine: Engine) -> None:
    """Create the database of version 0.2."""
    if engine.dialect.name == "sqlite":
        shutil.copyfile(DATA / "version-0.2.db", str(engine.url.database))
        adapt_word_index(engine)  # every command does this first
        return
    there = engine.url.render_as_string(hide_password=False)
    options = ["--no-owner", "--exit-on-error", "--dbname", there]
    subprocess.run([PROGRAMS / "pg_restore", *options, DATA / "version-0.2.dump"], check=True)


def execute(engine: Engine, *statements: str) -> None:
    """Change the database without the service."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_the_newest_revision_is_the_head_of_the_service() -> None:
    assert ScriptDirectory(str(scripts_folder())).get_current_head() == HEAD == REVISIONS[-1]


def test_an_empty_database_is_migrated_to_the_newest_revision(engine: Engine) -> None:
    assert current_revision(engine) is None
    upgrade(engine)

    assert current_revision(engine) == HEAD
    with engine.connect() as connection:
        assert table_names(inspect(connection)) == {*metadata.tables, "alembic_version"}


def test_an_up_to_date_database_is_unchanged(engine: Engine) -> None:
    upgrade(engine)
    before = schema(engine)
    upgrade(engine)

    assert schema(engine) == before


def test_every_migration_can_be_downgraded_and_repeated(engine: Engine) -> None:
    schemas = [schema(engine)]
    for revision in REVISIONS:
        upgrade(engine, revision)
        schemas.append(schema(engine))
        downgrade(engine, "-1")
        assert schema(engine) == schemas[-2]
        upgrade(engine, revision)
        assert schema(engine) == schemas[-1]
        assert current_revision(engine) == revision


def test_a_complete_downgrade_leaves_no_table(engine: Engine) -> None:
    upgrade(engine)
    downgrade(engine, "base")

    assert schema(engine) == {"sequences": []}
    assert current_revision(engine) is None


def test_the_migrations_create_the_tables_of_the_metadata(engine: Engine) -> None:
    upgrade(engine)

    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    found = {(difference[0], difference[-1].name) for difference in differences}
    if engine.dialect.name == "postgresql":
        assert found == {("remove_index", GIN)}
    else:
        tables = {("remove_table", f"{INDEX_OF_WORDS}{part}") for part in ("", "_config", "_data", "_idx")}
        assert found == tables


def test_a_database_of_version_0_2_is_migrated_without_loss(engine: Engine) -> None:
    install_version_0_2(engine)
    before = contents(engine)
    upgrade(engine)

    assert current_revision(engine) == HEAD
    assert contents(engine) == before
    assert [len(before[table]) for table in ("leads", "merged_leads", "follow_ups", "idempotency_records")] == [
        6,
        1,
        5,
        2,
    ]
    converted = schema(engine)
    downgrade(engine, "base")
    upgrade(engine)
    assert schema(engine) == converted


def test_new_names_keep_every_row_and_the_order_of_the_feed_up_and_down(engine: Engine) -> None:
    install_version_0_2(engine)
    upgrade(engine, "0100")
    execute(engine, "UPDATE timeline SET place = NULL WHERE seq >= 24", "UPDATE timeline SET place = 99 WHERE seq = 1")
    old_schema, rows = schema(engine), contents(engine)
    assert [len(rows[table]) for table in ("timeline", "feed", "idempotency_records")] == [22, 1, 2]
    with engine.connect() as connection:
        published = connection.exec_driver_sql("SELECT place, id FROM timeline WHERE place > 0 ORDER BY place").all()
    upgrade(engine)

    assert current_revision(engine) == HEAD
    assert contents(engine) == rows
    with engine.begin() as connection:
        timeline = _unit_of_work(connection).timeline
        feed = timeline.in_feed(after=None, limit=200)
        assert [entry.id for entry in feed.items] == [id for _, id in published]
        assert feed.next == timeline.last_position() == 99
        assert timeline.publish(10) == 2
        assert [entry.type for entry in timeline.in_feed(after=99, limit=200).items] == [EventType.LEAD_ERASED] * 2
    rows = contents(engine)
    downgrade(engine, "0100")
    assert schema(engine) == old_schema
    assert contents(engine) == rows


def test_identities_keep_every_row_and_the_word_index_up_and_down(engine: Engine) -> None:
    install_version_0_2(engine)
    upgrade(engine, "0102")
    old_schema, rows = schema(engine), contents(engine)
    assert [len(rows[table]) for table in ("leads", "merged_leads", "follow_ups")] == [6, 1, 5]
    with engine.connect() as connection:
        keys = connection.exec_driver_sql("SELECT id, email_key FROM leads ORDER BY id").all()
    upgrade(engine)

    assert contents(engine) == rows
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT id, identity FROM leads ORDER BY id").all() == keys
        leads = _unit_of_work(connection).leads
        assert [leads.find_by_identity(key) for _, key in keys] == [id for id, _ in keys]
        renamed = replace(leads.page(LeadQuery(words=query_words("strauss"))).items[0], name="Zoë Müller")
        leads.save(renamed)
        assert leads.page(LeadQuery(words=query_words("strauss"))).items == []
        assert leads.page(LeadQuery(words=query_words("muller"))).items == [renamed]
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("INSERT INTO lead_words (lead_words, rank) VALUES ('integrity-check', 1)")
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    rows = contents(engine)
    downgrade(engine, "0102")
    assert schema(engine) == old_schema
    assert contents(engine) == rows


def test_the_way_back_is_refused_while_a_lead_has_no_email_address(engine: Engine) -> None:
    upgrade(engine)
    lead = a_lead(email=None, phone=a_phone())
    with engine.begin() as connection:
        _unit_of_work(connection).leads.add(lead)
    with pytest.raises(NoMigrationPath, match=r"without an e-mail address: 1\. Revision 0102 cannot store them"):
        downgrade(engine, "0102")

    assert current_revision(engine) == HEAD
    with engine.begin() as connection:
        leads = _unit_of_work(connection).leads
        assert leads.get(lead.id) == lead
        leads.save(replace(lead, email=an_email(), phone=None))
    downgrade(engine, "0102")


def test_the_database_refuses_a_lead_without_email_address_and_phone_number(engine: Engine) -> None:
    upgrade(engine)
    with pytest.raises(DBAPIError, match="ck_leads_contact"):
        execute(
            engine,
            "INSERT INTO leads (id, name, email, phone, identity, status, attributes, created_at, updated_at, version) "
            f"VALUES ('{an_id()}', 'John', NULL, NULL, 'x', 'new', '{{}}', '2026-01-01T00:00:00.000000Z', "
            "'2026-01-01T00:00:00.000000Z', 1)",
        )


def test_leads_of_version_0_2_are_found_and_listed(engine: Engine) -> None:
    install_version_0_2(engine)
    upgrade(engine)
    upgrade(engine)

    with engine.begin() as connection:
        leads = _unit_of_work(connection).leads
        leads.add(a_lead(name="Jane O'Neill", email=an_email("jane@example.com")))
        found = {
            q: [lead.name for lead in leads.page(LeadQuery(words=query_words(q))).items] for q in ("strauss", "oneill")
        }
        assert found == {"strauss": ["Zoë Strauß"], "oneill": ["Jane O'Neill"]}
        listed = leads.page(LeadQuery(sort=LeadSort.NEXT_FOLLOW_UP_FIRST)).items
        assert [lead.next_follow_up_at is None for lead in listed] == [False] * 2 + [True] * 5
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("INSERT INTO lead_words (lead_words, rank) VALUES ('integrity-check', 1)")


def test_merged_leads_of_version_0_2_get_the_identity_that_they_had(engine: Engine) -> None:
    install_version_0_2(engine)
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT identity FROM merged_leads").all() == [("jon@example.com",)]


def test_leads_of_an_earlier_revision_are_found_by_their_mailbox(engine: Engine) -> None:
    install_version_0_2(engine)
    upgrade(engine, "0104")
    addresses = ["a.b@example.net", "j.o.h.n+fair+2@mail.example.com", "+john@example.net", "+jo.hn+a@example.net"]
    for id, address in zip(_ids(engine), addresses, strict=False):
        execute(engine, f"UPDATE leads SET email = '{address.title()}', identity = '{address}' WHERE id = '{id}'")
    execute(
        engine, f"UPDATE leads SET email = NULL, identity = '+1202', phone = '+1202' WHERE id = '{_ids(engine)[5]}'"
    )
    upgrade(engine)

    with engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT email, identity, mailbox FROM leads").all()
    assert len(stored) == 6
    for address, identity, found in stored:
        assert found == (mailbox(EmailAddress(address, identity)) if address else None)


def test_follow_ups_of_an_earlier_revision_with_the_status_of_a_rule_are_by_rule(engine: Engine) -> None:
    install_version_0_2(engine)
    upgrade(engine, "0110")
    with engine.connect() as connection:
        [first, *_] = connection.exec_driver_sql("SELECT id FROM follow_ups ORDER BY id").scalars()
    execute(engine, "UPDATE follow_ups SET rule_status = NULL")
    execute(engine, f"UPDATE follow_ups SET rule_status = 'new' WHERE id = '{first}'")
    upgrade(engine)
    with engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT id, by_rule FROM follow_ups").all()
    assert len(stored) > 1
    assert all(by_rule == int(id == first) for id, by_rule in stored)


def _ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [str(id) for (id,) in connection.exec_driver_sql("SELECT id FROM leads ORDER BY id")]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_migration_has_a_longer_time_out_than_a_request(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    install_version_0_2(engine)
    note = "CREATE TABLE noted AS SELECT current_setting('statement_timeout') AS statement_timeout"
    monkeypatch.setitem(older_schema._STATEMENTS, "postgresql", (note, *older_schema._STATEMENTS["postgresql"]))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT statement_timeout FROM noted").scalar() == "0"


@pytest.mark.parametrize("revision", ["0001", "0006", "0010"])
def test_a_database_of_an_earlier_version_is_refused_with_instructions(engine: Engine, revision: str) -> None:
    install_version_0_2(engine)
    execute(engine, f"UPDATE alembic_version SET version_num = '{revision}'")
    before = contents(engine)

    with pytest.raises(
        NoMigrationPath, match=rf"before 0\.2 .* at {revision}\. Run `leads migrate` of version 0\.2 first"
    ):
        upgrade(engine)
    assert contents(engine) == before


def test_the_migrations_create_the_constraints_of_the_metadata(engine: Engine) -> None:
    with engine.begin() as connection:
        metadata.create_all(connection)
    straight = schema(engine)
    assert {*metadata.tables} < {*straight}
    with engine.begin() as connection:
        metadata.drop_all(connection)
    upgrade(engine)

    assert schema(engine) == straight


def test_every_constraint_has_a_name(engine: Engine) -> None:
    upgrade(engine)

    with engine.connect() as connection:
        inspector = inspect(connection)
        for table in metadata.tables:
            constraints = [
                inspector.get_pk_constraint(table),
                *inspector.get_unique_constraints(table),
                *inspector.get_foreign_keys(table),
                *inspector.get_check_constraints(table),
            ]
            assert all(constraint["name"] for constraint in constraints), constraints


def test_a_failed_migration_is_rolled_back(engine: Engine) -> None:
    execute(engine, "CREATE TABLE timeline (something_else TEXT)")
    before = schema(engine)

    with pytest.raises(DBAPIError, match="already exists"):
        upgrade(engine)
    assert schema(engine) == before
    assert current_revision(engine) is None
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["timeline"]


def test_a_failed_migration_can_be_repeated(engine: Engine) -> None:
    execute(engine, "CREATE TABLE timeline (something_else TEXT)")
    with pytest.raises(DBAPIError):
        upgrade(engine)
    execute(engine, "DROP TABLE timeline")
    upgrade(engine)

    assert current_revision(engine) == HEAD


def test_a_migration_with_broken_foreign_keys_fails(tmp_path: Path) -> None:
    engine = engine_of(sqlite_file(tmp_path))
    _orphan_a_follow_up(engine)

    with pytest.raises(RuntimeError, match="1 rows refer to missing rows"):
        upgrade(engine)


def test_several_processes_can_migrate_at_the_same_time(engine: Engine, url: URL) -> None:
    there = url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "error", "-c", UPGRADE_AT_A_SIGN, there]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=30)[1] for process in processes]

    assert errors == [""] * len(processes)
    assert [process.returncode for process in processes] == [0] * len(processes)
    assert current_revision(engine) == HEAD


@pytest.mark.parametrize("store", STORES)
def test_a_migrated_database_is_ready(store: str, tmp_path: Path) -> None:
    with DATABASES[store](tmp_path) as database:
        _check(database)
        database.write(lambda work: work.leads.add(a_lead()))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE alembic_version",
        "DELETE FROM alembic_version",
        "UPDATE alembic_version SET version_num = '0000'",
        "UPDATE alembic_version SET version_num = 'a later one'",
    ],
)
def test_a_database_at_another_revision_is_not_ready(store: str, tmp_path: Path, statement: str) -> None:
    with DATABASES[store](tmp_path) as database:
        execute(cast(SqliteDatabase | PostgresDatabase, database.database)._engine, statement)
        with pytest.raises(Unavailable):
            _check(database)


def test_an_unknown_revision_cannot_be_migrated(engine: Engine) -> None:
    upgrade(engine)
    execute(engine, "UPDATE alembic_version SET version_num = 'a later one'")
    with pytest.raises(NoMigrationPath, match="a later one"):
        upgrade(engine)
    assert current_revision(engine) == "a later one"


def test_alembic_is_loaded_only_to_change_a_schema() -> None:
    program = "import sys, leads_app.cli; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _check(database: RunningDatabase) -> None:
    use_case: UseCase[[], None] = check_schema  # type: ignore[assignment]
    database.read(use_case)


def _unit_of_work(connection: Connection) -> SqlUnitOfWork:
    return SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, connection.dialect, {}))


def _sequences(inspector: Inspector) -> list[str]:
    return inspector.get_sequence_names() if inspector.dialect.supports_sequences else []


def _index(index: Any) -> dict[str, object]:
    """Return the description of an index with its condition as text."""
    return {**index, "dialect_options": {name: str(value) for name, value in index["dialect_options"].items()}}


def _as_text(parts: object) -> str | list[str]:
    """Return a part of a table as text; sort several parts."""
    return sorted(map(repr, parts)) if isinstance(parts, list) else repr(parts)


def _orphan_a_follow_up(engine: Engine) -> None:
    connection = driver.connect(str(engine.url.database), isolation_level=None)
    connection.execute(
        "INSERT INTO follow_ups (id, lead_id, recipient, channel, message, due_at, state, attempts, next_attempt_at,"
        " created_at, updated_at, claims) VALUES ('1', 'nobody', 'lead', 'log', '', '', 'scheduled', 0, '', '', '', 0)"
    )
    connection.close()
