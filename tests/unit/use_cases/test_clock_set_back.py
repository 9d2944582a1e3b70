"""Test that no time that people see goes backwards, whatever the clock does."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from application import Application
from builders import NOON, details_input
from databases import DATABASES
from leads_domain.access import Role
from leads_domain.follow_up import FollowUp
from leads_domain.lead import ImportedState, Lead
from leads_domain.notifier import NotificationError
from leads_domain.paging import LeadQuery
from leads_domain.use_cases.register_lead import OnDuplicate

HOUR = timedelta(hours=1)

_numbers = count()

STEPS: dict[str, Callable[[Application, Lead], object]] = {
    "note": lambda app, lead: app.note(lead, "Called."),
    "rename": lambda app, lead: app.change(lead, name=f"Name {next(_numbers)}"),
    "contact": lambda app, lead: app.lead(lead).status == "new" and app.change(lead, "contacted"),
    "lose": lambda app, lead: app.lead(lead).status != "lost" and app.change(lead, "lost", status_reason="No budget"),
    "enquire": lambda app, lead: app.enquire(email=str(lead.email), message="Hello?"),
    "trigger": lambda app, lead: app.trigger(lead),
    "send": lambda app, _: [app.record(claimed) for claimed in app.claim()],
    "fail": lambda app, _: [app.record(claimed, NotificationError("busy")) for claimed in app.claim()],
    "cancel": lambda app, lead: [app.cancel(each) for each in app.follow_ups(lead) if each.state == "scheduled"],
    "update": lambda app, lead: app.register(
        email=str(lead.email), name=f"Name {next(_numbers)}", on_duplicate=OnDuplicate.UPDATE
    ),
}
"""What people and the service do with a lead."""


def is_in_order(follow_up: FollowUp) -> bool:
    """Return whether a follow-up was created, sent and changed in this order."""
    return follow_up.created_at <= (follow_up.sent_at or follow_up.created_at) <= follow_up.updated_at


@given(st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(-3, 3)), max_size=12))
def test_nothing_that_happens_to_a_lead_happens_before_the_last_thing(steps: list[tuple[str, int]]) -> None:
    with DATABASES["memory"](Path()) as database:
        app = Application(database)
        lead = app.register().lead
        versions = [lead]
        follow_ups: dict[str, FollowUp] = {}
        for name, hours in steps:
            app.clock.advance(hours * HOUR)
            STEPS[name](app, lead)
            versions.append(app.lead(lead))
            for each in app.follow_ups(lead):
                assert each.updated_at >= follow_ups.get(each.id, each).updated_at
                follow_ups[each.id] = each
        times = [entry.at for entry in reversed(app.timeline(lead))]
    assert times == sorted(times)
    assert all(before.updated_at <= after.updated_at for before, after in pairwise(versions))
    assert all(each.created_at <= (each.contacted_at or each.updated_at) <= each.updated_at for each in versions)
    assert all(map(is_in_order, follow_ups.values()))


def test_the_note_in_the_response_is_the_stored_one(app: Application) -> None:
    lead = app.register().lead
    app.clock.advance(-HOUR)
    note = app.note(lead, "Called.")
    assert note == app.timeline(lead)[0]
    assert note.at == NOON


def test_a_follow_up_is_due_by_the_clock_as_it_is_now(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(-24 * HOUR)
    follow_up = app.trigger(lead)
    assert follow_up.due_at == now
    assert app.timeline(lead)[0].at == NOON
    assert len(app.claim()) == 1


def test_a_lead_of_a_file_is_no_older_than_its_last_change(app: Application) -> None:
    state = ImportedState(created_at=NOON + HOUR)
    candidate = app.import_leads.check(details_input(), state)
    app.database.write(app.import_leads, [candidate], actor="file")
    [lead] = app.database.read(lambda work: work.leads.page(LeadQuery())).items
    assert lead.updated_at == lead.created_at == NOON + HOUR


def test_a_key_is_not_revoked_before_its_last_use(app: Application) -> None:
    key, _ = app.database.write(app.create_key, name="Ann", role=Role.READ)
    app.database.write(lambda work: work.api_keys.record_use({key.id: NOON + HOUR}))
    app.clock.advance(-HOUR)
    app.database.write(app.revoke_key, key.id)
    assert app.database.read(lambda work: work.api_keys.get(key.id)).revoked_at == NOON + HOUR


def test_an_equal_form_counts_again_after_the_clock_was_set_back(app: Application) -> None:
    first = app.receive()
    app.clock.advance(-24 * HOUR)
    second = app.receive()
    assert second.id != first.id
    app.clock.advance(timedelta(minutes=-1))
    assert app.receive().id == second.id
