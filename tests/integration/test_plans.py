"""Test that SQLite's query plans use indexes in order, so that large tables stay fast."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from builders import NOON, an_id
from databases import engine_of, sqlite_file
from leads_adapters.sql import (
    calendar_store,
    digest_store,
    follow_up_store,
    idempotency_store,
    lead_filters,
    lead_pages,
    lead_store,
    reports,
    similar_leads,
    submission_store,
    task_store,
    unsubscribe_token_store,
)
from leads_adapters.sql import timeline as timelines
from leads_adapters.sql.lead_store import _lead_columns
from leads_adapters.sql.sqlite.driver import journal_mode
from leads_adapters.sql.statements import Statement
from leads_adapters.sql.tables import END_OF_TIME
from leads_domain.paging import LeadQuery, LeadSort, Position, TaskQuery

Plan = Callable[..., list[str]]

TABLES = "leads |follow_ups|submissions|tasks|digests|timeline|idempotency_records|unsubscribe_tokens|B-TREE"

FILTERS: list[dict[str, Any]] = [
    {**whose, **until, **after}
    for whose, until, after in product(
        ({}, {"lead_id": an_id(1)}, {"channel": "log"}),
        ({}, {"due_before": NOON}),
        ({}, {"after_at": NOON, "after_id": an_id(2)}),
    )
]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    """Return a function that returns the steps of SQLite's query plan. They change nothing, so one file is enough."""
    engine = engine_of(sqlite_file(tmp_path_factory.mktemp("plans")))
    with engine.connect() as connection:
        cursor = connection.connection.cursor()

        def steps(statement: Any, **parameters: Any) -> list[str]:
            compiled = Statement(statement, engine.dialect)
            cursor.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", compiled.parameters(parameters))
            return [step for *_, step in cursor.fetchall() if re.search(TABLES, step)]

        yield steps
    engine.dispose()


@pytest.mark.parametrize(
    "parameters_of_query", FILTERS, ids=lambda parameters_of_query: " ".join(parameters_of_query) or "everything"
)
def test_a_filtered_list_of_follow_ups_reads_only_matching_rows(
    plan: Plan, parameters_of_query: dict[str, Any]
) -> None:
    statement = follow_up_store._page(frozenset(parameters_of_query))
    (step,) = plan(statement, state="sent", limit=51, **parameters_of_query)
    first = [f"{name}=?" for name in ("lead_id", "channel") if name in parameters_of_query]
    index = "_".join([*(name for name in ("lead_id", "channel") if name in parameters_of_query), "state_due_at_id"])
    conditions = [*first, "state=?"]
    if "after_id" in parameters_of_query:
        conditions.append("(due_at,id)>(?,?)")
    if "due_before" in parameters_of_query:
        conditions.append("due_at<?")
    assert step == f"SEARCH follow_ups USING INDEX ix_follow_ups_{index} ({' AND '.join(conditions)})"


TASK_QUERIES: list[dict[str, Any]] = [
    {**whose, **since, **until, **after}
    for whose, since, until, after in product(
        ({}, {"lead_id": an_id(1)}, {"assignee_key": "mia"}, {"lead_id": an_id(1), "assignee_key": "mia"}),
        ({}, {"due_from": NOON}),
        ({}, {"due_before": NOON}),
        ({}, {"after": Position(NOON, an_id(2))}, {"after": Position(NOON - timedelta(days=1), an_id(2))}),
    )
]


