"""Test that a copy between databases is complete or leaves the target empty."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Computed, Engine, ForeignKey, Integer, Select, Table, Text, insert, select
from sqlalchemy.exc import DBAPIError

from builders import NOON, an_id
from databases import engine_of, sqlite_file
from leads_adapters.sql.copying import BATCH_ROWS, CopyFailed, TableContent, copy_database
from leads_adapters.sql.migrations import HEAD, current_revision, upgrade
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_adapters.sql.tables import (
    api_keys,
    digest_plan,
    digests,
    distinct_leads,
    feed,
    follow_ups,
    idempotency_records,
    leads,
    merged_leads,
    metadata,
    submissions,
    tasks,
    timeline,
    turns,
    unsubscribe_tokens,
)
from leads_adapters.sql.types import Identifier
from leads_adapters.sql.word_index import rebuild_word_index
from postgres import connect, postgres_url
from strategies import ids, texts, times

Row = dict[str, Any]

KINDS = ["sqlite", "postgresql"]
WAYS = [(source, target) for source in KINDS for target in KINDS]

every_way = pytest.mark.parametrize(("source", "target"), WAYS, indirect=True)
every_source = pytest.mark.parametrize(("source", "target"), [(kind, "sqlite") for kind in KINDS], indirect=True)
every_target = pytest.mark.parametrize(("source", "target"), [("sqlite", kind) for kind in KINDS], indirect=True)

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
AWKWARD = (
    "\U0010ffff 👩\u200d👩\u200d👧 \u202eright to left\u202c שָׁלוֹם e\u0301 é ﬃ \ufeff \u2028"
    "\t\r\n\x01\x7f \\N \\. ' \" % %s %(a)s ? :a {}"
)


@contextmanager
def database(kind: str, folder: Path, *, migrated: bool) -> Iterator[Engine]:
    """Provide a database of this kind for one test, with all tables or without tables."""
    folder.mkdir()
    if kind == "sqlite":
        engine = engine_of(sqlite_file(folder) if migrated else folder / "leads.db")
        yield engine
    else:
        with postgres_url(migrated=migrated) as url:
            engine = postgres_engine(url)
            yield engine
            engine.dispose()


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Provide a migrated database."""
    with database(request.param, tmp_path / "source", migrated=True) as engine:
        yield engine


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Provide a database without tables."""
    with database(request.param, tmp_path / "target", migrated=False) as engine:
        yield engine


def copy_all(source: Engine, target: Engine) -> list[TableContent]:
    """Copy the database and ignore the progress."""
    return copy_database(source, target, lambda _done, _total: None)


def content(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, as stored."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(_written(table))] for table in metadata.sorted_tables
        }


def _written(table: Table) -> Select[Any]:
    written = [column for column in table.columns if column.computed is None]
    return select(*written).order_by(*table.primary_key)


def rows(engine: Engine) -> int:
    """Return the number of rows in all tables."""
    return sum(map(len, content(engine).values()))


def insert_rows(engine: Engine, table: Table, *new_rows: Row) -> None:
    """Insert rows into a table."""
    with engine.begin() as connection:
        connection.execute(insert(table), new_rows)
        rebuild_word_index(connection)


def execute(engine: Engine, *statements: str) -> None:
    """Change a database without the service."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


FOUND_BY = {"name_key": "john doe", "words": " doe john", "next_follow_up_key": NOON}


def lead_row(number: int = 1, **members: Any) -> Row:
    email = f"{number}@example.com"
    row: Row = {column.name: None for column in leads.columns if column.computed is None}
    row |= {"id": an_id(number), "name": "John Doe", "email": email, "identity": email, "status": "new"}
    row |= {"attributes": "{}", "created_at": NOON, "updated_at": NOON, "version": 1}
    return row | {"email_bounced": 0, "do_not_contact": 0, **FOUND_BY} | members


