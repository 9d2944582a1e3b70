"""Test the messages and attributes of the errors."""

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
    RequestInProgress,
    ValidationFailed,
    VersionMismatch,
)


def test_the_docstring_draws_the_tree_of_error_classes() -> None:
    drawn = re.findall("[├└]── ([A-Za-z]+)", errors.__doc__ or "")
    assert drawn == subclasses_of(LeadsError)


def subclasses_of(base: type[LeadsError]) -> list[str]:
    """Return the names of the error classes below `base`, depth first."""
    kinds = [kind for kind in base.__subclasses__() if kind.__module__ == errors.__name__]
    return [name for kind in kinds for name in (kind.__name__, *subclasses_of(kind))]


def test_under_prepends_a_key_to_the_pointer() -> None:
    error = FieldError("/0", "Give a number.").under("sizes").under("attributes")
    assert error == FieldError("/attributes/sizes/0", "Give a number.")


@pytest.mark.parametrize(
    ("key", "pointer"), [("a/b", "/a~1b"), ("a~b", "/a~0b"), ("~1", "/~01"), ("/~", "/~1~0"), ("", "/")]
)
def test_a_key_is_escaped_in_a_pointer_by_rfc_6901(key: str, pointer: str) -> None:
    assert FieldError("", "Wrong.").under(key).pointer == pointer


def test_validation_failed_lists_every_error_with_its_pointer_and_detail() -> None:
    error = ValidationFailed([FieldError("/name", "Give a name."), FieldError("/email", "Give an address.")])
    assert str(error) == "/name: Give a name. /email: Give an address."


def test_an_error_of_the_whole_input_has_an_empty_pointer() -> None:
    assert ValidationFailed.because("Give an object.").errors == (FieldError("", "Give an object."),)
    assert ValidationFailed.because("Give a name.", "/name").errors == (FieldError("/name", "Give a name."),)


def test_the_errors_are_copied_from_the_list() -> None:
    field_errors = [FieldError("/name", "Give a name.")]
    error = ValidationFailed(field_errors)
    field_errors.clear()
    assert len(error.errors) == 1


def test_not_found_names_the_kind_and_the_id() -> None:
    error = NotFound("follow-up", "42")
    assert str(error) == "No follow-up has the id 42."
    assert (error.kind, error.id) == ("follow-up", "42")


def test_erased_is_a_not_found_that_names_the_kind_and_the_id() -> None:
    error = Erased("lead", "42")
    assert isinstance(error, NotFound)
    assert str(error) == "The lead 42 was erased."
    assert (error.kind, error.id) == ("lead", "42")


def test_duplicate_lead_names_the_existing_lead() -> None:
    error = DuplicateLead("42")
    assert str(error) == "The lead 42 already has this e-mail address or phone number."
    assert error.existing_id == "42"


def test_a_version_mismatch_names_the_current_version() -> None:
    error = VersionMismatch(3)
    assert str(error) == "The lead is at version 3, which the precondition of the request does not allow."
    assert error.version == 3


def test_an_illegal_transition_lists_the_allowed_statuses() -> None:
    error = IllegalTransition("new", "converted", ["contacted", "lost"])
    assert str(error) == "The status cannot change from `new` to `converted`. Use one of: contacted, lost."
    assert (error.origin, error.target, error.allowed) == ("new", "converted", ("contacted", "lost"))


def test_an_illegal_transition_says_that_the_status_is_final() -> None:
    error = IllegalTransition("converted", "new", [])
    assert str(error) == "The status cannot change from `converted` to `new`. `converted` is a final status."


def test_an_illegal_follow_up_state_names_the_state_and_the_refused_action() -> None:
    error = IllegalFollowUpState("sent", "cancelled")
    assert str(error) == "A follow-up that is sent cannot be cancelled."
    assert error.state == "sent"


def test_attempt_in_progress_says_that_the_follow_up_is_being_sent() -> None:
    error = AttemptInProgress("scheduled")
    assert isinstance(error, IllegalFollowUpState)
    assert str(error) == (
        "The message cannot change while the follow-up is being sent. If the attempt fails, try again."
    )
    assert error.state == "scheduled"


def test_merged_is_a_not_found_that_names_the_target() -> None:
    merged = Merged("one", "other")
    assert isinstance(merged, NotFound)
    assert (merged.kind, merged.id, merged.into) == ("lead", "one", "other")
    assert str(merged) == "The lead one was merged into the lead other."


def test_a_request_in_progress_names_its_key() -> None:
    assert str(RequestInProgress("k1")) == (
        "A request with the `Idempotency-Key` k1 is in progress. Try again when it has ended."
    )


def test_a_duplicate_without_an_id_is_another_lead() -> None:
    assert str(DuplicateLead(None)) == "Another lead already has this e-mail address or phone number."
