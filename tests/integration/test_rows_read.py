"""Test that a database sends no rows that are not needed, such as those beyond the size of a page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import NOON, a_follow_up, a_lead, a_submission, a_task, an_email, an_id
from contracts.timeline import LEAD, some_entries
from databases import database_url
from fakes import CountingIds
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_app.factories import make_engine
from leads_domain.paging import LeadQuery, SubmissionQuery
from leads_domain.submission import SubmissionState
from leads_domain.use_cases.assign_tasks import assign_tasks

ROWS = 30
STATES = (SubmissionState.RECEIVED, SubmissionState.SPAM)


class CountingCursor:
    """A cursor of a driver that counts the rows it receives."""

    def __init__(self, cursor: Any, connection: "CountingConnection") -> None:
        self._cursor = cursor
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, *arguments: Any) -> "CountingCursor":
        self._cursor.execute(*arguments)
        self._connection.rows += max(self._cursor.rowcount, 0)  # psycopg receives all rows at once
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchone, None)

    def fetchone(self) -> Any:
        self._connection.rows += self._cursor.rowcount < 0  # SQLite reads one at a time
        return self._cursor.fetchone()


class CountingConnection:
    """A connection of a driver that counts the rows it receives."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.rows = 0

    def cursor(self) -> CountingCursor:
        return CountingCursor(self._connection.cursor(), self)


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Open a database with leads, entries and submissions of 1 kB each; yield its connection and unit of work."""
    with database_url(request.param, tmp_path) as url:
        assert url is not None
        engine = make_engine(url)
        with engine.connect() as connected:
            counting = CountingConnection(connected.connection.driver_connection)
            work = SqlUnitOfWork(StatementRunner(counting, engine.dialect, {}))
            for each in range(ROWS):
                email = an_email(f"{each}@example.com")
                work.leads.add(a_lead(id=an_id(each), email=email, attributes={"a": "x" * 990}))
                submission = a_submission(id=an_id(each), state=STATES[each % 2], content={"a": "x" * 990})
                work.submissions.add(submission, repeated_within=None)
            work.timeline.add(some_entries(ROWS))
            counting.rows = 0
            yield counting, work
        engine.dispose()


def test_the_rows_after_a_page_are_not_read(connection: Any) -> None:
    counting, work = connection
    assert len(work.leads.page(LeadQuery(bytes_max=5_000)).items) == 5
    assert 6 <= counting.rows <= 7

    counting.rows = 0
    assert len(work.timeline.of_lead(LEAD, before=None, limit=50, bytes_max=1).items) == 1
    assert counting.rows == 2


def test_the_rows_of_several_runs_are_not_read_beyond_the_page(connection: Any) -> None:
    counting, work = connection
    assert len(work.submissions.page(SubmissionQuery(states=STATES, bytes_max=5_000)).items) == 5
    assert counting.rows <= 2 * 7


def test_the_first_owner_of_a_lead_does_not_read_all_reminders_for_each_task(connection: Any) -> None:
    counting, work = connection
    lead = a_lead(id=an_id(0), owner=an_email("mia@example.com"), next_follow_up_at=NOON)
    for each in range(ROWS):
        work.tasks.add(a_task(id=an_id(100 + each), lead_id=lead.id, assignee=None, remind=True))
        work.follow_ups.add(a_follow_up(id=an_id(200 + each), lead_id=lead.id, task_id=an_id(100 + each)))
    counting.rows = 0
    _, events = assign_tasks(work, None, lead, CountingIds(), NOON)
    assert len(events) == 3 * ROWS
    assert counting.rows < 10 * ROWS
