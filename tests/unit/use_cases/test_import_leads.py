"""Test the import of leads in batches."""

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
from leads_domain.use_cases.import_leads import Candidate, ImportResult
from leads_domain.use_cases.import_summary import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

LONG_AGO = NOON - timedelta(days=400)
CREATED_LONG_AGO = ImportedState(status="new", created_at=LONG_AGO)


class ARow(NamedTuple):
    """The values and the state in a row of a file."""

    values: DetailsInput
    state: ImportedState | None = None


INVALID_ROW = ARow(details_input(name="", email="nobody"))


def a_row(email: str, **fields: Any) -> ARow:
    """Return a row of a file."""
    return ARow(details_input(email=email, **fields))


def candidates_of(app: Application, rows: Iterable[ARow]) -> list[Candidate]:
    """Return the candidates of the valid rows."""
    candidates = []
    for row in rows:
        with suppress(ValidationFailed):
            candidates.append(app.import_leads.check(*row))
    return candidates


def import_rows(
    app: Application, rows: Sequence[ARow], on_duplicate: OnDuplicate = OnDuplicate.ERROR
) -> list[ImportResult]:
    """Import a batch."""
    return app.database.write(app.import_leads, candidates_of(app, rows), actor=ACTOR, on_duplicate=on_duplicate)


def dry_run_of(
    app: Application, *batches: Sequence[ARow], on_duplicate: OnDuplicate = OnDuplicate.ERROR
) -> list[ImportResult]:
    """Return the results of a dry run of these batches."""
    dry_run = MemoryDryRun()
    return [
        imported
        for rows in batches
        for imported in app.database.read(
            app.import_leads, candidates_of(app, rows), actor=ACTOR, on_duplicate=on_duplicate, dry_run=dry_run
        )
    ]


def all_leads(app: Application) -> list[Lead]:
    """Return all leads by id."""
    query = LeadQuery(sort=LeadSort.OLDEST_FIRST, limit=LIMIT_MAX)
    return sorted(app.database.read(lambda work: work.leads.page(query)).items, key=lambda lead: lead.id)


def names_of(outcomes: Sequence[ImportResult]) -> list[str]:
    """Return each outcome as text."""
    return [outcome.value if isinstance(outcome, Outcome) else type(outcome).__name__ for outcome in outcomes]


def test_every_row_becomes_a_lead_by_the_rules_of_a_registration(app: Application) -> None:
    outcomes = import_rows(app, [a_row("a@example.com", name=" Ann "), a_row("b@example.com", attributes={"size": 3})])

    assert outcomes == [Outcome.CREATED, Outcome.CREATED]
    ann, bob = all_leads(app)
    assert (ann.name, ann.identity, ann.status, ann.version) == ("Ann", "a@example.com", "new", 1)
    assert bob.attributes == {"size": 3}
    assert app.event_types(ann) == app.event_types(bob) == ["lead.created"]
    assert app.timeline(ann)[0].actor == ACTOR


def test_the_timeline_shows_actor_and_time_of_an_import(app: Application) -> None:
    rows = [a_row("a@example.com", name="Ann"), a_row("a@example.com", name="Anna")]
    now = app.clock.advance(timedelta(hours=1))
    import_rows(app, rows, OnDuplicate.UPDATE)
    (lead,) = all_leads(app)
    assert [(entry.type.value, entry.at, entry.actor) for entry in app.timeline(lead)] == [
        ("lead.updated", now, ACTOR),
        ("lead.created", now, ACTOR),
    ]
    assert (lead.created_at, lead.updated_at) == (now, now)


def test_a_wrong_value_refuses_the_row_unless_the_import_is_lenient(app: Application) -> None:
    values = details_input(phone="ask later")
    with pytest.raises(ValidationFailed):
        app.import_leads.check(values)
    candidate = app.import_leads.check(values, lenient=True)
    assert (candidate.details["attributes"], candidate.warnings) == ({"phone_as_given": "ask later"}, 1)


