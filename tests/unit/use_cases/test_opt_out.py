"""Test that a person who has opted out gets no messages, and that colleagues still do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_follow_up, a_lead, a_phone, a_rule, a_task_rule
from databases import DATABASES, USE_CASE_STORES
from leads_domain.delivery import send
from leads_domain.errors import DoNotContact
from leads_domain.follow_up import FollowUp, Recipient
from leads_domain.lead import Lead, OptOutWay
from leads_domain.notifier import Refused
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.dispatch_follow_ups import OPTED_OUT
from leads_domain.use_cases.opt_out import opt_out
from leads_domain.use_cases.register_lead import OnDuplicate

HOUR = timedelta(hours=1)
OWNER = "mia@example.com"
RULES = [
    a_rule("new", "To the lead."),
    a_rule("new", "To John.", recipient="John@Example.com"),
    a_rule("new", "To the owner.", recipient=Recipient.OWNER),
    a_rule("new", "To sales.", recipient="sales@example.com"),
    a_task_rule("new", "Call {name}"),
    a_rule("contacted", "Have you decided?"),
]
TO_COLLEAGUES = ["Call John Doe", "To sales.", "To the owner."]


@pytest.fixture(params=USE_CASE_STORES)
def with_rules(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Return an application with rules, on each database."""
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database, RULES)


def scheduled(app: Application, lead: Lead) -> list[str]:
    """Return the messages of the scheduled follow-ups of a lead."""
    return sorted(each.message for each in app.follow_ups(lead) if each.state == "scheduled")


def add(work: UnitOfWork, lead: Lead, follow_up: FollowUp) -> None:
    """Store a lead and its follow-up."""
    work.leads.add(lead)
    work.follow_ups.add(follow_up)


def opt_out_by(app: Application, lead: Lead, way: OptOutWay) -> Lead:
    """Opt a lead out in another way than by a request."""

    def run(work: UnitOfWork) -> Lead:
        before = work.leads.get_for_update(lead.id)
        changed, events = opt_out(work, before, way, NOON)
        if events:
            changed = changed.revised(NOON)
            work.leads.save(changed)
            add_events(work, lead.id, events, now=NOON, actor=ACTOR, ids=app.ids)
        return changed

    return app.database.write(run)


def test_opting_out_cancels_the_messages_to_the_lead_and_no_others(with_rules: Application) -> None:
    app = with_rules
    lead = app.register(owner=OWNER).lead
    app.trigger(lead, due_at=NOON + HOUR, message="Shall we talk?")
    changed = app.change(app.lead(lead), do_not_contact=True)

    assert changed == replace(app.lead(lead), do_not_contact=True)
    assert scheduled(app, lead) == TO_COLLEAGUES
    assert changed.next_follow_up_at == NOON + 24 * HOUR
    cancelled = ["follow_up.cancelled"] * 3
    assert app.event_types(lead)[-4:] == ["lead.opted_out", *cancelled]
    assert [each.data for each in app.timeline(lead) if each.type == "lead.opted_out"] == [{"way": "api"}]


