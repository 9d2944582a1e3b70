"""Test the merge of two leads."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, a_rule, a_task, an_email, an_id
from databases import DATABASES, USE_CASE_STORES
from leads_domain.errors import Merged, NotFound, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead
from leads_domain.task import TaskId
from leads_domain.use_cases.merge_leads import check_merge

HOUR = timedelta(hours=1)


@pytest.fixture
def john(app: Application) -> Lead:
    """Return the target of the merge."""
    return app.register().lead


@pytest.fixture
def jon(app: Application, john: Lead) -> Lead:
    """Return a duplicate of the same person with another e-mail address."""
    return app.register(name="Jon Do", email="jon@example.com", source="fair").lead


@pytest.fixture(params=USE_CASE_STORES)
def app_with_rule(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Return an application with a rule for new leads."""
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database, [a_rule()])


def test_empty_fields_of_the_target_are_filled_in_its_next_version(app: Application, john: Lead, jon: Lead) -> None:
    now = app.clock.advance(HOUR)
    assert app.merge(john, jon) == replace(john, source="fair", version=2, updated_at=now)
    assert app.lead(john) == replace(john, source="fair", version=2, updated_at=now)


def test_the_timelines_of_both_are_merged_in_order(app: Application, john: Lead, jon: Lead) -> None:
    app.note(jon, "Called.")
    app.note(john, "Wrote.")
    app.merge(john, jon)
    app.note(john, "One and the same.")
    expected = ["lead.created"] * 2 + ["lead.note_added"] * 2 + ["lead.merged", "lead.updated", "lead.note_added"]
    assert app.event_types(john) == expected
    assert {entry.lead_id for entry in app.timeline(john)} == {john.id}
    merged = next(entry for entry in app.timeline(john) if entry.type == "lead.merged")
    assert (merged.actor, merged.data["duplicate_id"]) == (ACTOR, jon.id)


def test_every_use_case_reports_the_target_for_the_id_of_the_duplicate(app: Application, john: Lead, jon: Lead) -> None:
    app.merge(john, jon)
    for use_case in (
        app.lead,
        app.change,
        app.trigger,
        app.follow_ups,
        app.timeline,
        app.erase,
        app.personal_data,
        lambda lead: app.note(lead, "Who?"),
        lambda lead: app.merge(lead, a_lead(id=an_id(9))),
    ):
        with pytest.raises(Merged) as merged:
            use_case(jon)
        assert (merged.value.id, merged.value.into) == (jon.id, john.id)


def test_the_email_address_of_the_duplicate_is_available(app: Application, john: Lead, jon: Lead) -> None:
    app.merge(john, jon)
    assert app.register(email="jon@example.com").lead.id not in (john.id, jon.id)


def test_follow_ups_in_every_state_move_to_the_target(app: Application, john: Lead, jon: Lead) -> None:
    sent = app.trigger(jon)
    app.record(app.claim()[0])
    cancelled = app.cancel(app.trigger(jon, due_at=NOON + HOUR))
    scheduled = app.trigger(jon, due_at=NOON + 2 * HOUR)
    own = app.trigger(john, due_at=NOON + 3 * HOUR)
    lead = app.merge(john, jon)

    found = app.follow_ups(john)
    assert [each.id for each in found] == [sent.id, cancelled.id, scheduled.id, own.id]
    assert [each.state.value for each in found] == ["sent", "cancelled", "scheduled", "scheduled"]
    assert {each.lead_id for each in found} == {john.id}
    assert lead.next_follow_up_at == scheduled.due_at


def test_tasks_in_every_state_move_to_the_target(app: Application, john: Lead, jon: Lead) -> None:
    own, open, done, cancelled = (
        a_task(id=TaskId(an_id(number)), lead_id=lead.id, due_at=NOON + number * HOUR)
        for number, lead in enumerate((john, jon, jon, jon))
    )
    tasks = [own, open, done.complete("They buy.", NOON)[0], cancelled.cancel(NOON)[0]]
    for task in tasks:
        app.database.write(lambda work, each: work.tasks.add(each), task)
    app.merge(john, jon)

    assert app.tasks(john) == [replace(task, lead_id=john.id) for task in tasks]


def test_follow_ups_of_rules_for_the_duplicate_are_cancelled(app_with_rule: Application) -> None:
    app = app_with_rule
    john, jon = app.register().lead, app.register(email="jon@example.com").lead
    (by_rule,) = app.follow_ups(john)
    requested = app.trigger(jon, due_at=NOON + 48 * HOUR)
    lead = app.merge(john, jon)

    assert [each.id for each in app.follow_ups(john) if _is_scheduled(each)] == [by_rule.id, requested.id]
    assert lead.next_follow_up_at == by_rule.due_at
    assert app.event_types(john)[-1] == "follow_up.cancelled"


def _is_scheduled(follow_up: FollowUp) -> bool:
    return follow_up.state is FollowUpState.SCHEDULED


def test_a_closed_target_cancels_the_follow_ups_of_the_duplicate(app: Application, john: Lead, jon: Lead) -> None:
    app.change(john, "lost", status_reason="No budget")
    own = app.trigger(john, due_at=NOON + 2 * HOUR)
    app.trigger(jon, due_at=NOON + HOUR)
    lead = app.merge(john, jon)

    assert [each.id for each in app.follow_ups(john) if _is_scheduled(each)] == [own.id]
    assert (lead.status, lead.next_follow_up_at) == ("lost", own.due_at)
    assert app.event_types(john)[-1] == "follow_up.cancelled"