def follow_up_row(number: int = 1, **members: Any) -> Row:
    row: Row = {column.name: None for column in follow_ups.columns}
    row |= {"id": an_id(number), "lead_id": an_id(1), "recipient": "lead", "channel": "log", "message": "Hello!"}
    row |= {"due_at": NOON, "state": "scheduled", "attempts": 0, "next_attempt_at": NOON, "claims": 0}
    return row | {"created_at": NOON, "updated_at": NOON, "by_rule": 0} | members


def task_row(number: int = 1, **members: Any) -> Row:
    row: Row = {"id": an_id(number), "lead_id": an_id(1), "text": "Call", "due_at": NOON, "remind": 1, "state": "open"}
    row |= {"created_at": NOON, "updated_at": NOON, "version": 1}
    return row | dict.fromkeys(("assignee", "assignee_key", "outcome", "done_at")) | members


def entry_row(number: int = 1, **members: Any) -> Row:
    row: Row = {"seq": number, "id": an_id(number), "lead_id": an_id(1), "type": "lead.created", "at": NOON}
    return row | {"actor": "Ann", "data": "{}", "position": None} | members


def key_row(number: int = 1, **members: Any) -> Row:
    row: Row = {"id": an_id(number), "name": "Ann", "role": "admin", "digest": f"{number:064x}", "created_at": NOON}
    return row | {"revoked_at": None} | members


def idempotency_row(number: int = 1, **members: Any) -> Row:
    row: Row = {"caller": an_id(1), "key": f"key {number}", "fingerprint": "f" * 64, "sealed": "gAAAA=="}
    return row | {"lead_id": an_id(1), "created_at": NOON} | members


def submission_row(number: int = 1, **members: Any) -> Row:
    row: Row = {
        "id": an_id(number),
        "received_at": NOON,
        "origin": "form:contact",
        "state": "received",
        "content": "{}",
    }
    return row | dict.fromkeys(("reason", "lead_id", "remote_address", "digest", "content_digest")) | members


def digest_row(number: int = 1, **members: Any) -> Row:
    row: Row = {
        "id": an_id(number),
        "recipient": AWKWARD,
        "recipient_key": AWKWARD,
        "planned_at": EARLIEST,
        "state": "scheduled",
        "attempts": 0,
        "next_attempt_at": NOON,
        "updated_at": LATEST,
        "claims": 2**31 - 1,
    }
    return row | dict.fromkeys(("last_error", "lease_owner", "lease_until")) | members


