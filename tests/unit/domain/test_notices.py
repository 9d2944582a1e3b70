"""Test what people read in a notice: the subject, and the facts of the lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_follow_up, a_lead, a_phone, an_email, an_id
from leads_domain.control_characters import CONTROL
from leads_domain.follow_up import Recipient
from leads_domain.lead import Lead
from leads_domain.notices import SUBJECT_MAX, details_of, notice_of, shorten, subject_of
from leads_domain.notifier import NoticeKind
from strategies import leads, texts

URL = "https://leads.example.com"


@pytest.mark.parametrize(
    ("name", "message", "subject"),
    [
        ("Ada Muster", "Call about the quote", "Ada Muster: Call about the quote"),
        ("Ada Muster", "\n \t\nCall about the quote\nHer number is new.", "Ada Muster: Call about the quote"),
        ("Ada Muster", "ada muster has waited since Monday.", "ada muster has waited since Monday."),
        ("An", "Answer Anna", "An: Answer Anna"),
        ("(Ada)", "Call (Ada)!", "Call (Ada)!"),
        ("Ada", "", "Ada"),
        ("Ada", "\x07\u202e", "Ada"),
        ("", "Hello", "Hello"),
        ("Ada\r\nBcc: eve@example.org", "Call\u2028her", "Ada Bcc: eve@example.org: Call"),
        ("\u202eadA\u2066", "Call\x00\x1b[31m", "adA: Call[31m"),
        ("祖冲之", "打电话", "祖冲之: 打电话"),
        ("=?utf-8?q?a?=", "Call", "=?utf-8?q?a?=: Call"),
        ("N" * 200, "Call about the quote", f"{'N' * 59}…: Call about the quote"),
        ("Ada", "word " * 2000, f"Ada: {'word ' * 22}word…"),
        (" ".join(["Ada"] * 50), f"{' '.join(['Ada'] * 50)}: Call", f"{' '.join(['Ada'] * 15)}…: Call"),
        ("N" * 70, f"{'N' * 70}: Call", f"{'N' * 59}…: Call"),
        ("Ada", "Ada: call Ada", "Ada: call Ada"),
        ("Anna Berta " * 10, f"Call {'Anna Berta ' * 6}", f"Call {('Anna Berta ' * 6).strip()}"),
    ],
)
def test_a_subject_names_the_lead_and_what_it_is_about(name: str, message: str, subject: str) -> None:
    assert subject_of(message, name) == subject


@given(
    message=texts(max_size=300) | st.text("a \n:", max_size=300),
    name=texts(max_size=300) | st.text("a ", max_size=200),
)
def test_any_subject_is_one_short_line_without_control_characters(message: str, name: str) -> None:
    subject = subject_of(message, name)
    assert len(subject) <= SUBJECT_MAX
    assert subject == " ".join(subject.split())
    assert not CONTROL.search(subject)


def test_a_subject_without_a_name_is_the_first_line() -> None:
    assert subject_of("Hello\nAda") == "Hello"


def test_a_hostile_name_and_message_make_a_short_subject() -> None:
    assert len(subject_of("a " * 5000, f"{'a ' * 5000}b")) <= SUBJECT_MAX
    assert len(subject_of("\n" * 10_000, "\u0301" * 10_000)) <= SUBJECT_MAX


@pytest.mark.parametrize(
    ("text", "max_length", "shortened"),
    [
        ("one two", 7, "one two"),
        ("one two three", 9, "one two…"),
        ("one two three", 8, "one two…"),
        ("abcd efghijkl", 9, "abcd…"),
        ("abc defghijkl", 8, "abc def…"),
        ("xxxxxxxxxx", 5, "xxxx…"),
    ],
)
def test_a_line_is_cut_after_a_word_in_its_second_half(text: str, max_length: int, shortened: str) -> None:
    assert shorten(text, max_length) == shortened


def test_the_details_are_the_facts_of_the_lead_and_a_link() -> None:
    lead = a_lead(
        name="Ada Muster",
        email=an_email("ada@example.com"),
        phone=a_phone("+4930123456"),
        source="fair",
        owner=an_email("mia@example.com"),
        attributes={"budget": 5000, "newsletter": True, "wish": "red\nand blue", "blank": " \n", "unset": None},
    )
    assert details_of(lead, URL).split("\n") == [
        "Name: Ada Muster",
        "E-mail: ada@example.com",
        "Phone: +4930123456",
        "Status: new",
        "Source: fair",
        "Owner: mia@example.com",
        f"Link: {URL}/leads/{an_id(1)}",
        "",
        "budget: 5000",
        "newsletter: true",
        "wish: red and blue",
    ]
    assert details_of(a_lead(), None) == "Name: John Doe\nE-mail: john@example.com\nStatus: new"


@given(leads())
def test_no_value_adds_a_line_to_the_details(lead: Lead) -> None:
    facts, _, attributes = details_of(lead, URL).partition("\n\n")
    lines = attributes.split("\n")
    assert facts.endswith(f"\nLink: {URL}/leads/{lead.id}")
    assert len(facts.split("\n")) <= 7
    assert len(lines) <= max(1, len(lead.attributes))
    assert not any(CONTROL.search(line) for line in [*facts.split("\n"), *lines])


def test_an_attribute_of_a_stranger_is_not_above_the_link() -> None:
    details = details_of(a_lead(attributes={"Link": "https://example.org", "Owner": "eve@example.org"}), URL)
    facts, _, attributes = details.partition("\n\n")
    assert facts.split("\n")[-1] == f"Link: {URL}/leads/{an_id(1)}"
    assert attributes == "Link: https://example.org\nOwner: eve@example.org"


def test_long_values_are_cut() -> None:
    details = details_of(a_lead(attributes={"wish": "x" * 1000}), None)
    assert details.endswith(f"\n\nwish: {'x' * 299}…")


def test_a_notice_to_a_colleague_has_the_name_and_details_of_the_lead() -> None:
    follow_up = a_follow_up(recipient=Recipient.OWNER, message="Call about the quote")
    notice = notice_of(follow_up, a_lead(owner=an_email("mia@example.com")), URL)
    assert notice.kind is NoticeKind.FOLLOW_UP
    assert notice.subject == "John Doe: Call about the quote"
    assert notice.details == details_of(a_lead(owner=an_email("mia@example.com")), URL)


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("Shall we talk?\nYours, Mia", "John Doe: Shall we talk?"),
        ("Hello JOHN,\nshall we talk?", "Hello JOHN,"),
        ("Dear Mr. Doe", "Dear Mr. Doe"),
        ("Johnny?", "John Doe: Johnny?"),
    ],
)
def test_a_notice_to_the_lead_has_no_details_and_names_the_lead_unless_it_is_a_greeting(
    message: str, subject: str
) -> None:
    notice = notice_of(a_follow_up(recipient=Recipient.LEAD, message=message), a_lead(), URL)
    assert (notice.subject, notice.details) == (subject, "")


@pytest.mark.parametrize(
    ("recipient", "email", "phone"), [("sales@example.com", "sales@example.com", None), ("+49123", None, "+49123")]
)
def test_a_notice_to_an_address_of_a_rule_has_details(recipient: str, email: str | None, phone: str | None) -> None:
    notice = notice_of(a_follow_up(recipient=recipient), a_lead(), None)
    assert (notice.name, notice.email, notice.phone) == (recipient, email, phone)
    assert notice.details == details_of(a_lead(), None)