@pytest.mark.parametrize("fields", TASK_QUERIES, ids=lambda fields: " ".join(fields) or "everything")
def test_a_list_of_tasks_reads_only_matching_rows_from_the_later_of_its_lower_bounds(
    plan: Plan, fields: dict[str, Any]
) -> None:
    values = task_store._page_values(TaskQuery(**fields))
    (step,) = plan(task_store._page(frozenset(values)), state="open", limit=51, **values)
    whose = [name for name in ("lead_id", "assignee_key") if name in fields][:1]
    lower = {"due_from": "due_at>?", "after": "(due_at,id)>(?,?)"}
    starts = [name for name in lower if name in fields]
    if len(starts) == 2:
        starts = ["due_from" if fields["after"].at < fields["due_from"] else "after"]
    conditions = [f"{name}=?" for name in (*whose, "state")] + [lower[name] for name in starts]
    if "due_before" in fields:
        conditions.append("due_at<?")
    index = "_".join(("ix_tasks", *whose, "state_due_at_id"))
    assert step == f"SEARCH tasks USING INDEX {index} ({' AND '.join(conditions)})"


def test_tasks_are_counted_in_an_index(plan: Plan) -> None:
    for whose in ({}, {"assignee_key": "mia"}):
        values = {**whose, "due_before": NOON}
        (step,) = plan(task_store._count(frozenset(values)), state="open", **values)
        assert step.startswith("SEARCH tasks USING COVERING INDEX ix_tasks_")


def test_a_claim_reads_only_due_follow_ups_of_its_channel(plan: Plan) -> None:
    parameters_of_query = {
        "channel": "log",
        "now": NOON,
        "owner": "one",
        "until": NOON + timedelta(minutes=1),
        "limit": 32,
    }
    changed, due = plan(follow_up_store._CLAIM, **parameters_of_query)
    conditions = "channel=? AND next_attempt_at>? AND next_attempt_at<?"
    assert due == f"SEARCH follow_ups USING INDEX ix_follow_ups_next_attempt ({conditions})"
    assert "(id=?)" in changed


def test_the_next_due_time_is_found_in_two_steps_per_channel(plan: Plan) -> None:
    steps = plan(follow_up_store._NEXT_ATTEMPTS, now=NOON)
    assert steps == [
        "SEARCH follow_ups USING COVERING INDEX ix_follow_ups_next_attempt",
        "SEARCH follow_ups USING COVERING INDEX ix_follow_ups_next_attempt (channel>?)",
        "SEARCH follow_ups USING INDEX ix_follow_ups_next_attempt (channel=? AND next_attempt_at>?)",
    ]


def test_queue_statistics_read_only_the_index(plan: Plan) -> None:
    (step,) = plan(follow_up_store._BACKLOG, now=NOON)
    assert step == "SCAN follow_ups USING COVERING INDEX ix_follow_ups_next_attempt"


def test_scheduled_follow_ups_of_a_lead_are_found_by_an_index(plan: Plan) -> None:
    (step,) = plan(follow_up_store._SCHEDULED_OF_LEAD, lead_id=an_id(1))
    assert step == "SEARCH follow_ups USING INDEX ix_follow_ups_lead_id_state_due_at_id (lead_id=? AND state=?)"


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (follow_up_store._FAILED, {"since": NOON, "limit": 10}),
        (follow_up_store._FAILED_OF_OWNER, {"since": NOON, "limit": 10, "owner_key": "mia@example.com"}),
        (follow_up_store._COUNT_FAILED, {"since": NOON}),
        (follow_up_store._COUNT_FAILED_OF_OWNER, {"since": NOON, "owner_key": "mia@example.com"}),
        (follow_up_store._OWNERS_OF_FAILED, {"since": NOON}),
    ],
)
def test_recently_failed_follow_ups_have_their_own_index(plan: Plan, statement: Any, values: dict[str, Any]) -> None:
    step, *lookups = plan(statement, **values)
    assert re.fullmatch(
        r"SEARCH follow_ups USING (COVERING )?INDEX ix_follow_ups_failed \(state=\? AND updated_at>\?\)", step
    )
    assert all("sqlite_autoindex_leads_1 (id=?)" in lookup for lookup in lookups if "leads" in lookup)


