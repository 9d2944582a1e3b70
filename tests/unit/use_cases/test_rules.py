"""Test the follow-ups that rules schedule when a lead enters a status, and cancel when it leaves the status."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_rule, details_input
from databases import DATABASES, USE_CASE_STORES
from fakes import RecordingNotifier
from leads_adapters.memory.dry_run import MemoryDryRun
from leads_domain.delivery import send
from leads_domain.errors import DuplicateLead
from leads_domain.follow_up import FollowUpState, Recipient
from leads_domain.lead import ImportedState, Lead
from leads_domain.notifier import Address
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RULES = [
    a_rule("new", "{name} waits.", after=DAY),
    a_rule("new", "{name} waits and waits.", after=3 * DAY),
    a_rule("contacted", "Ask {name} again.", after=2 * DAY, recipient=Recipient.OWNER),
    a_rule("lost", "Is {name} still lost?", after=90 * DAY),
    a_rule("converted", "Send {name} an offer.", after=DAY, recipient="sales@example.com"),
    a_rule("converted", "Call {name}.", after=DAY, recipient="+4930123456", channel="sms"),
]


@pytest.fixture(params=USE_CASE_STORES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Return an application with rules, on each database."""
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database, RULES)


def states(app: Application, lead: Lead) -> list[tuple[str, str]]:
    """Return message and state of the follow-ups of a lead, by due time."""
    return [(follow_up.message, follow_up.state.value) for follow_up in app.follow_ups(lead)]


def test_a_new_lead_triggers_the_rules_of_the_initial_status(app: Application) -> None:
    lead = app.register().lead

    assert states(app, lead) == [("John Doe waits.", "scheduled"), ("John Doe waits and waits.", "scheduled")]
    assert [follow_up.due_at for follow_up in app.follow_ups(lead)] == [NOON + DAY, NOON + 3 * DAY]
    assert {follow_up.rule_status for follow_up in app.follow_ups(lead)} == {"new"}
    assert (lead.version, lead.next_follow_up_at) == (1, NOON + DAY)
    assert app.lead(lead) == lead
    assert app.event_types(lead) == ["lead.created", "follow_up.scheduled", "follow_up.scheduled"]
    assert {entry.actor for entry in app.timeline(lead)} == {ACTOR}


def test_a_follow_up_of_a_rule_is_sent_when_due(app: Application) -> None:
    lead = app.register().lead
    assert app.claim() == []
    app.clock.advance(DAY)
    (claimed,) = app.claim()
    app.record(claimed)

    assert claimed.notice.message == "John Doe waits."
    assert app.lead(lead).next_follow_up_at == NOON + 3 * DAY
    assert states(app, lead)[0] == ("John Doe waits.", "sent")


def test_a_transition_cancels_the_follow_ups_of_the_old_status_and_schedules_new_ones(app: Application) -> None:
    lead = app.register(owner="ann@example.com").lead
    now = app.clock.advance(HOUR)
    contacted = app.change(lead, "contacted")

    assert states(app, lead) == [
        ("John Doe waits.", "cancelled"),
        ("Ask John Doe again.", "scheduled"),
        ("John Doe waits and waits.", "cancelled"),
    ]
    assert (contacted.version, contacted.next_follow_up_at) == (2, now + 2 * DAY)
    assert app.lead(lead) == contacted
    assert app.event_types(lead)[3:] == [
        "lead.status_changed",
        "follow_up.cancelled",
        "follow_up.cancelled",
        "follow_up.scheduled",
    ]
    assert app.change(lead, "qualified").next_follow_up_at is None
    assert {follow_up.state for follow_up in app.follow_ups(lead)} == {FollowUpState.CANCELLED}


def test_a_requested_follow_up_stays_after_a_transition(app: Application) -> None:
    lead = app.register().lead
    requested = app.trigger(lead, due_at=NOON + 2 * DAY)

    assert app.change(lead, "contacted").next_follow_up_at == NOON + 2 * DAY
    assert app.follow_up(requested) == requested


def test_a_transition_cancels_a_follow_up_during_an_attempt(app: Application) -> None:
    lead = app.register().lead
    app.clock.advance(DAY)
    (claimed,) = app.claim()
    app.change(lead, "contacted")

    assert not app.record(claimed)
    assert states(app, lead)[0] == ("John Doe waits.", "cancelled")


def test_a_transition_does_not_change_a_sent_follow_up(app: Application) -> None:
    lead = app.register().lead
    app.clock.advance(DAY)
    app.record(app.claim()[0])
    app.change(lead, "contacted")

    assert states(app, lead) == [
        ("John Doe waits.", "sent"),
        ("John Doe waits and waits.", "cancelled"),
        ("Ask John Doe again.", "scheduled"),
    ]


def test_a_closed_status_can_have_rules(app: Application) -> None:
    lead = app.register().lead
    requested = app.trigger(lead, due_at=NOON + DAY)
    lost = app.change(lead, "lost", status_reason="No budget")

    assert lost.next_follow_up_at == NOON + 90 * DAY
    assert app.follow_up(requested).state is FollowUpState.CANCELLED
    app.change(lead, "contacted")
    assert ("Is John Doe still lost?", "cancelled") in states(app, lead)


def test_a_status_that_is_entered_again_triggers_its_rules_again(app: Application) -> None:
    lead = app.register(owner="ann@example.com").lead
    for status in ("contacted", "lost", "contacted"):
        app.change(lead, status, **({"status_reason": "No budget"} if status == "lost" else {}))

    follow_up_states = [state for message, state in states(app, lead) if message == "Ask John Doe again."]
    assert follow_up_states == ["cancelled", "scheduled"]


