"""Test the receipt of messages."""

from application import Application
from builders import NOON, a_mail, a_submission
from leads_domain.incoming_mail import IncomingMail
from leads_domain.mail_submission import mail_content, mail_of
from leads_domain.paging import SubmissionQuery
from leads_domain.submission import SubmissionState


def count(app: Application) -> int:
    """Return the number of stored submissions."""
    return app.database.read(lambda work: work.submissions.count(SubmissionQuery()))


def test_a_message_is_stored_before_anything_is_decided(app: Application) -> None:
    mail = a_mail(automatic="It says that it is automatic.", broken="Its end is missing.")
    received = app.receive_mail(mail)
    stored = app.submission(received.submission)

    assert not received.is_repeated
    assert stored == a_submission(
        id=stored.id,
        origin="mailbox:sales",
        received_at=NOON,
        content=mail_content(mail),
        digest=stored.digest,
        content_digest=stored.content_digest,
    )
    assert mail_of(stored.content) == mail
    assert stored.state is SubmissionState.RECEIVED


def test_a_message_is_stored_once_whichever_way_it_comes(app: Application) -> None:
    first = app.receive_mail(a_mail())
    other_id = app.receive_mail(a_mail(message_id="1@provider.example"))
    other_text = app.receive_mail(a_mail(text="With a footer."), mailbox="support")

    assert [each.is_repeated for each in (first, other_id, other_text)] == [False, True, True]
    assert {each.submission.id for each in (first, other_id, other_text)} == {first.submission.id}
    assert count(app) == 1


def test_a_constant_message_id_loses_no_message(app: Application) -> None:
    app.receive_mail(a_mail())
    assert not app.receive_mail(a_mail(date="Mon, 05 Jan 2026 12:00:01 +0000", text="Another.")).is_repeated
    assert count(app) == 2


def test_broken_messages_that_say_nothing_are_all_stored(app: Application) -> None:
    for _ in range(2):
        assert not app.receive_mail(IncomingMail(broken="Nothing could be read.")).is_repeated
    assert count(app) == 2