def test_a_name_with_a_line_break_refuses_the_row_unless_the_import_is_lenient(app: Application) -> None:
    values = details_input(name="Ada\nLovelace")
    with pytest.raises(ValidationFailed):
        app.import_leads.check(values)
    assert app.import_leads.check(values, lenient=True).details["name"] == "Ada Lovelace"


def test_a_wrong_owner_never_refuses_the_row(app: Application) -> None:
    candidate = app.import_leads.check(details_input(owner="Dana"))
    assert (candidate.details["attributes"], candidate.warnings) == ({"owner_as_given": "Dana"}, 1)


def test_the_warnings_of_the_file_the_status_and_the_values_are_summed(app: Application) -> None:
    values = details_input(phone="ask later", attributes={f"a{number}": 1 for number in range(50)})
    state = ImportedState(status="Hot", status_attribute="status")
    assert app.import_leads.check(values, state, lenient=True, warnings=3).warnings == 6
    del values["phone"]
    assert app.import_leads.check(values, state, warnings=3).warnings == 4
    assert app.import_leads.check(values, warnings=3).warnings == 3


def test_attributes_are_replaced_by_default_and_merged_if_the_row_has_none(app: Application) -> None:
    assert not app.import_leads.check(details_input(attributes={"size": 3})).merge_attributes
    assert app.import_leads.check(details_input()).merge_attributes


def test_a_duplicate_row_is_not_imported(app: Application) -> None:
    outcomes = import_rows(app, [a_row("b@example.com"), a_row("a@example.com"), a_row("B@example.com")])

    assert names_of(outcomes) == ["created", "created", "DuplicateLead"]
    assert [lead.identity for lead in all_leads(app)] == ["b@example.com", "a@example.com"]


def test_a_refused_row_has_all_errors(app: Application) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.import_leads.check(*INVALID_ROW)

    assert [error.pointer for error in caught.value.errors] == ["/name", "/email"]


def test_a_duplicate_row_names_the_existing_lead(app: Application) -> None:
    existing = app.register(email="a@example.com").lead
    first, second, third = import_rows(app, [a_row("A@Example.com"), a_row("b@example.com"), a_row("b@example.com")])

    assert isinstance(first, DuplicateLead)
    assert first.existing_id == existing.id
    assert second is Outcome.CREATED
    assert isinstance(third, DuplicateLead)
    assert third.existing_id == all_leads(app)[1].id


def test_rows_can_update_existing_leads(app: Application) -> None:
    existing = app.register(email="a@example.com").lead
    rows = [
        a_row("a@example.com", name="Ann"),
        a_row("a@example.com", name="Ann"),
        a_row("b@example.com", name="Bob"),
        a_row("b@example.com", name="Bobby"),
    ]

    assert names_of(import_rows(app, rows, OnDuplicate.UPDATE)) == ["updated", "unchanged", "created", "updated"]
    ann, bob = all_leads(app)
    assert (ann.id, ann.name, ann.version) == (existing.id, "Ann", 2)
    assert (bob.name, bob.version) == ("Bobby", 2)


def test_rows_can_leave_existing_leads_unchanged(app: Application) -> None:
    existing = app.register(email="a@example.com").lead

    assert names_of(import_rows(app, [a_row("a@example.com", name="Ann")], OnDuplicate.RETURN)) == ["unchanged"]
    assert all_leads(app) == [existing]


def test_a_lead_is_created_with_its_imported_state(app: Application) -> None:
    state = ImportedState(status="lost", status_reason="No budget", created_at=LONG_AGO, contacted_at=LONG_AGO)
    import_rows(app, [ARow(details_input(), state)])

    (lead,) = all_leads(app)
    assert (lead.status, lead.status_reason) == ("lost", "No budget")
    assert (lead.created_at, lead.contacted_at, lead.updated_at) == (LONG_AGO, LONG_AGO, NOON)
    assert app.change(lead, "contacted").contacted_at == LONG_AGO