def test_the_way_of_opting_out_is_on_the_timeline_once(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    changed = opt_out_by(app, lead, OptOutWay.LINK)
    assert (changed.do_not_contact, changed.next_follow_up_at) == (True, None)
    assert app.follow_up(follow_up).state == "cancelled"
    assert opt_out_by(app, lead, OptOutWay.REPLY) == changed == app.lead(lead)
    assert app.change(lead, do_not_contact=True) == changed
    assert app.event_types(lead)[-2:] == ["lead.opted_out", "follow_up.cancelled"]
    assert app.timeline(lead)[1].data == {"way": "link"}


def test_opting_in_again_permits_new_messages_and_is_on_the_timeline(app: Application) -> None:
    lead = app.register(do_not_contact=True).lead
    assert app.event_types(lead) == ["lead.created", "lead.opted_out"]
    changed = app.change(lead, do_not_contact=False)
    assert changed == replace(lead, do_not_contact=False, version=2) == app.lead(lead)
    assert [each.data for each in app.timeline(lead) if each.type == "lead.opted_in"] == [{"way": "api"}]
    assert app.change(lead, do_not_contact=False) == changed
    assert app.trigger(lead).state == "scheduled"


def test_a_change_of_the_status_schedules_messages_as_the_same_change_permits(with_rules: Application) -> None:
    app = with_rules
    lead = app.change(app.register(do_not_contact=True).lead, "contacted", do_not_contact=False)
    assert scheduled(app, lead) == ["Call John Doe", "Have you decided?"]
    assert scheduled(app, app.change(lead, "lost", status_reason="x", do_not_contact=True)) == ["Call John Doe"]
    assert scheduled(app, app.change(lead, "contacted")) == ["Call John Doe"]


def test_rules_schedule_no_message_to_a_lead_that_has_opted_out(with_rules: Application) -> None:
    app = with_rules
    lead = app.register(owner=OWNER, do_not_contact=True).lead
    assert scheduled(app, lead) == TO_COLLEAGUES
    assert len(app.follow_ups(lead)) == len(TO_COLLEAGUES)


def test_a_client_can_message_the_owner_and_remind_of_tasks_but_not_message_the_lead(app: Application) -> None:
    lead = app.register(owner=OWNER, do_not_contact=True).lead
    for values in ({}, {"recipient": Recipient.LEAD}, {"channel": "sms"}):
        with pytest.raises(DoNotContact):
            app.trigger(lead, **values)
    assert app.lead(lead) == lead
    app.trigger(lead, recipient=Recipient.OWNER, message="Write a letter.")
    app.create_task(lead, assignee=lead.email and lead.email.address)
    assert scheduled(app, lead) == ["John Doe: Call about the quote", "Write a letter."]
    assert [each.refusal for each in app.claim()] == [None, None]


def test_a_failed_message_cannot_be_retried_after_opting_out(app: Application) -> None:
    lead = app.register(owner=OWNER).lead
    to_lead, to_owner = app.trigger(lead), app.trigger(lead, recipient=Recipient.OWNER)
    for claimed in app.claim():
        app.record(claimed, Refused("Unknown."))
    app.change(lead, do_not_contact=True)
    with pytest.raises(DoNotContact):
        app.retry(to_lead)
    assert app.follow_up(to_lead).state == "failed"
    assert app.retry(to_owner).state == "scheduled"


STRAY: list[FollowUp] = [
    a_follow_up(),
    a_follow_up(recipient="JOHN@example.com"),
    a_follow_up(recipient="+12025550123", channel="sms"),
]


@pytest.mark.parametrize("stray", STRAY, ids=lambda each: each.recipient)
def test_a_claimed_message_to_a_lead_that_has_opted_out_fails_unsent(app: Application, stray: FollowUp) -> None:
    """Claim a message that should not be there: an older process or a change of the address can leave one."""
    app.database.write(add, a_lead(phone=a_phone(), do_not_contact=True), stray)
    for changes in ({"due_at": NOON + HOUR}, {"message": "Hello"}):
        with pytest.raises(DoNotContact):
            app.reschedule(stray, **changes)
    (claimed,) = app.claim()
    assert claimed.refusal == OPTED_OUT
    assert app.record(claimed, send(claimed, {}))
    stored = app.follow_up(stray)
    assert (stored.state, stored.last_error) == ("failed", OPTED_OUT)


def test_a_stray_message_can_be_cancelled(app: Application) -> None:
    app.database.write(add, a_lead(do_not_contact=True), a_follow_up())
    assert app.cancel(a_follow_up()).state == "cancelled"


def test_an_attempt_that_had_begun_is_not_recorded_after_opting_out(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    (claimed,) = app.claim()
    app.change(lead, do_not_contact=True)
    assert app.record(claimed) is False
    app.clock.advance(HOUR)
    assert app.claim() == []


def test_an_update_of_a_duplicate_can_opt_out_but_not_in(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    for do_not_contact in (False, "no", True, "no", False):
        lead = app.register(do_not_contact=do_not_contact, on_duplicate=OnDuplicate.UPDATE).lead
    assert (lead.do_not_contact, lead.version, lead.next_follow_up_at) == (True, 3, None)
    assert app.event_types(lead)[2:] == ["lead.opted_out", "follow_up.cancelled"]
    assert app.register(do_not_contact=False, on_duplicate=OnDuplicate.RETURN).lead == lead == app.lead(lead)


@pytest.mark.parametrize("opted_out", [(True, False), (False, True), (True, True)])
def test_a_merge_cancels_the_messages_of_both_if_one_has_opted_out(
    app: Application, opted_out: tuple[bool, bool]
) -> None:
    target, duplicate = (app.register(email=f"{each}@example.com", owner=OWNER).lead for each in "ab")
    for lead, is_out in zip((target, duplicate), opted_out, strict=True):
        for recipient in Recipient:
            app.trigger(lead, recipient=recipient)
        app.change(lead, do_not_contact=is_out)
    merged = app.merge(target, duplicate)
    assert merged == app.lead(target)
    assert merged.do_not_contact is True
    assert [each.recipient for each in app.follow_ups(merged) if each.state == "scheduled"] == [Recipient.OWNER] * 2
    assert app.event_types(merged).count("lead.opted_out") == 1 + (opted_out != (True, False))


def test_an_enquiry_neither_opts_in_nor_out(with_rules: Application) -> None:
    app = with_rules
    lead = app.register(do_not_contact=True).lead
    result = app.enquire(email="john@example.com", do_not_contact=False)
    assert result.lead.do_not_contact is True
    assert result.enquiry.data["differs"] == {}
    other = app.register(email="jane@example.com").lead
    result = app.enquire(email="jane@example.com", do_not_contact=True)
    assert result.lead.do_not_contact is False
    assert result.enquiry.data["differs"] == {"do_not_contact": True}
    assert "To the lead." in scheduled(app, other)
    assert app.lead(lead).do_not_contact is True
    assert app.enquire(email="new@example.com", do_not_contact=True).lead.do_not_contact is True