def fill(engine: Engine) -> None:
    """Fill every table, with values that are difficult to copy."""
    extremes = {"created_at": EARLIEST, "updated_at": LATEST, "version": 2**31 - 1}
    full = dict.fromkeys(("phone", "phone_extension", "source", "owner", "owner_key"), AWKWARD)
    insert_rows(
        engine,
        leads,
        lead_row(1, name=AWKWARD, status_reason="", **extremes, **full),
        lead_row(
            2,
            do_not_contact=1,
            attributes=json.dumps({"note": AWKWARD * 3000}, ensure_ascii=False),
            contacted_at=NOON + timedelta(microseconds=1),
        ),
    )
    insert_rows(engine, merged_leads, {"id": an_id(3), "into_id": an_id(1), "identity": "jon@example.com"})
    insert_rows(engine, distinct_leads, *({"lead_id": an_id(a), "other_id": an_id(b)} for a, b in ((1, 2), (2, 1))))
    insert_rows(
        engine,
        follow_ups,
        follow_up_row(1, lease_owner="desk:1", lease_until=NOON + timedelta(minutes=1), claims=1, task_id=an_id(1)),
        follow_up_row(2, state="sent", sent_at=LATEST, next_attempt_at=None, attempts=3, last_error=AWKWARD, by_rule=1),
    )
    insert_rows(
        engine,
        tasks,
        task_row(1, assignee=AWKWARD, assignee_key=AWKWARD, due_at=EARLIEST, version=2**31 - 1),
        task_row(2, state="done", text=AWKWARD, outcome=AWKWARD, done_at=LATEST, updated_at=LATEST, remind=0),
    )
    insert_rows(
        engine,
        submissions,
        submission_row(1, origin=AWKWARD, content=json.dumps({"\0": AWKWARD}), digest="0" * 64, received_at=EARLIEST),
        submission_row(
            2, content_digest="0" * 64, state="accepted", lead_id=an_id(1), reason=AWKWARD, remote_address="2001:db8::1"
        ),
    )
    entries = [entry_row(3 * number) for number in range(2 * BATCH_ROWS + 1)]
    insert_rows(engine, timeline, entry_row(2**40, data=AWKWARD, position=2**40 + 1), *reversed(entries))
    insert_rows(engine, unsubscribe_tokens, *({"lead_id": an_id(each), "token": f"{each}{AWKWARD}"} for each in (1, 3)))
    insert_rows(engine, feed, {"id": 1, "last_position": 2**40 + 2})
    insert_rows(engine, turns, {"id": 1, "taken": 7})
    insert_rows(engine, digest_plan, {"id": 1, "planned_at": LATEST})
    insert_rows(engine, digests, digest_row(1), digest_row(2, state="failed", next_attempt_at=None, last_error=AWKWARD))
    insert_rows(engine, api_keys, key_row(1), key_row(2, revoked_at=NOON))
    forgotten = idempotency_row(3, fingerprint=None, sealed=None)
    same_key = idempotency_row(1, caller="operator", lead_id=None)
    insert_rows(engine, idempotency_records, idempotency_row(1), idempotency_row(2, key=AWKWARD), forgotten, same_key)


@every_way
def test_all_rows_are_copied_unchanged_and_the_source_is_unchanged(source: Engine, target: Engine) -> None:
    fill(source)
    before = content(source)
    result = copy_all(source, target)

    assert content(target) == before == content(source)
    assert current_revision(target) == HEAD
    assert {table.table: table.rows for table in result} == {name: len(rows) for name, rows in before.items()}
    assert len({table.checksum for table in result}) == len(result)


@every_way
def test_a_copy_of_a_copy_is_equal(source: Engine, target: Engine, tmp_path: Path) -> None:
    fill(source)
    there = copy_all(source, target)
    with database(source.dialect.name, tmp_path / "back", migrated=False) as back:
        assert copy_all(target, back) == there
        assert content(back) == content(source)


@every_way
def test_new_timeline_entries_follow_the_copied_ones(source: Engine, target: Engine) -> None:
    insert_rows(source, timeline, entry_row(7))
    copy_all(source, target)
    insert_rows(target, timeline, {name: value for name, value in entry_row(8).items() if name != "seq"})

    assert [row[0] for row in content(target)["timeline"]] == [7, 8]


@every_way
def test_an_empty_database_is_copied_and_works(source: Engine, target: Engine) -> None:
    assert {table.rows for table in copy_all(source, target)} == {0}
    insert_rows(target, timeline, {name: value for name, value in entry_row().items() if name != "seq"})

    assert [row[0] for row in content(target)["timeline"]] == [1]


@every_way
def test_a_target_with_empty_tables_is_accepted(source: Engine, target: Engine) -> None:
    copy_all(source, target)
    fill(source)
    copy_all(source, target)

    assert content(target) == content(source)