def test_assignees_with_tasks_due_are_found_in_two_steps_each(plan: Plan) -> None:
    steps = plan(task_store._ASSIGNEES_DUE, before=NOON)
    index = "SEARCH tasks USING COVERING INDEX ix_tasks_assignee_key_state_due_at_id"
    assert steps == [
        index,
        f"{index} (assignee_key>?)",
        "SEARCH tasks USING INDEX ix_tasks_assignee_key_state_due_at_id (assignee_key=? AND state=? AND due_at<?)",
    ]


def test_the_entries_of_a_calendar_are_read_along_indexes(plan: Plan) -> None:
    steps = plan(calendar_store._ENTRIES, owner_key="mia@example.com", due_from=NOON, limit=1_000)
    assert steps == [
        "SEARCH tasks USING INDEX ix_tasks_assignee_key_state_due_at_id (assignee_key=? AND state=? AND due_at>?)",
        "SEARCH leads USING INDEX sqlite_autoindex_leads_1 (id=?)",
        "SEARCH follow_ups USING INDEX ix_follow_ups_state_due_at_id (state=? AND due_at>?)",
        "SEARCH leads USING INDEX sqlite_autoindex_leads_1 (id=?)",
        "SEARCH timeline USING COVERING INDEX ix_timeline_lead_id_seq (lead_id=?)",
        "USE TEMP B-TREE FOR ORDER BY",
    ]


def test_digests_are_claimed_along_their_index(plan: Plan) -> None:
    due = plan(digest_store._CLAIM, now=NOON, owner="one", until=NOON, limit=32)
    assert due[1] == "SEARCH digests USING INDEX ix_digests_next_attempt (next_attempt_at>? AND next_attempt_at<?)"
    (next_attempt,) = plan(digest_store._NEXT_ATTEMPT, now=NOON)
    assert next_attempt == "SEARCH digests USING INDEX ix_digests_next_attempt (next_attempt_at>?)"


def test_idempotency_records_are_found_by_key_lead_and_age(plan: Plan) -> None:
    (found,) = plan(idempotency_store._BY_KEY, caller="a", key="k")
    assert found == "SEARCH idempotency_records USING INDEX sqlite_autoindex_idempotency_records_1 (caller=? AND key=?)"
    (forgotten,) = plan(idempotency_store._ERASE, erased_id=an_id(1))
    assert forgotten == "SEARCH idempotency_records USING INDEX ix_idempotency_records_lead_id (lead_id=?)"
    dropped, old = plan(idempotency_store._DELETE_EXPIRED, before=NOON, limit=10)
    # Newer versions add COVERING.
    assert dropped.endswith(" INDEX sqlite_autoindex_idempotency_records_1 (caller=? AND key=?)")
    assert old == "SEARCH idempotency_records USING INDEX ix_idempotency_records_created_at (created_at<?)"


def test_unsubscribe_tokens_are_found_by_token_and_lead(plan: Plan) -> None:
    by_lead = "SEARCH unsubscribe_tokens USING INDEX sqlite_autoindex_unsubscribe_tokens_1 (lead_id=?)"
    assert by_lead in plan(unsubscribe_token_store._OF_LEADS_ON_SQLITE, ids="[]")
    assert plan(unsubscribe_token_store._ERASE, lead_id=an_id(1)) == [by_lead]
    assert plan(unsubscribe_token_store._LEAD_OF, token="x") == [
        "SEARCH unsubscribe_tokens USING INDEX sqlite_autoindex_unsubscribe_tokens_2 (token=?)"
    ]


def test_the_lead_of_a_person_is_found_by_two_indexes(plan: Plan) -> None:
    steps = plan(lead_store._ID_OF_PERSON, identity="a@example.com")
    assert [step for step in steps if "leads " in step] == [
        "SEARCH leads USING INDEX sqlite_autoindex_leads_2 (identity=?)",
        "SEARCH merged_leads USING INDEX ix_merged_leads_identity (identity=?)",
    ]