def test_an_invalid_imported_state_is_refused_together_with_other_errors(app: Application) -> None:
    state = ImportedState(status="won", status_reason=" ", created_at=LONG_AGO)
    with pytest.raises(ValidationFailed) as caught:
        app.import_leads.check(details_input(name=""), state)

    assert sorted(error.pointer for error in caught.value.errors) == ["/name", "/status", "/status_reason"]
    assert FieldError("/status_reason", "Must have 1 to 1000 characters, but has 0.") in caught.value.errors


def test_without_a_creation_time_a_lead_is_created_at_its_first_contact(app: Application) -> None:
    import_rows(app, [ARow(details_input(), ImportedState(contacted_at=LONG_AGO))])

    (lead,) = all_leads(app)
    assert (lead.created_at, lead.contacted_at, lead.updated_at) == (LONG_AGO, LONG_AGO, NOON)


@pytest.mark.parametrize("status", ["lost", "Lost", "LOST"])
def test_an_imported_status_has_any_case_and_needs_no_reason(app: Application, status: str) -> None:
    import_rows(app, [ARow(details_input(), ImportedState(status=status))])

    (lead,) = all_leads(app)
    assert (lead.status, lead.status_reason, lead.created_at) == ("lost", None, NOON)


def test_an_unknown_status_becomes_an_attribute_and_is_counted(app: Application) -> None:
    values = details_input(attributes={"size": 3})
    candidate = app.import_leads.check(values, ImportedState(status="Hot", status_attribute="Lead Status"))
    app.database.write(app.import_leads, [candidate], actor=ACTOR)
    summary = ImportSummary()
    for _ in range(2):
        summary.count(Outcome.CREATED, candidate)

    (lead,) = all_leads(app)
    assert (lead.status, lead.attributes) == ("new", {"size": 3, "Lead Status": "Hot"})
    assert summary == ImportSummary(created=2, statuses_unknown=2, unknown_statuses=["Hot"])


def test_an_unknown_status_does_not_replace_other_attributes_of_an_existing_lead(app: Application) -> None:
    app.register(attributes={"city": "Bonn"})
    candidate = app.import_leads.check(details_input(), ImportedState(status="Hot", status_attribute="status"))
    app.database.write(app.import_leads, [candidate], actor=ACTOR, on_duplicate=OnDuplicate.UPDATE)

    assert all_leads(app)[0].attributes == {"city": "Bonn", "status": "Hot"}


def test_a_summary_lists_some_unknown_statuses_truncated() -> None:
    summary = ImportSummary()
    for number in range(20):
        summary.count(Outcome.CREATED, Candidate({}, None, f"{number:02}{'x' * 5000}"))

    assert summary.statuses_unknown == 20
    assert summary.unknown_statuses == [f"{number:02}{'x' * 48}" for number in range(10)]


@pytest.mark.parametrize("merge", [False, True])
def test_an_update_merges_or_replaces_attributes(app: Application, merge: bool) -> None:
    app.register(attributes={"size": 3, "city": "Bonn"})
    candidate = app.import_leads.check(details_input(attributes={"size": "4"}), merge_attributes=merge)
    for dry_run in (MemoryDryRun(), None):
        outcomes = app.database.write(
            app.import_leads, [candidate], actor=ACTOR, on_duplicate=OnDuplicate.UPDATE, dry_run=dry_run
        )
        assert outcomes == [Outcome.UPDATED]

    assert all_leads(app)[0].attributes == ({"size": "4", "city": "Bonn"} if merge else {"size": "4"})


def test_only_the_row_that_adds_too_many_attributes_is_refused(app: Application) -> None:
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
        assert [error.pointer for error in refused.errors] == ["/attributes"]
        assert created is Outcome.CREATED


def test_an_imported_state_does_not_change_an_existing_lead(app: Application) -> None:
    existing = app.register().lead
    state = ImportedState(status="lost", status_reason="No budget", created_at=LONG_AGO)
    outcomes = import_rows(app, [ARow(details_input(name="Johnny"), state)], OnDuplicate.UPDATE)

    assert names_of(outcomes) == ["updated"]
    assert all_leads(app) == [replace(existing, name="Johnny", version=2)]


