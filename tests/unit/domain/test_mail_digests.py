"""Test which messages count as the same."""

from dataclasses import replace

import pytest

from builders import a_mail
from leads_domain.incoming_mail import DeliveryReport, IncomingMail, Mailbox
from leads_domain.mail_digests import content_digest, message_digest

OTHER_DATE = "Mon, 05 Jan 2026 12:00:01 +0000"
OTHER_ID = "1@provider.example"


def is_repeat(one: IncomingMail, other: IncomingMail) -> bool:
    """Return whether a store would take one message for the other."""
    digests = (message_digest, content_digest)
    return any(digest(one) is not None and digest(one) == digest(other) for digest in digests)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"message_id": OTHER_ID},
        {"message_id": None},
        {"message_id": OTHER_ID, "text": " Do you\r\n deliver on\tSaturdays?\n\n"},
        {"message_id": OTHER_ID, "subject": "Delivery "},
        {"message_id": OTHER_ID, "date": "Mon, 5 Jan 2026 13:00:00 +0100 (CET)"},
        {"message_id": OTHER_ID, "senders": (Mailbox(address="Ada@Example.COM", name="Muster, Ada"),)},
        {"text": "Do you deliver on Saturdays?\n-- \nChecked by the virus scanner."},
        {"text": "", "subject": "[sales] Delivery", "attachments": ("a.pdf",)},
    ],
)
def test_a_message_that_servers_have_changed_is_the_same(changes: dict[str, object]) -> None:
    assert is_repeat(a_mail(), a_mail(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"date": OTHER_DATE, "text": "Never mind."},
        {"date": OTHER_DATE},
        {"message_id": OTHER_ID, "text": "Never mind."},
        {"message_id": OTHER_ID, "subject": "Another"},
        {"message_id": OTHER_ID, "attachments": ("a.pdf",)},
        {"message_id": OTHER_ID, "date": OTHER_DATE},
        {"message_id": OTHER_ID, "date": None},
        {"message_id": OTHER_ID, "reply_to": (Mailbox(address="jane@example.com"),)},
        {"senders": (Mailbox(address="jane@example.com"),)},
        {"reply_to": (Mailbox(address="jane@example.com"),)},
    ],
)
def test_another_message_is_not_the_same(changes: dict[str, object]) -> None:
    assert not is_repeat(a_mail(), a_mail(**changes))


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Jan 2026 12:00:00 +9999", "9" * 10_000])
def test_without_a_date_the_words_and_the_message_id_count(date: str | None) -> None:
    mail = a_mail(date=date)
    assert is_repeat(mail, a_mail(date=date))
    assert not is_repeat(mail, a_mail(date=date, message_id=OTHER_ID, text="Other words."))
    if not date:
        assert not is_repeat(mail, a_mail(date=date, text="Other words."))
        assert not is_repeat(mail, a_mail(date=date, message_id=OTHER_ID))
        assert is_repeat(a_mail(date=date, message_id=None), a_mail(date=date, message_id=None))


def test_reports_about_two_messages_are_not_the_same() -> None:
    first, second = (
        a_mail(message_id=f"{each}@mta", report=DeliveryReport(message_id=f"{each}@example.com")) for each in (1, 2)
    )
    assert not is_repeat(first, second)
    assert is_repeat(first, replace(first, message_id=OTHER_ID))


def test_messages_that_say_nothing_are_never_the_same() -> None:
    assert not is_repeat(IncomingMail(broken="No headers."), IncomingMail(broken="No headers."))