def test_enquiries_are_counted_in_their_index(plan: Plan) -> None:
    (step,) = plan(reports._ENQUIRIES)
    assert step == "SCAN timeline USING COVERING INDEX ix_timeline_enquiries"
    steps = plan(reports._by_source("sqlite", 1), won_0="converted", limit=100)
    assert "SCAN timeline USING INDEX ix_timeline_enquiries" in steps


def test_the_feed_is_read_along_its_positions(plan: Plan) -> None:
    (step,) = plan(timelines._IN_FEED, after=1, limit=50)
    assert step == "SEARCH timeline USING INDEX ix_timeline_position (position>?)"


def test_the_end_of_the_feed_is_found_without_reading_it(plan: Plan) -> None:
    (step,) = plan(timelines._LAST_POSITION)
    assert step == "SEARCH timeline USING COVERING INDEX ix_timeline_position (position>?)"


def test_unpublished_entries_have_their_own_index(plan: Plan) -> None:
    (step,) = plan(timelines._FIRST_UNPUBLISHED)
    assert step == "SCAN timeline USING INDEX ix_timeline_unpublished"


def test_publishing_reads_the_index_of_unpublished_entries(plan: Plan) -> None:
    first, *others = plan(timelines._PUBLISH, last_position=1, limit=50)
    assert first == "SCAN timeline USING INDEX ix_timeline_unpublished"
    assert others == ["SEARCH timeline USING INTEGER PRIMARY KEY (rowid=?)"]


INDEX = {
    "created_at": "ix_leads_created_at_id",
    "updated_at": "ix_leads_updated_at_id",
    "name": "ix_leads_name_key_id",
    "next_follow_up_at": "ix_leads_next_follow_up_key_id",
}
RANGES: dict[str, dict[str, Any]] = {
    "created_at": {"created_from": NOON, "created_to": NOON},
    "updated_at": {"updated_from": NOON},
    "name": {},
    "next_follow_up_at": {"due_before": NOON},
}
POSITION = {"after_value": END_OF_TIME, "after_id": an_id(1)}


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize("sort", LeadSort)
def test_a_list_of_leads_is_read_along_the_index_of_its_order(plan: Plan, sort: LeadSort, continued: bool) -> None:
    for filters in ({}, RANGES[sort.field]):
        for others in ({}, {"source": "fair"}):
            list_ = lead_pages._ListShape((*filters, *others), sort, continued)
            parameters_of_query = {**filters, **others, **POSITION, "limit": 51, "stretch": 5_000}
            steps = plan(lead_pages._page_from_stretch(_lead_columns, list_), **parameters_of_query)
            assert f"leads USING INDEX {INDEX[sort.field]}" in steps[0]
            if journal_mode() == "WAL":  # older versions sort the stretch unnecessarily
                assert len(steps) == 1, steps


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize("sort", LeadSort)
def test_a_selective_filter_is_used_before_the_sort_order(plan: Plan, sort: LeadSort, continued: bool) -> None:
    list_ = lead_pages._ListShape(("owner_key",), sort, continued)
    statement = lead_pages._page_from_filters(_lead_columns, list_, None)
    search, *rest = plan(statement, owner_key="a@example.com", **POSITION, limit=51)
    assert search == "SEARCH leads USING INDEX ix_leads_owner_key_created_at_id (owner_key=?)"
    assert rest == ["USE TEMP B-TREE FOR ORDER BY"]


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize("sort", LeadSort)
def test_leads_that_have_opted_out_have_their_own_index(plan: Plan, sort: LeadSort, continued: bool) -> None:
    list_ = lead_pages._ListShape(("is_opted_out",), sort, continued)
    search, _ = plan(lead_pages._page_from_filters(_lead_columns, list_, None), **POSITION, limit=51)
    assert search == "SEARCH leads USING INDEX ix_leads_opted_out (do_not_contact=?)"
    (count,) = plan(lead_pages._count(("is_opted_out",), "sqlite"))
    assert count == "SEARCH leads USING COVERING INDEX ix_leads_opted_out (do_not_contact=?)"