def test_a_change_without_a_transition_schedules_and_cancels_nothing(app: Application) -> None:
    lead = app.register().lead
    before = app.follow_ups(lead)
    changed = app.change(lead, "new", name="Jane Roe", owner="ann@example.com")

    assert changed.next_follow_up_at == NOON + DAY
    assert app.follow_ups(lead) == before


def test_a_rule_uses_the_fields_after_the_change(app: Application) -> None:
    lead = app.register().lead
    app.change(lead, "contacted", name="Jane Roe", owner="ann@example.com")

    assert ("Ask Jane Roe again.", "scheduled") in states(app, lead)


def test_a_follow_up_to_the_owner_goes_to_the_owner_at_the_due_time(app: Application) -> None:
    lead = app.register().lead
    app.change(lead, "contacted")
    app.change(lead, owner="ann@example.com")
    app.clock.advance(2 * DAY)
    (claimed,) = app.claim()

    assert (claimed.notice.email, claimed.notice.message) == ("ann@example.com", "Ask John Doe again.")


def test_a_follow_up_to_an_address_goes_to_that_address(app: Application) -> None:
    lead = app.register(phone="+12025550123").lead
    for status in ("contacted", "qualified", "converted"):
        app.change(lead, status)
    app.clock.advance(DAY)
    mail, call = app.claim("log", "sms")

    assert (mail.notice.name, mail.notice.email, mail.notice.phone) == ("sales@example.com", "sales@example.com", None)
    assert (call.notice.name, call.notice.email, call.notice.phone) == ("+4930123456", None, "+4930123456")
    assert app.timeline(lead)[0].data["recipient"] == "+4930123456"
    for claimed in (mail, call):
        sms = RecordingNotifier(needs=Address.PHONE)
        assert send(claimed, {"log": RecordingNotifier(), "sms": sms}) is None
        assert app.record(claimed)


def test_a_follow_up_to_a_missing_owner_fails_when_it_is_due(app: Application) -> None:
    lead = app.register().lead
    app.change(lead, "contacted")
    app.clock.advance(2 * DAY)
    (claimed,) = app.claim()
    log = RecordingNotifier()
    app.record(claimed, send(claimed, {"log": log}))

    (failed,) = [each for each in app.follow_ups(lead) if each.state is FollowUpState.FAILED]
    assert (failed.message, failed.last_error) == ("Ask John Doe again.", "The lead has no owner.")
    assert log.notices == []
    assert app.event_types(lead)[-2:] == ["follow_up.attempt_failed", "follow_up.failed"]

    app.change(lead, owner="ann@example.com")
    app.retry(failed)
    (retried,) = app.claim()
    assert send(retried, {"log": log}) is None
    assert [notice.email for notice in log.accepted] == ["ann@example.com"]


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_a_duplicate_triggers_no_rules(app: Application, on_duplicate: OnDuplicate) -> None:
    lead = app.register().lead
    before = app.follow_ups(lead)
    if on_duplicate is OnDuplicate.ERROR:
        with pytest.raises(DuplicateLead):
            app.register(name="Johnny")
    else:
        app.register(name="Johnny", on_duplicate=on_duplicate)

    assert app.follow_ups(lead) == before
    assert app.lead(lead).next_follow_up_at == NOON + DAY


def test_a_refused_transition_schedules_and_cancels_nothing(app: Application) -> None:
    app.register(email="jane@example.com")
    lead = app.register(owner="ann@example.com").lead
    before = app.follow_ups(lead)
    with pytest.raises(DuplicateLead):
        app.change(lead, "contacted", email="jane@example.com")

    assert app.follow_ups(lead) == before
    assert app.lead(lead) == lead


@pytest.mark.parametrize("rules", [False, True])
def test_imported_leads_trigger_rules_only_on_request(app: Application, rules: bool) -> None:
    check = app.import_leads.check
    rows = [
        check(details_input(email="a@example.com")),
        check(details_input(email="b@example.com"), ImportedState(status="Converted")),
        check(details_input(email="A@example.com")),
    ]
    *stored, _ = app.database.write(app.import_leads, rows, actor=ACTOR, rules=rules)
    assert stored == [Outcome.CREATED] * 2
    new, converted = app.database.read(lambda work: work.leads.page(LeadQuery(sort=LeadSort.OLDEST_FIRST))).items

    assert len(app.follow_ups(new)) == (2 if rules else 0)
    assert new.next_follow_up_at == (NOON + DAY if rules else None)
    assert (converted.status, len(app.follow_ups(converted))) == ("converted", 2 if rules else 0)


def test_a_dry_run_triggers_no_rules(app: Application) -> None:
    candidates = [app.import_leads.check(details_input(), None)]
    app.database.read(app.import_leads, candidates, actor=ACTOR, dry_run=MemoryDryRun())
    assert app.database.read(lambda work: work.follow_ups.next_attempts(NOON)) == {}


def test_follow_ups_of_removed_rules_are_cancelled(app: Application) -> None:
    lead = app.register().lead
    without_rules = Application(app.database)
    without_rules.change_lead = replace(without_rules.change_lead, ids=app.ids)

    assert without_rules.change(lead, "contacted").next_follow_up_at is None
    assert {follow_up.state for follow_up in app.follow_ups(lead)} == {FollowUpState.CANCELLED}