@every_way
def test_a_future_table_is_copied(source: Engine, target: Engine) -> None:
    planted = Table(
        "a_planted_one",  # in the order of names it would come before what it refers to
        metadata,
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("lead_id", Identifier, ForeignKey("leads.id"), nullable=False),
        Column("text", Text),
        Column("doubled", Text, Computed("text || text", persisted=True)),
    )
    try:
        upgrade(target)
        for engine in (source, target):
            planted.create(engine)
        insert_rows(source, leads, lead_row(1))
        insert_rows(source, planted, {"number": 41, "lead_id": an_id(1), "text": "tom"})
        result = copy_all(source, target)
        insert_rows(target, planted, {"lead_id": an_id(1), "text": "x"})

        with target.connect() as connection:
            there = connection.execute(select(planted).order_by(planted.c.number)).all()
        assert there == [(41, an_id(1), "tom", "tomtom"), (42, an_id(1), "x", "xx")]
        assert [table.rows for table in result if table.table == "a_planted_one"] == [1]
    finally:
        metadata.remove(planted)


@every_way
def test_progress_is_reported_for_each_batch(source: Engine, target: Engine) -> None:
    fill(source)
    seen: list[tuple[int, int]] = []
    copy_database(source, target, lambda done, total: seen.append((done, total)))

    all_the_work = 2 * rows(source)  # each row is written, and read back
    assert {total for _, total in seen} == {all_the_work}
    done = [0, *(done for done, _ in seen)]
    assert done[-1] == all_the_work
    assert all(0 < later - earlier <= BATCH_ROWS for earlier, later in pairwise(done))


def test_a_checksum_changes_with_any_value(tmp_path: Path) -> None:
    checksums = set()
    variants: list[Row] = [
        {},
        {"name": "John  Doe"},
        {"phone": ""},
        {"source": ""},
        {"version": 2},
        {"updated_at": LATEST},
    ]
    for number, members in enumerate(variants):
        with (
            database("sqlite", tmp_path / f"source {number}", migrated=True) as source,
            database("sqlite", tmp_path / f"target {number}", migrated=False) as target,
        ):
            insert_rows(source, leads, lead_row(1, **members))
            checksums |= {table.checksum for table in copy_all(source, target) if table.table == "leads"}

    assert len(checksums) == len(variants)


def lead_rows() -> st.SearchStrategy[list[Row]]:
    """Rows of leads with any values that their columns can store."""
    optional = {name: st.none() | texts() for name in ("phone", "status_reason", "source", "owner", "owner_key")}
    row = st.fixed_dictionaries(
        {
            "id": ids(),
            "name": texts(min_size=1),
            "email": texts(),
            "identity": texts(),
            "attributes": texts(max_size=5000).map(lambda text: json.dumps({"note": text}, ensure_ascii=False)),
            "created_at": times(),
            "contacted_at": st.none() | times(),
            "version": st.integers(1, 2**31 - 1),
            "email_bounced": st.integers(0, 1),
            "do_not_contact": st.integers(0, 1),
            **optional,
        }
    )
    return st.lists(row, max_size=10, unique_by=(lambda row: row["id"], lambda row: row["identity"])).map(
        lambda drawn: [lead_row(1, **row) for row in drawn]
    )


def entry_rows() -> st.SearchStrategy[list[Row]]:
    """Rows of timeline entries with any values that their columns can store."""
    row = st.builds(entry_row, seq=st.integers(1, 2**62), id=ids(), lead_id=ids(), at=times(), data=texts())
    return st.lists(row, max_size=10, unique_by=lambda row: row["seq"])


def test_any_values_survive_a_copy_and_back(tmp_path: Path) -> None:
    with (
        database("sqlite", tmp_path / "here", migrated=True) as here,
        database("postgresql", tmp_path / "there", migrated=True) as there,
        database("sqlite", tmp_path / "back", migrated=True) as back,
    ):

        @given(lead_rows(), entry_rows())
        def there_and_back(some_leads: list[Row], some_entries: list[Row]) -> None:
            for engine in (here, there, back):
                execute(engine, *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)))
            with here.begin() as connection:
                for table, drawn in ((leads, some_leads), (timeline, some_entries)):
                    for row in drawn:
                        connection.execute(insert(table), row)
                rebuild_word_index(connection)

            assert copy_all(here, there) == copy_all(there, back)
            assert content(here) == content(there) == content(back)

        there_and_back()


