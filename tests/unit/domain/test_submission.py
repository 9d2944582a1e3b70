"""Test the states of submissions, and the digest of their content."""

import pytest

from builders import a_submission, an_id
from leads_domain.errors import IllegalSubmissionState
from leads_domain.lead import LeadId
from leads_domain.submission import SubmissionState, digest_of

LEAD = LeadId(an_id(1))
NOT_ACCEPTED = [state for state in SubmissionState if state is not SubmissionState.ACCEPTED]


@pytest.mark.parametrize("state", NOT_ACCEPTED)
def test_a_submission_can_be_accepted_and_discarded_in_every_other_state(state: SubmissionState) -> None:
    submission = a_submission(state=state, reason="Why.")
    assert submission.accept(LEAD) == a_submission(state=SubmissionState.ACCEPTED, lead_id=LEAD)
    assert submission.discard() == a_submission(state=SubmissionState.DISCARDED, reason="Why.")


@pytest.mark.parametrize("action", ["accepted", "discarded"])
def test_an_accepted_submission_stays_accepted(action: str) -> None:
    accepted = a_submission().accept(LEAD)
    with pytest.raises(IllegalSubmissionState, match=f"that is accepted cannot be {action}") as error:
        accepted.accept(LEAD) if action == "accepted" else accepted.discard()
    assert error.value.state == "accepted"


def test_a_submission_is_set_aside_with_a_reason() -> None:
    aside = a_submission().set_aside(SubmissionState.SPAM, "It has 6 links.")
    assert aside == a_submission(state=SubmissionState.SPAM, reason="It has 6 links.")
    with pytest.raises(IllegalSubmissionState, match="that is spam cannot be processed"):
        aside.set_aside(SubmissionState.NEEDS_REVIEW, "Again.")


def test_the_digest_depends_on_origin_names_and_values_but_not_on_their_order() -> None:
    digest = digest_of("form:contact", {"a": "1", "b": "2"})
    assert len(digest) == 64
    assert digest == digest_of("form:contact", {"b": "2", "a": "1"})
    others = [
        ("form:other", {"a": "1", "b": "2"}),
        ("form:contact", {"a": "2", "b": "1"}),
        ("form:contact", {"a": "1"}),
    ]
    assert digest not in {digest_of(origin, content) for origin, content in others}
