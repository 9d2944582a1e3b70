"""What each error says: what was wrong, where, and what to do."""

import re

import pytest

from leads_domain import errors
from leads_domain.errors import (
    AttemptInProgress,
    DuplicateLead,
    Erased,
    FieldError,
    IllegalFollowUpState,
    IllegalTransition,
    LeadsError,
    Merged,
    NotFound,
    ValidationFailed,
    VersionMismatch,
)


def test_the_tree_that_is_drawn_is_the_one_that_grows() -> None:
    drawn = re.findall("[├└]── ([A-Za-z]+)", errors.__doc__ or "")
    assert drawn == grown_from(LeadsError)


def grown_from(base: type[LeadsError]) -> list[str]:
    """The errors below `base`, each followed by its own."""
    kinds = [kind for kind in base.__subclasses__() if kind.__module__ == errors.__name__]
    return [name for kind in kinds for name in (kind.__name__, *grown_from(kind))]


def test_a_fault_seen_from_outside_names_the_way_to_it() -> None:
    fault = FieldError("/0", "Give a number.").under("sizes").under("attributes")
    assert fault == FieldError("/attributes/sizes/0", "Give a number.")


@pytest.mark.parametrize(
    ("member", "pointer"), [("a/b", "/a~1b"), ("a~b", "/a~0b"), ("~1", "/~01"), ("/~", "/~1~0"), ("", "/")]
)
def test_a_member_is_escaped_in_a_pointer_as_rfc_6901_says(member: str, pointer: str) -> None:
    assert FieldError("", "Wrong.").under(member).pointer == pointer


def test_invalid_lists_every_fault_with_its_place_and_what_to_do() -> None:
    refusal = ValidationFailed([FieldError("/name", "Give a name."), FieldError("/email", "Give an address.")])
    assert str(refusal) == "/name: Give a name. /email: Give an address."


def test_a_fault_of_the_whole_has_an_empty_pointer() -> None:
    assert ValidationFailed.because("Give an object.").errors == (FieldError("", "Give an object."),)
    assert ValidationFailed.because("Give a name.", "/name").errors == (FieldError("/name", "Give a name."),)


def test_the_faults_do_not_change_with_the_list_that_they_came_from() -> None:
    faults = [FieldError("/name", "Give a name.")]
    refusal = ValidationFailed(faults)
    faults.clear()
    assert len(refusal.errors) == 1


def test_not_found_says_what_is_missing_and_under_which_id() -> None:
    refusal = NotFound("follow-up", "42")
    assert str(refusal) == "No follow-up has the id 42."
    assert (refusal.kind, refusal.id) == ("follow-up", "42")


def test_erased_says_what_and_is_not_found() -> None:
    refusal = Erased("lead", "42")
    assert isinstance(refusal, NotFound)
    assert str(refusal) == "The lead 42 was erased."
    assert (refusal.kind, refusal.id) == ("lead", "42")


def test_a_duplicate_names_the_lead_that_is_there() -> None:
    refusal = DuplicateLead("42")
    assert str(refusal) == "The lead 42 already has this e-mail address."
    assert refusal.existing_id == "42"


def test_a_version_mismatch_names_the_version_that_there_is() -> None:
    refusal = VersionMismatch(3)
    assert str(refusal) == "The lead is at version 3, which the precondition of the request does not allow."
    assert refusal.version == 3


def test_an_illegal_transition_says_where_the_lead_can_go_instead() -> None:
    refusal = IllegalTransition("new", "converted", ["contacted", "lost"])
    assert str(refusal) == "The status cannot change from `new` to `converted`. Use one of: contacted, lost."
    assert (refusal.origin, refusal.target, refusal.allowed) == ("new", "converted", ("contacted", "lost"))


def test_an_illegal_transition_says_when_there_is_no_way_out() -> None:
    refusal = IllegalTransition("converted", "new", [])
    assert str(refusal) == "The status cannot change from `converted` to `new`. `converted` is a final status."


def test_an_illegal_follow_up_state_says_what_cannot_be_done() -> None:
    refusal = IllegalFollowUpState("sent", "cancelled")
    assert str(refusal) == "A follow-up that is sent cannot be cancelled."
    assert refusal.state == "sent"


def test_an_attempt_under_way_says_when_the_message_can_change() -> None:
    refusal = AttemptInProgress("scheduled")
    assert isinstance(refusal, IllegalFollowUpState)
    assert "is being sent" in str(refusal)
    assert refusal.state == "scheduled"


def test_a_merged_lead_is_not_found_and_says_where_it_is() -> None:
    merged = Merged("one", "other")
    assert isinstance(merged, NotFound)
    assert (merged.kind, merged.id, merged.into) == ("lead", "one", "other")
    assert str(merged) == "The lead one was merged into the lead other."
