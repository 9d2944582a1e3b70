"""Taking in many leads at once."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application import ACTOR, Application
from builders import NOON, details_input
from databases import memory_database
from leads_adapters.memory.dry_run import MemoryDryRun
from leads_domain.details import DetailsInput
from leads_domain.errors import DuplicateLead, FieldError, ValidationFailed
from leads_domain.events import TimelineEntry
from leads_domain.lead import ImportedState, Lead, LeadId
from leads_domain.paging import LIMIT_MAX, LeadQuery, LeadSort
from leads_domain.use_cases.import_leads import Candidate, ImportResult, ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

LONG_AGO = NOON - timedelta(days=400)
LONG_NEW = ImportedState(status="new", created_at=LONG_AGO)


class ARow(NamedTuple):
    """What a row of a file says."""

    given: DetailsInput
    state: ImportedState | None = None


BAD = ARow(details_input(name="", email="nobody"))


def a_row(email: str, **members: Any) -> ARow:
    """One row of a file."""
    return ARow(details_input(email=email, **members))


def checked(app: Application, rows: Iterable[ARow]) -> list[Candidate]:
    """Those rows that are fit to be taken in."""
    candidates = []
    for row in rows:
        with suppress(ValidationFailed):
            candidates.append(app.import_leads.check(*row))
    return candidates


def take_in(
    app: Application, rows: Sequence[ARow], on_duplicate: OnDuplicate = OnDuplicate.ERROR
) -> list[ImportResult]:
    """Import a batch."""
    return app.database.write(app.import_leads, checked(app, rows), actor=ACTOR, on_duplicate=on_duplicate)


def try_out(
    app: Application, *batches: Sequence[ARow], on_duplicate: OnDuplicate = OnDuplicate.ERROR
) -> list[ImportResult]:
    """Find out what an import of these batches would do."""
    dry_run = MemoryDryRun()
    return [
        imported
        for rows in batches
        for imported in app.database.read(
            app.import_leads, checked(app, rows), actor=ACTOR, on_duplicate=on_duplicate, dry_run=dry_run
        )
    ]


def everybody(app: Application) -> list[Lead]:
    """All leads in the order of their ids."""
    query = LeadQuery(sort=LeadSort.OLDEST_FIRST, limit=LIMIT_MAX)
    return sorted(app.database.read(lambda work: work.leads.page(query)).items, key=lambda lead: lead.id)


def told(outcomes: Sequence[ImportResult]) -> list[str]:
    """What became of each row, in a word."""
    return [outcome.value if isinstance(outcome, Outcome) else type(outcome).__name__ for outcome in outcomes]


def test_every_row_becomes_a_lead_by_the_same_rules_as_a_single_one(app: Application) -> None:
    outcomes = take_in(app, [a_row("a@example.com", name=" Ann "), a_row("b@example.com", attributes={"size": 3})])

    assert outcomes == [Outcome.CREATED, Outcome.CREATED]
    ann, bob = everybody(app)
    assert (ann.name, ann.email.key, ann.status, ann.version) == ("Ann", "a@example.com", "new", 1)
    assert bob.attributes == {"size": 3}
    assert app.event_types(ann) == app.event_types(bob) == ["lead.created"]
    assert app.timeline(ann)[0].actor == ACTOR


def test_a_lead_that_comes_twice_is_taken_in_once(app: Application) -> None:
    outcomes = take_in(app, [a_row("b@example.com"), a_row("a@example.com"), a_row("B@example.com")])

    assert told(outcomes) == ["created", "created", "DuplicateLead"]
    assert [lead.email.key for lead in everybody(app)] == ["b@example.com", "a@example.com"]


def test_a_row_that_is_refused_tells_every_fault(app: Application) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        app.import_leads.check(*BAD)

    assert [fault.pointer for fault in refusal.value.errors] == ["/name", "/email"]


def test_a_row_that_repeats_a_lead_names_the_one_that_is_there(app: Application) -> None:
    there = app.register(email="a@example.com").lead
    first, second, third = take_in(app, [a_row("A@Example.com"), a_row("b@example.com"), a_row("b@example.com")])

    assert isinstance(first, DuplicateLead)
    assert first.existing_id == there.id
    assert second is Outcome.CREATED
    assert isinstance(third, DuplicateLead)
    assert third.existing_id == everybody(app)[1].id


def test_rows_can_bring_leads_up_to_date(app: Application) -> None:
    there = app.register(email="a@example.com").lead
    rows = [
        a_row("a@example.com", name="Ann"),
        a_row("a@example.com", name="Ann"),
        a_row("b@example.com", name="Bob"),
        a_row("b@example.com", name="Bobby"),
    ]

    assert told(take_in(app, rows, OnDuplicate.UPDATE)) == ["updated", "unchanged", "created", "updated"]
    ann, bob = everybody(app)
    assert (ann.id, ann.name, ann.version) == (there.id, "Ann", 2)
    assert (bob.name, bob.version) == ("Bobby", 2)


def test_rows_can_leave_the_leads_that_are_there_alone(app: Application) -> None:
    there = app.register(email="a@example.com").lead

    assert told(take_in(app, [a_row("a@example.com", name="Ann")], OnDuplicate.RETURN)) == ["unchanged"]
    assert everybody(app) == [there]


def test_a_lead_with_a_past_goes_on_where_it_stood(app: Application) -> None:
    state = ImportedState(status="lost", status_reason="No budget", created_at=LONG_AGO, contacted_at=LONG_AGO)
    take_in(app, [ARow(details_input(), state)])

    (lead,) = everybody(app)
    assert (lead.status, lead.status_reason) == ("lost", "No budget")
    assert (lead.created_at, lead.contacted_at, lead.updated_at) == (LONG_AGO, LONG_AGO, NOON)
    assert app.change(lead, "contacted").contacted_at == LONG_AGO


def test_a_past_that_cannot_have_been_is_refused_with_the_rest_of_the_faults(app: Application) -> None:
    state = ImportedState(status="won", status_reason=" ", created_at=LONG_AGO)
    with pytest.raises(ValidationFailed) as refusal:
        app.import_leads.check(details_input(name=""), state)

    assert sorted(fault.pointer for fault in refusal.value.errors) == ["/name", "/status", "/status_reason"]
    assert FieldError("/status_reason", "Must have 1 to 1000 characters, but has 0.") in refusal.value.errors


def test_a_lead_whose_time_of_creation_is_missing_is_not_younger_than_its_first_contact(app: Application) -> None:
    take_in(app, [ARow(details_input(), ImportedState(contacted_at=LONG_AGO))])

    (lead,) = everybody(app)
    assert (lead.created_at, lead.contacted_at, lead.updated_at) == (LONG_AGO, LONG_AGO, NOON)


@pytest.mark.parametrize("written", ["lost", "Lost", "LOST"])
def test_a_status_in_any_case_is_set_and_needs_no_reason(app: Application, written: str) -> None:
    take_in(app, [ARow(details_input(), ImportedState(status=written))])

    (lead,) = everybody(app)
    assert (lead.status, lead.status_reason, lead.created_at) == ("lost", None, NOON)


def test_a_status_that_the_pipeline_does_not_have_becomes_an_attribute_and_is_counted(app: Application) -> None:
    given = details_input(attributes={"size": 3})
    candidate = app.import_leads.check(given, ImportedState(status="Hot", status_attribute="Lead Status"))
    app.database.write(app.import_leads, [candidate], actor=ACTOR)
    summary = ImportSummary()
    for _ in range(2):
        summary.count(Outcome.CREATED, candidate)

    (lead,) = everybody(app)
    assert (lead.status, lead.attributes) == ("new", {"size": 3, "Lead Status": "Hot"})
    assert summary == ImportSummary(created=2, statuses_unknown=2, unknown_statuses=["Hot"])


def test_an_unknown_status_leaves_the_attributes_of_an_existing_lead_as_they_are(app: Application) -> None:
    app.register(attributes={"city": "Bonn"})
    candidate = app.import_leads.check(details_input(), ImportedState(status="Hot", status_attribute="status"))
    app.database.write(app.import_leads, [candidate], actor=ACTOR, on_duplicate=OnDuplicate.UPDATE)

    assert everybody(app)[0].attributes == {"city": "Bonn", "status": "Hot"}


def test_a_summary_names_some_unknown_statuses_shortened() -> None:
    summary = ImportSummary()
    for number in range(20):
        summary.count(Outcome.CREATED, Candidate({}, None, f"{number:02}{'x' * 5000}"))

    assert summary.statuses_unknown == 20
    assert summary.unknown_statuses == [f"{number:02}{'x' * 48}" for number in range(10)]


@pytest.mark.parametrize("merge", [False, True])
def test_an_update_leaves_other_attributes_as_they_are_if_it_is_to_merge_them(app: Application, merge: bool) -> None:
    app.register(attributes={"size": 3, "city": "Bonn"})
    candidate = app.import_leads.check(details_input(attributes={"size": "4"}), merge_attributes=merge)
    for dry_run in (MemoryDryRun(), None):
        outcomes = app.database.write(
            app.import_leads, [candidate], actor=ACTOR, on_duplicate=OnDuplicate.UPDATE, dry_run=dry_run
        )
        assert outcomes == [Outcome.UPDATED]

    assert everybody(app)[0].attributes == ({"size": "4", "city": "Bonn"} if merge else {"size": "4"})


def test_a_row_that_would_give_a_lead_too_many_attributes_is_refused_alone(app: Application) -> None:
    app.register(attributes={f"a{number}": 1 for number in range(50)})
    candidates = [
        app.import_leads.check(details_input(attributes={"b": 1}), merge_attributes=True),
        app.import_leads.check(details_input(email="a@example.com")),
    ]
    for dry_run in (MemoryDryRun(), None):
        refused, created = app.database.write(
            app.import_leads, candidates, actor=ACTOR, on_duplicate=OnDuplicate.UPDATE, dry_run=dry_run
        )
        assert isinstance(refused, ValidationFailed)
        assert [fault.pointer for fault in refused.errors] == ["/attributes"]
        assert created is Outcome.CREATED


def test_the_past_of_a_lead_that_is_there_already_stays_its_own(app: Application) -> None:
    there = app.register().lead
    state = ImportedState(status="lost", status_reason="No budget", created_at=LONG_AGO)
    outcomes = take_in(app, [ARow(details_input(name="Johnny"), state)], OnDuplicate.UPDATE)

    assert told(outcomes) == ["updated"]
    assert everybody(app) == [replace(there, name="Johnny", version=2)]


def test_a_dry_run_stores_nothing(app: Application) -> None:
    there = app.register(email="a@example.com").lead
    rows = [a_row("a@example.com", name="Ann"), a_row("b@example.com")]

    for on_duplicate in OnDuplicate:
        try_out(app, rows, on_duplicate=on_duplicate)
    assert everybody(app) == [there]
    assert app.event_types(there) == ["lead.created"]


def test_a_dry_run_remembers_what_earlier_batches_would_have_added(app: Application) -> None:
    outcomes = try_out(app, [a_row("a@example.com")], [a_row("A@example.com"), a_row("b@example.com")])

    assert told(outcomes) == ["created", "DuplicateLead", "created"]


ROWS = st.builds(
    lambda email, name, state: ARow(cast(DetailsInput, {"email": email, "name": name}), LONG_NEW if state else None),
    st.sampled_from(["a@example.com", "A@example.com", "b@example.com", "c@example.com", "nobody"]),
    st.sampled_from(["Ann", "Bob", ""]),
    st.booleans(),
)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
@given(before=st.lists(ROWS, max_size=3), batches=st.lists(st.lists(ROWS, max_size=4), max_size=3))
def test_a_dry_run_reports_what_the_import_then_does(
    on_duplicate: OnDuplicate, before: list[ARow], batches: list[list[ARow]]
) -> None:
    with memory_database(Path()) as database:
        app = Application(database)
        take_in(app, before)
        tried = try_out(app, *batches, on_duplicate=on_duplicate)
        imported = [outcome for rows in batches for outcome in take_in(app, rows, on_duplicate)]

    assert told(tried) == told(imported)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
@given(before=st.lists(ROWS, max_size=3), rows=st.lists(ROWS, max_size=6))
def test_rows_come_to_the_same_together_as_one_by_one(
    on_duplicate: OnDuplicate, before: list[ARow], rows: list[ARow]
) -> None:
    with memory_database(Path()) as one, memory_database(Path()) as other:
        together, one_by_one = Application(one), Application(other)
        for app in (together, one_by_one):
            take_in(app, before)
        outcomes = take_in(together, rows, on_duplicate)

        assert told(outcomes) == told([each for row in rows for each in take_in(one_by_one, [row], on_duplicate)])
        assert history(together) == history(one_by_one)


def history(app: Application) -> list[tuple[Lead, list[TimelineEntry]]]:
    """All leads and what happened to each, without ids."""
    return [
        (
            replace(lead, id=LeadId("")),
            [replace(entry, id="", lead_id=LeadId("")) for entry in app.timeline(lead)],
        )
        for lead in everybody(app)
    ]


def test_a_summary_counts_what_became_of_the_rows() -> None:
    summary = ImportSummary()
    for imported in (
        *Outcome,
        Outcome.CREATED,
        DuplicateLead("x"),
        DuplicateLead(None),
        ValidationFailed.because("no"),
    ):
        summary.count(imported)

    assert summary == ImportSummary(created=2, updated=1, unchanged=1, duplicates=2, refused=1)
    assert summary.accepted == 6


def test_a_summary_counts_what_became_of_statuses() -> None:
    summary = ImportSummary()
    candidate = Candidate({}, LONG_NEW)
    for imported in (*Outcome, DuplicateLead("x")):
        summary.count(imported, candidate)

    assert (summary.statuses_set, summary.statuses_kept) == (1, 2)