def test_a_dry_run_stores_nothing(app: Application) -> None:
    existing = app.register(email="a@example.com").lead
    rows = [a_row("a@example.com", name="Ann"), a_row("b@example.com")]

    for on_duplicate in OnDuplicate:
        dry_run_of(app, rows, on_duplicate=on_duplicate)
    assert all_leads(app) == [existing]
    assert app.event_types(existing) == ["lead.created"]


def test_a_dry_run_knows_the_leads_of_earlier_batches(app: Application) -> None:
    outcomes = dry_run_of(app, [a_row("a@example.com")], [a_row("A@example.com"), a_row("b@example.com")])

    assert names_of(outcomes) == ["created", "DuplicateLead", "created"]


def test_a_dry_run_knows_leads_by_their_phone_numbers_and_keeps_their_state(app: Application) -> None:
    stored = app.register(email=None, phone="+12025550100").lead
    caller = ARow(details_input(email=None, phone="+12025550123"), ImportedState(status="lost", created_at=LONG_AGO))
    known = ARow(details_input(email=None, phone="+12025550100"))
    dry_run = MemoryDryRun()
    candidates = candidates_of(app, [caller, caller, known])
    results = app.database.read(app.import_leads, candidates, actor=ACTOR, dry_run=dry_run)

    assert names_of(results) == ["created", "DuplicateLead", "DuplicateLead"]
    assert [each.existing_id for each in results if isinstance(each, DuplicateLead)] == [None, stored.id]
    planned = dry_run.find("+12025550123")
    assert planned is not None
    assert (planned.status, planned.created_at) == ("lost", LONG_AGO)


ROWS = st.builds(
    lambda email, name, state: ARow(
        cast(DetailsInput, {"email": email, "name": name}), CREATED_LONG_AGO if state else None
    ),
    st.sampled_from(["a@example.com", "A@example.com", "b@example.com", "c@example.com", "nobody"]),
    st.sampled_from(["Ann", "Bob", ""]),
    st.booleans(),
)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
@given(before=st.lists(ROWS, max_size=3), batches=st.lists(st.lists(ROWS, max_size=4), max_size=3))
def test_a_dry_run_reports_the_results_of_the_import(
    on_duplicate: OnDuplicate, before: list[ARow], batches: list[list[ARow]]
) -> None:
    with memory_database(Path()) as database:
        app = Application(database)
        import_rows(app, before)
        expected = dry_run_of(app, *batches, on_duplicate=on_duplicate)
        imported = [outcome for rows in batches for outcome in import_rows(app, rows, on_duplicate)]

    assert names_of(expected) == names_of(imported)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
@given(before=st.lists(ROWS, max_size=3), rows=st.lists(ROWS, max_size=6))
def test_a_batch_has_the_same_results_as_single_rows(
    on_duplicate: OnDuplicate, before: list[ARow], rows: list[ARow]
) -> None:
    with memory_database(Path()) as one, memory_database(Path()) as other:
        together, one_by_one = Application(one), Application(other)
        for app in (together, one_by_one):
            import_rows(app, before)
        outcomes = import_rows(together, rows, on_duplicate)

        assert names_of(outcomes) == names_of(
            [each for row in rows for each in import_rows(one_by_one, [row], on_duplicate)]
        )
        assert history(together) == history(one_by_one)


def history(app: Application) -> list[tuple[Lead, list[TimelineEntry]]]:
    """Return all leads and their timelines, without ids."""
    return [
        (
            replace(lead, id=LeadId("")),
            [replace(entry, id="", lead_id=LeadId("")) for entry in app.timeline(lead)],
        )
        for lead in all_leads(app)
    ]


def test_a_summary_counts_the_results_of_rows() -> None:
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


def test_a_summary_counts_the_statuses_that_were_set_or_kept() -> None:
    summary = ImportSummary()
    candidate = Candidate({}, CREATED_LONG_AGO)
    for imported in (*Outcome, DuplicateLead("x")):
        summary.count(imported, candidate)

    assert (summary.statuses_set, summary.statuses_kept) == (1, 2)