def test_the_end_of_a_stretch_is_found_in_the_index(plan: Plan) -> None:
    for sort in LeadSort:
        (step,) = plan(lead_pages._lead_after_stretch(lead_pages._ListShape((), sort, False)), stretch=5_000)
        assert f"USING COVERING INDEX {INDEX[sort.field]}" in step


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (similar_leads._BY_NAME, "SEARCH leads USING INDEX ix_leads_name_key_id (name_key=?)"),
        (similar_leads._BY_MAILBOX, "SEARCH leads USING INDEX ix_leads_mailbox (mailbox=?)"),
        (similar_leads._by_phone("sqlite"), "SEARCH leads USING INTEGER PRIMARY KEY (rowid=?)"),
    ],
)
def test_similar_leads_are_found_along_an_index(plan: Plan, statement: Any, expected: str) -> None:
    values = {"name_key": "john doe", "mailbox": "john@example.com", "phone": "+1202", "extension": None}
    found, *others = plan(statement, id=an_id(1), limit=100, match='"1202" *', **values)
    assert found == expected
    assert [step for step in others if "distinct_leads" not in step] == []


def test_equal_queries_use_the_same_statement() -> None:
    first, other = (tuple(lead_filters.filters(LeadQuery(source=source))) for source in ("fair", "website"))
    sort = LeadSort.BY_NAME
    assert lead_pages._page_from_stretch(
        _lead_columns, lead_pages._ListShape(first, sort, False)
    ) is lead_pages._page_from_stretch(_lead_columns, lead_pages._ListShape(other, sort, False))


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize(
    ("filters", "index", "conditions"),
    [
        ({}, "received_at_id", []),
        ({"state": "spam"}, "state_received_at_id", ["state=?"]),
        ({"origin": "form:contact", "state": "spam"}, "origin_state_received_at_id", ["origin=?", "state=?"]),
    ],
)
def test_a_list_of_submissions_is_read_along_the_index_of_its_filters(
    plan: Plan, filters: dict[str, Any], index: str, conditions: list[str], continued: bool
) -> None:
    after = {"after_at": NOON, "after_id": an_id(1)} if continued else {}
    statement = submission_store._page(frozenset({*filters, *after}))
    (step,) = plan(statement, limit=51, **filters, **after)
    conditions = [*conditions, *(["(received_at,id)<(?,?)"] if continued else [])]
    how = f"SEARCH submissions USING INDEX ix_submissions_{index} ({' AND '.join(conditions)})"
    assert step == (how if conditions else f"SCAN submissions USING INDEX ix_submissions_{index}")


def test_unprocessed_expired_and_repeated_submissions_are_found_along_an_index(plan: Plan) -> None:
    (unprocessed,) = plan(submission_store._UNPROCESSED, limit=100)
    assert unprocessed.endswith(" INDEX ix_submissions_state_received_at_id (state=?)")
    _, expired = plan(submission_store._DELETE_EXPIRED, before=NOON, limit=100)
    assert expired.endswith(" INDEX ix_submissions_received_at_id (received_at<?)")
    (repeated,) = plan(submission_store._BY_DIGEST, digest="0")
    assert repeated.endswith(" (digest=?)")
    (repeated,) = plan(submission_store._BY_CONTENT_DIGEST, content_digest="0")
    assert repeated.endswith(" (content_digest=?)")
    (of_lead,) = plan(submission_store._ERASE, lead_id=an_id(1))
    assert of_lead.endswith(" INDEX ix_submissions_lead_id (lead_id=?)")
    (waiting,) = plan(submission_store._count(frozenset({"state"})), state="needs_review")
    assert waiting == "SEARCH submissions USING COVERING INDEX ix_submissions_state_received_at_id (state=?)"
