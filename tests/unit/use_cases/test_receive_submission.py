"""Test the receipt of submissions."""

from datetime import timedelta

import pytest

from application import Application
from builders import NOON, a_submission
from leads_domain.paging import SubmissionQuery
from leads_domain.spam import ELAPSED_FIELD
from leads_domain.submission import SubmissionState, digest_of
from leads_domain.use_cases.receive_submission import REPEATED_WITHIN

MICROSECOND = timedelta(microseconds=1)


def count(app: Application) -> int:
    """Return the number of stored submissions."""
    return app.database.read(lambda work: work.submissions.count(SubmissionQuery()))


def test_a_submission_is_stored_as_it_came(app: Application) -> None:
    content = {"your-name": "  Ada ", "": "", "<b>": "=1+1\r\n\0"}
    submission = app.receive(content=content, remote_address="192.0.2.1")
    expected = a_submission(
        id=submission.id, content=content, remote_address="192.0.2.1", digest=submission.digest, received_at=NOON
    )
    assert submission == expected
    assert app.submission(submission) == submission


def test_lone_surrogates_are_replaced(app: Application) -> None:
    submission = app.receive(content={"a\ud800": "b\udfff"})
    assert app.submission(submission).content == {"a?": "b?"}


def test_the_same_content_is_one_submission_within_five_minutes(app: Application) -> None:
    first = app.receive()
    app.clock.advance(REPEATED_WITHIN - MICROSECOND)
    assert app.receive(remote_address="192.0.2.9") == first
    assert count(app) == 1
    app.clock.advance(MICROSECOND)
    assert app.receive().id != first.id
    assert count(app) == 2


def test_a_processed_submission_is_found_by_its_repetition(app: Application) -> None:
    first = app.receive(state=SubmissionState.TEST, reason="A test.")
    assert app.receive() == first


@pytest.mark.parametrize(
    "other",
    [
        {"origin": "form:other"},
        {"content": {"name": "John Doe", "email": "jon@example.com"}},
        {"content": {"name": "John Doe"}},
        {"sender_id": "1"},
    ],
)
def test_other_content_is_another_submission(app: Application, other: dict[str, object]) -> None:
    app.receive()
    app.receive(**other)  # type: ignore[arg-type]
    assert count(app) == 2


def test_the_time_that_the_form_took_does_not_count(app: Application) -> None:
    first = app.receive(content={"name": "Ada", ELAPSED_FIELD: "4.1"})
    assert app.receive(content={"name": "Ada", ELAPSED_FIELD: "4.7"}) == first


def test_an_id_of_the_sender_identifies_the_submission_for_ever(app: Application) -> None:
    first = app.receive(sender_id="1")
    assert app.receive(sender_id="2").id != first.id
    app.clock.advance(timedelta(days=30))
    assert app.receive(sender_id="1", content={"other": "content"}) == first
    assert app.receive("form:other", sender_id="1").id != first.id


def test_the_reason_for_another_state_is_stored(app: Application) -> None:
    submission = app.receive(state=SubmissionState.IGNORED, reason="Automatic mail.")
    assert (submission.state, submission.reason) == ("ignored", "Automatic mail.")
    assert app.submission(submission) == submission


def test_the_digest_is_the_same_in_every_version(app: Application) -> None:
    content = {"name": "Ada", "a": "1"}
    assert app.receive(content=content).digest == digest_of("form:contact", {"a": "1", "name": "Ada"})
    assert app.receive(content=content, sender_id="7").digest == digest_of("form:contact id", {"id": "7"})
