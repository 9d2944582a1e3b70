"""Test who has written a message, and which enquiry it makes."""

import pytest

from builders import a_mail
from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.enquiry import MESSAGE_MAX
from leads_domain.incoming_mail import Mailbox
from leads_domain.mail_enquiry import SUBJECT_MAX, enquiry_of, sender_of
from leads_domain.mailbox_policy import MailboxPolicy

NORMALIZER = InternationalNormalizer()
POLICY = MailboxPolicy(own_addresses={"sales@example.net", "@example.org"})
OWN, COLLEAGUE = Mailbox(address="Sales@example.net", name="Website"), Mailbox(address="mia@example.org")
ADA, JANE = Mailbox(address="ada@example.com", name="Ada Muster"), Mailbox(address="jane@example.com")
INVALID = Mailbox(address="ada at example", name="Ada")


@pytest.mark.parametrize(
    ("senders", "reply_to", "person"),
    [
        ([ADA], [], ADA),
        ([ADA], [JANE], ADA),
        ([ADA], [OWN], ADA),
        ([INVALID, JANE, ADA], [], JANE),
        ([OWN], [ADA], ADA),
        ([COLLEAGUE], [ADA], ADA),
        ([OWN], [INVALID, COLLEAGUE, JANE], JANE),
        ([OWN, ADA], [], ADA),
        ([OWN, ADA], [JANE], JANE),
        ([INVALID, OWN], [JANE], JANE),
    ],
)
def test_the_first_valid_sender_is_the_person_or_the_reply_address_of_an_own_sender(
    senders: list[Mailbox], reply_to: list[Mailbox], person: Mailbox
) -> None:
    sender = sender_of(a_mail(senders=senders, reply_to=reply_to), POLICY, NORMALIZER)
    assert sender.person is not None
    assert str(sender.person.address) == person.address
    assert not sender.is_own


@pytest.mark.parametrize(
    ("senders", "reply_to", "is_own"),
    [
        ([], [], False),
        ([], [JANE], False),
        ([INVALID], [], False),
        ([INVALID], [JANE], False),
        ([OWN], [], True),
        ([COLLEAGUE], [OWN], True),
        ([OWN, COLLEAGUE], [INVALID], True),
    ],
)
def test_without_a_person_it_is_known_whether_the_operator_has_sent_it(
    senders: list[Mailbox], reply_to: list[Mailbox], is_own: bool
) -> None:
    sender = sender_of(a_mail(senders=senders, reply_to=reply_to), POLICY, NORMALIZER)
    assert (sender.person, sender.is_own) == (None, is_own)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada Muster", "Ada Muster"),
        ("  Ada\t\x00Muster\r\n", "Ada Muster"),
        ("'Ada Muster'", "Ada Muster"),
        ("'Ada Muster' via Sales", "Ada Muster"),
        ("Muster, Ada", "Muster, Ada"),
        ("", None),
        ("''", None),
        ("ada@example.com", None),
        ("eve@example.org", None),
        ("Ada <ada@example.com>", "Ada <ada@example.com>"),
        ("'Ada@Example.com' via Sales", None),
        ("x" * 300, "x" * 200),
    ],
)
def test_the_name_is_the_display_name_unless_that_is_an_address(name: str, expected: str | None) -> None:
    mail = a_mail(senders=[Mailbox(address="ada@example.com", name=name)])
    assert enquiry_of(mail, POLICY, NORMALIZER).get("name") == expected


def test_an_enquiry_has_the_subject_as_the_first_line_and_names_attachments() -> None:
    policy = MailboxPolicy(source="email", owner="mia@example.com")
    mail = a_mail(text="Hello!\n\nAda\n", attachments=["a.pdf", "", "b\n.png"])
    assert enquiry_of(mail, policy, NORMALIZER) == {
        "email": "ada@example.com",
        "name": "Ada Muster",
        "message": "Delivery\n\nHello!\n\nAda",
        "source": "email",
        "owner": "mia@example.com",
        "attributes": {"attachments": "a.pdf, b .png"},
    }


@pytest.mark.parametrize(
    ("subject", "text", "message"),
    [
        ("", "Hello!", "Hello!"),
        ("Hello", " \n", "Hello"),
        ("", "", None),
        ("a\r\nb\x07", "c\x00\x1b[2J", "a b\n\nc[2J"),
        ("s" * 1000, "", "s" * SUBJECT_MAX),
    ],
)
def test_what_is_missing_or_cannot_be_stored_is_left_out(subject: str, text: str, message: str | None) -> None:
    assert enquiry_of(a_mail(subject=subject, text=text), POLICY, NORMALIZER).get("message") == message


def test_a_message_that_is_too_long_says_that_its_rest_was_cut() -> None:
    message = enquiry_of(a_mail(text="y" * 12_000), POLICY, NORMALIZER)["message"]
    assert message is not None
    assert len(message) == MESSAGE_MAX
    assert message.startswith("Delivery\n\nyyy")
    assert message.endswith("y\n\n[The rest of the message was cut.]")

    longest = "y" * (MESSAGE_MAX - len("Delivery\n\n"))
    assert enquiry_of(a_mail(text=longest), POLICY, NORMALIZER)["message"] == f"Delivery\n\n{longest}"


def test_the_names_of_many_attachments_are_cut() -> None:
    attributes = enquiry_of(a_mail(attachments=["x" * 100] * 20), POLICY, NORMALIZER)["attributes"]
    assert attributes is not None
    assert len(str(attributes["attachments"])) == 1000


def test_without_a_person_a_message_makes_an_enquiry_that_lacks_the_contact() -> None:
    assert enquiry_of(a_mail(senders=[OWN]), POLICY, NORMALIZER) == {
        "message": "Delivery\n\nDo you deliver on Saturdays?"
    }
