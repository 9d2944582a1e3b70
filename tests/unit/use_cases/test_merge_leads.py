"""Making one lead of two."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import NOON, a_lead, a_rule, an_email, an_id
from databases import DATABASES, USE_CASE_STORES
from desk import ACTOR, Desk
from leads_domain.errors import Merged, NotFound, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead

HOUR = timedelta(hours=1)


@pytest.fixture
def john(desk: Desk) -> Lead:
    """The lead that survives."""
    return desk.register().lead


@pytest.fixture
def jon(desk: Desk, john: Lead) -> Lead:
    """The same person, taken in again under another address."""
    return desk.register(name="Jon Do", email="jon@example.com", source="fair").lead


@pytest.fixture(params=USE_CASE_STORES)
def strict_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk where new leads are followed up by rule."""
    with DATABASES[request.param](tmp_path) as database:
        yield Desk(database, [a_rule()])


def test_the_survivor_has_what_it_lacked_in_its_next_version(desk: Desk, john: Lead, jon: Lead) -> None:
    now = desk.clock.advance(HOUR)
    assert desk.merge(john, jon) == replace(john, source="fair", version=2, updated_at=now)
    assert desk.lead(john) == replace(john, source="fair", version=2, updated_at=now)


def test_the_story_of_both_is_told_in_its_order(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.note(jon, "Called.")
    desk.note(john, "Wrote.")
    desk.merge(john, jon)
    desk.note(john, "One and the same.")
    told = ["lead.created"] * 2 + ["lead.note_added"] * 2 + ["lead.merged", "lead.updated", "lead.note_added"]
    assert desk.story(john) == told
    assert {entry.lead_id for entry in desk.timeline(john)} == {john.id}
    merged = next(entry for entry in desk.timeline(john) if entry.type == "lead.merged")
    assert (merged.actor, merged.data["duplicate_id"]) == (ACTOR, jon.id)


def test_the_id_of_the_duplicate_tells_where_it_went_whatever_is_asked_of_it(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.merge(john, jon)
    for ask in (
        desk.lead,
        desk.change,
        desk.trigger,
        desk.follow_ups,
        desk.timeline,
        desk.erase,
        desk.personal_data,
        lambda lead: desk.note(lead, "Who?"),
        lambda lead: desk.merge(lead, a_lead(id=an_id(9))),
    ):
        with pytest.raises(Merged) as merged:
            ask(jon)
        assert (merged.value.id, merged.value.into) == (jon.id, john.id)


def test_the_address_of_the_duplicate_is_free(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.merge(john, jon)
    assert desk.register(email="jon@example.com").lead.id not in (john.id, jon.id)


def test_follow_ups_in_every_state_move_over(desk: Desk, john: Lead, jon: Lead) -> None:
    sent = desk.trigger(jon)
    desk.record(desk.claim()[0])
    cancelled = desk.cancel(desk.trigger(jon, due_at=NOON + HOUR))
    scheduled = desk.trigger(jon, due_at=NOON + 2 * HOUR)
    own = desk.trigger(john, due_at=NOON + 3 * HOUR)
    lead = desk.merge(john, jon)

    found = desk.follow_ups(john)
    assert [each.id for each in found] == [sent.id, cancelled.id, scheduled.id, own.id]
    assert [each.state.value for each in found] == ["sent", "cancelled", "scheduled", "scheduled"]
    assert {each.lead_id for each in found} == {john.id}
    assert lead.next_follow_up_at == scheduled.due_at


def test_what_rules_have_scheduled_for_the_duplicate_is_cancelled(strict_desk: Desk) -> None:
    desk = strict_desk
    john, jon = desk.register().lead, desk.register(email="jon@example.com").lead
    (of_john,) = desk.follow_ups(john)
    asked_for = desk.trigger(jon, due_at=NOON + 48 * HOUR)
    lead = desk.merge(john, jon)

    assert [each.id for each in desk.follow_ups(john) if _open(each)] == [of_john.id, asked_for.id]
    assert lead.next_follow_up_at == of_john.due_at
    assert desk.story(john)[-1] == "follow_up.cancelled"


def _open(follow_up: FollowUp) -> bool:
    return follow_up.state is FollowUpState.SCHEDULED


def test_a_closed_survivor_is_owed_nothing_of_the_duplicate(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.change(john, "lost", status_reason="No budget")
    own = desk.trigger(john, due_at=NOON + 2 * HOUR)
    desk.trigger(jon, due_at=NOON + HOUR)
    lead = desk.merge(john, jon)

    assert [each.id for each in desk.follow_ups(john) if _open(each)] == [own.id]
    assert (lead.status, lead.next_follow_up_at) == ("lost", own.due_at)
    assert desk.story(john)[-1] == "follow_up.cancelled"


def test_what_is_under_way_for_the_duplicate_is_recorded_of_the_survivor(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.trigger(jon)
    (claimed,) = desk.claim()
    desk.merge(john, jon)

    assert desk.record(claimed)
    assert desk.follow_ups(john)[0].state is FollowUpState.SENT
    assert desk.lead(john).next_follow_up_at is None
    assert desk.story(john)[-1] == "follow_up.sent"


def test_a_notice_goes_to_the_survivor_once_they_are_merged(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.trigger(jon)
    desk.merge(john, jon)
    (claimed,) = desk.claim()
    assert (claimed.notice.lead_id, claimed.notice.email) == (john.id, "john@example.com")


def test_a_follow_up_that_moved_can_still_be_changed(desk: Desk, john: Lead, jon: Lead) -> None:
    follow_up = desk.trigger(jon, due_at=NOON + HOUR)
    desk.merge(john, jon)
    desk.cancel(follow_up)
    assert desk.lead(john).next_follow_up_at is None


def test_to_merge_again_changes_nothing(desk: Desk, john: Lead, jon: Lead) -> None:
    merged = desk.merge(john, jon)
    story = desk.story(john)
    desk.clock.advance(HOUR)
    assert desk.merge(john, jon) == merged
    assert desk.story(john) == story


@pytest.mark.parametrize("inner_first", [True, False])
def test_in_a_chain_every_id_leads_to_the_last(desk: Desk, john: Lead, jon: Lead, inner_first: bool) -> None:
    johnny = desk.register(email="johnny@example.com").lead
    merges = [(jon, johnny), (john, jon)]
    for survivor, duplicate in merges if inner_first else [(john, jon), (john, johnny)]:
        desk.merge(survivor, duplicate)
    for each in (jon, johnny):
        with pytest.raises(Merged) as merged:
            desk.lead(each)
        assert merged.value.into == john.id
    assert desk.personal_data(john).merged_ids == sorted([jon.id, johnny.id])
    assert desk.merge(john, johnny).version == desk.lead(john).version
    assert sorted(desk.story(john)).count("lead.created") == 3


def test_no_lead_is_merged_into_itself(desk: Desk, john: Lead) -> None:
    assert _refused(desk, john, john) == "/duplicate_id: A lead cannot be merged into itself."


def test_a_duplicate_that_is_not_there_cannot_be_merged(desk: Desk, john: Lead) -> None:
    nobody = a_lead(id=an_id(9))
    assert _refused(desk, john, nobody) == f"/duplicate_id: There is no lead with the id {an_id(9)}."


def test_a_duplicate_that_is_a_part_of_another_lead_is_not_merged_away_from_it(
    desk: Desk, john: Lead, jon: Lead
) -> None:
    jane = desk.register(email="jane@example.com").lead
    desk.merge(jane, jon)
    expected = f"/duplicate_id: The lead {jon.id} was merged into the lead {jane.id}."
    assert _refused(desk, john, jon) == expected
    assert desk.lead(john) == john


def test_nothing_is_merged_into_nobody(desk: Desk, john: Lead) -> None:
    with pytest.raises(NotFound) as missing:
        desk.merge(a_lead(id=an_id(9)), john)
    assert (missing.value.id, type(missing.value)) == (an_id(9), NotFound)
    assert desk.lead(john) == john


def _refused(desk: Desk, lead: Lead, duplicate: Lead) -> str:
    with pytest.raises(ValidationFailed) as refusal:
        desk.merge(lead, duplicate)
    return str(refusal.value)


def test_the_address_may_move_on_to_the_survivor(desk: Desk, john: Lead, jon: Lead) -> None:
    desk.merge(john, jon)
    assert desk.change(john, email="jon@example.com").email == an_email("jon@example.com")