ROWS_OF: dict[str, Callable[[Engine], None]] = {
    "leads": lambda engine: insert_rows(engine, leads, lead_row()),
    "timeline": lambda engine: insert_rows(engine, timeline, entry_row()),
    "api_keys": lambda engine: insert_rows(engine, api_keys, key_row()),
}


@every_target
@pytest.mark.parametrize("table", ROWS_OF)
def test_a_target_with_a_row_is_refused_and_unchanged(source: Engine, target: Engine, table: str) -> None:
    copy_all(source, target)
    fill(source)
    ROWS_OF[table](target)
    before = content(target)

    with pytest.raises(CopyFailed, match=rf"^The target is not empty: its table {table} has rows\. Name .+\.$"):
        copy_all(source, target)
    assert content(target) == before


@every_source
def test_a_database_is_not_copied_onto_itself(source: Engine, target: Engine) -> None:
    fill(source)
    before = content(source)

    with pytest.raises(CopyFailed, match=r"^The target is not empty"):
        copy_all(source, source)
    assert content(source) == before


@every_source
def test_an_outdated_source_is_refused_and_unchanged(source: Engine, target: Engine) -> None:
    execute(source, "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(CopyFailed, match=rf"^The schema of the source is at 0000, not at {HEAD}\. .*leads migrate"):
        copy_all(source, target)
    assert current_revision(source) == "0000"
    assert current_revision(target) is None


@every_target
def test_a_target_with_another_schema_is_refused_and_unchanged(source: Engine, target: Engine) -> None:
    copy_all(source, target)
    execute(target, "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(CopyFailed, match=rf"^The schema of the target is at 0000, not at {HEAD}\. .*leads migrate"):
        copy_all(source, target)
    assert current_revision(target) == "0000"


@every_target
def test_a_source_without_tables_is_refused(source: Engine, target: Engine) -> None:
    target.connect().close()  # which makes the file

    with pytest.raises(CopyFailed, match=r"^The source has no tables\. Run `leads migrate` on it first\.$"):
        copy_all(target, source)


def test_a_missing_source_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(CopyFailed, match=r"^The source cannot be used: there is no such file\.$"):
        copy_all(engine_of(tmp_path / "source.db"), engine_of(tmp_path / "target.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, role: str) -> None:
    engines = {"source": engine_of(sqlite_file(tmp_path)), "target": engine_of(tmp_path / "target.db")}
    (tmp_path / "note.txt").write_text("Buy milk!" * 100)
    engines[role] = engine_of(tmp_path / "note.txt")

    with pytest.raises(CopyFailed, match=rf"^The {role} cannot be used: file is not a database\.$"):
        copy_all(engines["source"], engines["target"])
    assert (tmp_path / "note.txt").read_text() == "Buy milk!" * 100


ON_SQLITE = "CREATE TRIGGER {name} {when} INSERT ON {table} BEGIN {action}; END"
ON_POSTGRES = (
    "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {action}; RETURN NEW; END$$",
    "CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
)
TRIGGERS = {
    ("sqlite", "refuses"): ("BEFORE", "SELECT RAISE(ABORT, 'Not today')"),
    ("sqlite", "loses"): ("BEFORE", "SELECT RAISE(IGNORE) WHERE NEW.id = '{id}'"),
    ("sqlite", "alters"): ("AFTER", "UPDATE {table} SET {column} = upper({column}) WHERE id = '{id}' AND NEW.id = id"),
    ("postgresql", "refuses"): ("", "RAISE 'Not today'"),
    ("postgresql", "waits"): ("", "PERFORM pg_sleep(0.7)"),
    ("postgresql", "loses"): ("", "IF NEW.id = '{id}' THEN RETURN NULL; END IF"),
    ("postgresql", "alters"): ("", "IF NEW.id = '{id}' THEN NEW.{column} = upper(NEW.{column}); END IF"),
}


def plant(engine: Engine, error: str, table: str, column: str) -> None:
    """Add a trigger that refuses or delays rows, or deletes or changes the first row."""
    when, action = TRIGGERS[engine.dialect.name, error]
    action = action.format(table=table, column=column, id=an_id(1))
    statements = (ON_SQLITE,) if engine.dialect.name == "sqlite" else ON_POSTGRES
    execute(engine, *(each.format(name="fault", when=when, table=table, action=action) for each in statements))


@every_target
@pytest.mark.parametrize(("table", "column"), [("leads", "name"), ("timeline", "actor"), ("api_keys", "name")])
@pytest.mark.parametrize(
    ("error", "result"),
    [
        ("refuses", "could not be written: Not today."),
        ("loses", "of the target does not contain the rows that were written to it."),
        ("alters", "of the target does not contain the rows that were written to it."),
    ],
)
def test_an_error_names_its_table_and_leaves_the_target_empty(
    source: Engine, target: Engine, table: str, column: str, error: str, result: str
) -> None:
    copy_all(source, target)
    insert_rows(source, leads, lead_row(1), lead_row(2))
    insert_rows(source, timeline, entry_row(1), entry_row(2))
    insert_rows(source, api_keys, key_row(1), key_row(2))
    plant(target, error, table, column)

    with pytest.raises(CopyFailed) as failed:
        copy_all(source, target)
    assert str(failed.value) == f"The table {table} {result}"
    assert rows(target) == 0


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql")], indirect=True)
def test_a_text_that_the_target_cannot_store_is_reported_and_nothing_is_copied(source: Engine, target: Engine) -> None:
    insert_rows(source, leads, lead_row(1))
    insert_rows(source, timeline, entry_row(1, data="\0"))

    with pytest.raises(CopyFailed, match=r"^The table timeline could not be written: .*NUL"):
        copy_all(source, target)
    assert rows(target) == 0


@pytest.mark.parametrize(("source", "target"), [("postgresql", "sqlite")], indirect=True)
def test_an_unreadable_value_is_reported_and_nothing_is_copied(source: Engine, target: Engine) -> None:
    insert_rows(source, leads, lead_row(1))
    insert_rows(source, timeline, entry_row(1))
    execute(source, "UPDATE timeline SET at = '12026-01-01'")

    with pytest.raises(CopyFailed, match=r"^The table timeline could not be read: .*10K"):
        copy_all(source, target)
    assert rows(target) == 0


@pytest.mark.parametrize(("source", "target"), [("sqlite", "sqlite")], indirect=True)
def test_an_invalid_time_is_reported_and_nothing_is_copied(source: Engine, target: Engine) -> None:
    insert_rows(source, leads, lead_row(1))
    execute(source, "UPDATE leads SET created_at = 'yesterday'")

    with pytest.raises(CopyFailed, match=r"^The table leads could not be read: .*isoformat"):
        copy_all(source, target)
    assert rows(target) == 0


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql")], indirect=True)
def test_the_error_does_not_show_the_row(source: Engine, target: Engine) -> None:
    copy_all(source, target)
    execute(target, "ALTER TABLE leads ADD CONSTRAINT short CHECK (length(name) < 10)")
    insert_rows(source, leads, lead_row(1, name="Maximilian Mustermann"))

    with pytest.raises(CopyFailed) as failed:
        copy_all(source, target)
    assert 'violates check constraint "short"' in str(failed.value)
    assert "Mustermann" not in str(failed.value)
    assert "example.com" not in str(failed.value)


CHANGES = {
    "INSERT": f"""
        INSERT INTO api_keys (id, name, role, digest, created_at)
        SELECT '{an_id(3)}', name, role, 'digest', created_at FROM api_keys LIMIT 1
    """,
    "UPDATE": "UPDATE leads SET name = 'Jane Doe' WHERE version = 1",
    "DELETE": "DELETE FROM timeline WHERE seq = 3",
}


@every_source
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.wal
def test_a_change_of_the_source_during_the_copy_is_reported_and_nothing_is_copied(
    source: Engine, target: Engine, change: str
) -> None:
    fill(source)
    changes = [CHANGES[change]]

    def change_once(_done: int, _total: int) -> None:
        if changes:
            execute(source, changes.pop())

    with pytest.raises(CopyFailed, match=r"^The source was changed during the copy\. Stop every service that uses it"):
        copy_database(source, target, change_once)
    assert changes == []
    assert rows(target) == 0


@pytest.mark.parametrize(("source", "target"), [("postgresql", "sqlite")], indirect=True)
def test_all_tables_are_read_in_one_state(source: Engine, target: Engine) -> None:
    fill(source)
    before = content(source)

    with closing(connect(source.url)) as other_connection:

        def add_and_take_away(done: int, total: int) -> None:
            if done == total:
                other_connection.execute("DELETE FROM timeline WHERE seq = 1")
            else:
                other_connection.execute(
                    "INSERT INTO timeline (seq, id, lead_id, type, at, actor, data)"
                    " SELECT 1, id, lead_id, type, at, actor, data FROM timeline LIMIT 1 ON CONFLICT DO NOTHING"
                )

        copy_database(source, target, add_and_take_away)
    assert content(target) == before == content(source)


@every_target
def test_other_writes_to_the_target_are_locked_out_during_the_copy(
    source: Engine, target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_adapters.sql.postgres.engine.LOCK_TIMEOUT_SECONDS", 0.05)
    impatient = (
        sqlite_engine(target.url, busy_seconds=0.05) if target.dialect.name == "sqlite" else postgres_engine(target.url)
    )
    copy_all(source, target)
    insert_rows(source, leads, lead_row(1))
    refused: list[str] = []

    def write_too(_done: int, _total: int) -> None:
        with pytest.raises(DBAPIError) as refusal:
            insert_rows(impatient, api_keys, key_row())
        refused.append(str(refusal.value.orig))

    copy_database(source, target, write_too)
    impatient.dispose()
    assert len(refused) == 2
    assert all("lock" in reason for reason in refused)
    assert content(target) == content(source)


@pytest.mark.parametrize(("source", "target"), [("postgresql", "postgresql")], indirect=True)
def test_a_copy_has_a_longer_time_out_than_a_request(
    source: Engine, target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_all(source, target)
    insert_rows(source, api_keys, key_row())
    plant(target, "waits", "api_keys", "name")
    monkeypatch.setattr("leads_adapters.sql.postgres.engine.STATEMENT_TIMEOUT_SECONDS", 0.5)
    hurried = [postgres_engine(engine.url) for engine in (source, target)]
    try:
        copy_all(*hurried)
    finally:
        for engine in hurried:
            engine.dispose()

    assert content(target) == content(source)


@pytest.mark.parametrize(("source", "target"), [("postgresql", "postgresql")], indirect=True)
@pytest.mark.parametrize(("lost", "result"), [("source", "could not be read"), ("target", "could not be written")])
def test_a_lost_connection_is_reported_and_nothing_is_copied(
    source: Engine, target: Engine, lost: str, result: str
) -> None:
    fill(source)

    with closing(connect(source.url if lost == "source" else target.url)) as other_connection:

        def end_it(_done: int, _total: int) -> None:
            other_connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid()"
            )

        with pytest.raises(CopyFailed, match=rf"^The table \w+ {result}: .*connection.*\.$"):
            copy_database(source, target, end_it)
    assert rows(target) == 0


@every_target
def test_an_interruption_leaves_the_target_empty(source: Engine, target: Engine) -> None:
    fill(source)

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(source, target, interrupt)
    assert rows(target) == 0
    copy_all(source, target)
    assert content(target) == content(source)
