"""Making one lead of two."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, a_rule, an_email, an_id
from databases import DATABASES, USE_CASE_STORES
from leads_domain.errors import Merged, NotFound, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead

HOUR = timedelta(hours=1)


@pytest.fixture
def john(app: Application) -> Lead:
    """The lead that survives."""
    return app.register().lead


@pytest.fixture
def jon(app: Application, john: Lead) -> Lead:
    """The same person, taken in again under another address."""
    return app.register(name="Jon Do", email="jon@example.com", source="fair").lead


@pytest.fixture(params=USE_CASE_STORES)
def strict_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """An application where new leads are followed up by rule."""
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database, [a_rule()])


def test_the_survivor_has_what_it_lacked_in_its_next_version(app: Application, john: Lead, jon: Lead) -> None:
    now = app.clock.advance(HOUR)
    assert app.merge(john, jon) == replace(john, source="fair", version=2, updated_at=now)
    assert app.lead(john) == replace(john, source="fair", version=2, updated_at=now)


def test_the_story_of_both_is_told_in_its_order(app: Application, john: Lead, jon: Lead) -> None:
    app.note(jon, "Called.")
    app.note(john, "Wrote.")
    app.merge(john, jon)
    app.note(john, "One and the same.")
    told = ["lead.created"] * 2 + ["lead.note_added"] * 2 + ["lead.merged", "lead.updated", "lead.note_added"]
    assert app.event_types(john) == told
    assert {entry.lead_id for entry in app.timeline(john)} == {john.id}
    merged = next(entry for entry in app.timeline(john) if entry.type == "lead.merged")
    assert (merged.actor, merged.data["duplicate_id"]) == (ACTOR, jon.id)


def test_the_id_of_the_duplicate_tells_where_it_went_whatever_is_asked_of_it(
    app: Application, john: Lead, jon: Lead
) -> None:
    app.merge(john, jon)
    for ask in (
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
            ask(jon)
        assert (merged.value.id, merged.value.into) == (jon.id, john.id)


def test_the_address_of_the_duplicate_is_free(app: Application, john: Lead, jon: Lead) -> None:
    app.merge(john, jon)
    assert app.register(email="jon@example.com").lead.id not in (john.id, jon.id)


def test_follow_ups_in_every_state_move_over(app: Application, john: Lead, jon: Lead) -> None:
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


def test_what_rules_have_scheduled_for_the_duplicate_is_cancelled(strict_app: Application) -> None:
    app = strict_app
    john, jon = app.register().lead, app.register(email="jon@example.com").lead
    (of_john,) = app.follow_ups(john)
    asked_for = app.trigger(jon, due_at=NOON + 48 * HOUR)
    lead = app.merge(john, jon)

    assert [each.id for each in app.follow_ups(john) if _open(each)] == [of_john.id, asked_for.id]
    assert lead.next_follow_up_at == of_john.due_at
    assert app.event_types(john)[-1] == "follow_up.cancelled"


def _open(follow_up: FollowUp) -> bool:
    return follow_up.state is FollowUpState.SCHEDULED


def test_a_closed_survivor_is_owed_nothing_of_the_duplicate(app: Application, john: Lead, jon: Lead) -> None:
    app.change(john, "lost", status_reason="No budget")
    own = app.trigger(john, due_at=NOON + 2 * HOUR)
    app.trigger(jon, due_at=NOON + HOUR)
    lead = app.merge(john, jon)

    assert [each.id for each in app.follow_ups(john) if _open(each)] == [own.id]
    assert (lead.status, lead.next_follow_up_at) == ("lost", own.due_at)
    assert app.event_types(john)[-1] == "follow_up.cancelled"


def test_what_is_under_way_for_the_duplicate_is_recorded_of_the_survivor(
    app: Application, john: Lead, jon: Lead
) -> None:
    app.trigger(jon)
    (claimed,) = app.claim()
    app.merge(john, jon)

    assert app.record(claimed)
    assert app.follow_ups(john)[0].state is FollowUpState.SENT
    assert app.lead(john).next_follow_up_at is None
    assert app.event_types(john)[-1] == "follow_up.sent"


def test_a_notice_goes_to_the_survivor_once_they_are_merged(app: Application, john: Lead, jon: Lead) -> None:
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
    story = app.event_types(john)
    app.clock.advance(HOUR)
    assert app.merge(john, jon) == merged
    assert app.event_types(john) == story


@pytest.mark.parametrize("inner_first", [True, False])
def test_a_chain_of_merges_redirects_to_the_last_target(
    app: Application, john: Lead, jon: Lead, inner_first: bool
) -> None:
    johnny = app.register(email="johnny@example.com").lead
    merges = [(jon, johnny), (john, jon)]
    for survivor, duplicate in merges if inner_first else [(john, jon), (john, johnny)]:
        app.merge(survivor, duplicate)
    for each in (jon, johnny):
        with pytest.raises(Merged) as merged:
            app.lead(each)
        assert merged.value.into == john.id
    assert app.personal_data(john).merged_ids == sorted([jon.id, johnny.id])
    assert app.merge(john, johnny).version == app.lead(john).version
    assert sorted(app.event_types(john)).count("lead.created") == 3


def test_no_lead_is_merged_into_itself(app: Application, john: Lead) -> None:
    assert _refused(app, john, john) == "/duplicate_id: A lead cannot be merged into itself."


def test_a_duplicate_that_is_not_there_cannot_be_merged(app: Application, john: Lead) -> None:
    nobody = a_lead(id=an_id(9))
    assert _refused(app, john, nobody) == f"/duplicate_id: No lead has the id {an_id(9)}."


def test_a_duplicate_that_is_a_part_of_another_lead_is_not_merged_away_from_it(
    app: Application, john: Lead, jon: Lead
) -> None:
    jane = app.register(email="jane@example.com").lead
    app.merge(jane, jon)
    expected = f"/duplicate_id: The lead {jon.id} was merged into the lead {jane.id}."
    assert _refused(app, john, jon) == expected
    assert app.lead(john) == john


def test_nothing_is_merged_into_nobody(app: Application, john: Lead) -> None:
    with pytest.raises(NotFound) as missing:
        app.merge(a_lead(id=an_id(9)), john)
    assert (missing.value.id, type(missing.value)) == (an_id(9), NotFound)
    assert app.lead(john) == john


def _refused(app: Application, lead: Lead, duplicate: Lead) -> str:
    with pytest.raises(ValidationFailed) as refusal:
        app.merge(lead, duplicate)
    return str(refusal.value)


def test_the_address_may_move_on_to_the_survivor(app: Application, john: Lead, jon: Lead) -> None:
    app.merge(john, jon)
    assert app.change(john, email="jon@example.com").email == an_email("jon@example.com")
