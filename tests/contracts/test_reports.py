"""Test the reports on every database, and that all databases return the same."""

from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, a_follow_up, a_lead, an_email, an_id
from contracts.reports import ReportsContract
from databases import DATABASES, OnMemory, OnPostgres, OnSqlite
from fakes import FixedClock
from leads_domain.follow_up import FollowUpId
from leads_domain.lead import LeadId
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.ports import UnitOfWork
from leads_domain.statistics import Statistics
from leads_domain.use_cases.compute_statistics import ComputeStatistics
from strategies import texts, utc_times


class TestMemoryReports(OnMemory, ReportsContract):
    """In memory."""


class TestSqliteReports(OnSqlite, ReportsContract):
    """On SQLite."""


class TestPostgresReports(OnPostgres, ReportsContract):
    """On PostgreSQL."""


LEADS = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from([*DEFAULT_PIPELINE.statuses, "a former status"]),
            "source": st.none() | st.sampled_from(["web", "Web", "fair"]) | texts(min_size=1, max_size=3),
            "created_at": utc_times(),
            "contacted_at": st.none() | utc_times(),
        }
    ),
    max_size=12,
)
DUE_TIMES = st.lists(st.integers(-2, 2).map(lambda seconds: NOON + timedelta(seconds=seconds)), max_size=4)


def test_all_databases_compute_the_same_statistics(tmp_path: Path) -> None:
    with ExitStack() as opened:
        databases = [opened.enter_context(open_database(tmp_path)) for open_database in DATABASES.values()]
        compute_statistics = ComputeStatistics(FixedClock(), DEFAULT_PIPELINE)

        class Rollback(Exception):
            """An error that rolls back the leads of one example."""

        @given(LEADS, DUE_TIMES)
        def compare(leads: list[dict[str, Any]], due: list[datetime]) -> None:
            def add_and_compute(work: UnitOfWork) -> None:
                for number, fields in enumerate(leads):
                    work.leads.add(a_lead(id=an_id(number), email=an_email(f"{number}@example.com"), **fields))
                for number, at in enumerate(due if leads else []):
                    id = FollowUpId(an_id(100 + number))
                    work.follow_ups.add(a_follow_up(id=id, lead_id=LeadId(an_id(0)), due_at=at))
                raise Rollback(compute_statistics(work))

            results: list[Statistics] = []
            for database in databases:
                try:
                    database.write(add_and_compute)
                except Rollback as rollback:
                    results += rollback.args
            assert results == [results[0]] * len(databases)
            assert sum(results[0].by_status.values()) == results[0].total == len(leads)

        compare()