def test_the_outcome_of_an_attempt_for_the_duplicate_is_recorded_for_the_target(
    app: Application, john: Lead, jon: Lead
) -> None:
    app.trigger(jon)
    (claimed,) = app.claim()
    app.merge(john, jon)

    assert app.record(claimed)
    assert app.follow_ups(john)[0].state is FollowUpState.SENT
    assert app.lead(john).next_follow_up_at is None
    assert app.event_types(john)[-1] == "follow_up.sent"


def test_a_notice_of_the_duplicate_is_sent_to_the_target(app: Application, john: Lead, jon: Lead) -> None:
    app.trigger(jon)
    app.merge(john, jon)
    (claimed,) = app.claim()
    assert (claimed.notice.lead_id, claimed.notice.email) == (john.id, "john@example.com")


def test_a_follow_up_that_moved_can_still_be_changed(app: Application, john: Lead, jon: Lead) -> None:
    follow_up = app.trigger(jon, due_at=NOON + HOUR)
    app.merge(john, jon)
    app.cancel(follow_up)
    assert app.lead(john).next_follow_up_at is None


def test_repeating_a_merge_has_no_effect(app: Application, john: Lead, jon: Lead) -> None:
    merged = app.merge(john, jon)
    event_types = app.event_types(john)
    app.clock.advance(HOUR)
    assert app.merge(john, jon) == merged
    assert app.event_types(john) == event_types


@pytest.mark.parametrize("inner_first", [True, False])
def test_a_chain_of_merges_redirects_to_the_last_target(
    app: Application, john: Lead, jon: Lead, inner_first: bool
) -> None:
    johnny = app.register(email="johnny@example.com").lead
    merges = [(jon, johnny), (john, jon)]
    for target, duplicate in merges if inner_first else [(john, jon), (john, johnny)]:
        app.merge(target, duplicate)
    for each in (jon, johnny):
        with pytest.raises(Merged) as merged:
            app.lead(each)
        assert merged.value.into == john.id
    assert app.personal_data(john).merged_ids == sorted([jon.id, johnny.id])
    assert app.merge(john, johnny).version == app.lead(john).version
    assert sorted(app.event_types(john)).count("lead.created") == 3


def test_a_lead_cannot_be_merged_into_itself(app: Application, john: Lead) -> None:
    with pytest.raises(ValidationFailed, match=r"^/duplicate_id: This field is required"):
        check_merge({})
    assert _error_of(app, john, john) == "/duplicate_id: A lead cannot be merged into itself."


def test_an_unknown_duplicate_cannot_be_merged(app: Application, john: Lead) -> None:
    unknown = a_lead(id=an_id(9))
    assert _error_of(app, john, unknown) == f"/duplicate_id: No lead has the id {an_id(9)}."


def test_a_duplicate_that_was_merged_into_another_lead_is_refused(app: Application, john: Lead, jon: Lead) -> None:
    jane = app.register(email="jane@example.com").lead
    app.merge(jane, jon)
    expected = f"/duplicate_id: The lead {jon.id} was merged into the lead {jane.id}."
    assert _error_of(app, john, jon) == expected
    assert app.lead(john) == john


def test_an_unknown_target_is_not_found(app: Application, john: Lead) -> None:
    with pytest.raises(NotFound) as missing:
        app.merge(a_lead(id=an_id(9)), john)
    assert (missing.value.id, type(missing.value)) == (an_id(9), NotFound)
    assert app.lead(john) == john


def _error_of(app: Application, lead: Lead, duplicate: Lead) -> str:
    with pytest.raises(ValidationFailed) as caught:
        app.merge(lead, duplicate)
    return str(caught.value)


def test_the_target_can_take_the_email_address_of_the_duplicate(app: Application, john: Lead, jon: Lead) -> None:
    app.merge(john, jon)
    assert app.change(john, email="jon@example.com").email == an_email("jon@example.com")


def test_a_lead_with_a_phone_number_takes_the_email_address_of_the_duplicate(app: Application, john: Lead) -> None:
    caller = app.register(email=None, phone="+12025550123").lead
    merged = app.merge(caller, john)
    assert (merged.identity, merged.phone) == (john.identity, caller.phone)
    assert app.lead(caller) == merged
    assert app.register(email=None, phone="+12025550123").outcome == "created"


def test_nothing_of_other_leads_is_moved_or_cancelled(app_with_rule: Application) -> None:
    app = app_with_rule
    other = app.register(email="jane@example.com").lead
    app.trigger(other, due_at=NOON)
    app.process(app.receive(content={"email": "jane@example.com"}))
    before = app.personal_data(other)
    john, jon = app.register().lead, app.register(email="jon@example.com").lead
    merged = app.merge(john, jon)

    assert app.personal_data(other) == before
    assert (len([*before.follow_ups]), len([*before.submissions])) == (2, 1)
    assert merged.next_follow_up_at == john.next_follow_up_at != NOON


def test_the_merge_and_its_cancellations_have_the_time_of_the_merge(app: Application, john: Lead, jon: Lead) -> None:
    for hours in (2, 3):
        app.trigger(jon, due_at=NOON + hours * HOUR)
    app.change(john, "lost", status_reason="No budget")
    now = app.clock.advance(HOUR)
    app.merge(john, jon)

    entries = [entry for entry in reversed(app.timeline(john)) if entry.at == now]
    expected = ["lead.merged", "lead.updated", "follow_up.cancelled", "follow_up.cancelled"]
    assert [entry.type.value for entry in entries] == expected
    assert {entry.actor for entry in entries} == {ACTOR}
    assert [(each.state, each.updated_at) for each in app.follow_ups(john)] == [(FollowUpState.CANCELLED, now)] * 2
