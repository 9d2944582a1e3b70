"""Test the content of the submissions that messages become."""

import json

from hypothesis import given
from hypothesis import strategies as st

from builders import a_mail, an_id
from leads_domain.incoming_mail import DeliveryReport, IncomingMail, Mailbox, ReportedFailure
from leads_domain.mail_submission import LINE_MAX, LINES_MAX, TEXT_MAX, is_mailbox, mail_content, mail_of, origin_of

OURS = f"{an_id()}@example.com"
LINES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs", "Cf"]), min_size=1, max_size=9)
OPTIONAL_LINES = st.none() | LINES
MAILBOXES = st.lists(st.builds(Mailbox, address=LINES, name=LINES | st.just("")), max_size=3).map(tuple)
FAILURES = st.builds(
    ReportedFailure,
    recipient=OPTIONAL_LINES.filter(lambda text: text != "-"),
    status=OPTIONAL_LINES.filter(lambda text: text != "-"),
    is_permanent=st.booleans(),
)
REPORTS = st.builds(DeliveryReport, message_id=OPTIONAL_LINES, failures=st.lists(FAILURES, max_size=3).map(tuple))
MAILS = st.builds(
    IncomingMail,
    message_id=OPTIONAL_LINES,
    senders=MAILBOXES,
    reply_to=MAILBOXES,
    date=OPTIONAL_LINES,
    subject=LINES | st.just(""),
    text=st.text(max_size=20),
    attachments=st.lists(LINES, max_size=3).map(tuple),
    references=st.lists(st.just(OURS), max_size=2).map(tuple),
    automatic=OPTIONAL_LINES,
    report=st.none() | REPORTS,
    broken=OPTIONAL_LINES,
)


@given(MAILS)
def test_a_message_is_read_as_it_was_kept(mail: IncomingMail) -> None:
    content = mail_content(mail)
    assert mail_of(content) == mail
    assert mail_of(json.loads(json.dumps(content))) == mail


def test_the_content_is_readable() -> None:
    reply_to = (Mailbox(address="sales@example.net"),)
    report = DeliveryReport(
        message_id=OURS,
        failures=(
            ReportedFailure(recipient="jon doe@example.com", status="5.1.1", is_permanent=True),
            ReportedFailure(recipient=None, status=None, is_permanent=False),
        ),
    )
    mail = a_mail(
        reply_to=reply_to, attachments=("a.pdf", "b.png"), references=("other@example.com", OURS), report=report
    )
    assert mail_content(mail) == {
        "from": "ada@example.com",
        "name": "Ada Muster",
        "reply_to": "sales@example.net",
        "subject": "Delivery",
        "message": "Do you deliver on Saturdays?",
        "attachments": "a.pdf\nb.png",
        "date": "Mon, 05 Jan 2026 12:00:00 +0000",
        "message_id": "cafe.1@mail.example.net",
        "references": OURS,
        "reported_message_id": OURS,
        "reported_failures": "5.1.1 permanent jon doe@example.com\n- temporary -",
    }


def test_values_of_one_line_cannot_add_lines() -> None:
    mail = a_mail(subject="a\r\nb\u2028c", attachments=("a\nb.txt", "\x1b[2Jc.txt"))
    content = mail_content(mail)
    assert content["subject"] == "a b c"
    assert mail_of(content).attachments == ("a b.txt", "[2Jc.txt")


def test_lone_surrogates_are_replaced() -> None:
    content = mail_content(a_mail(text="a\udfff", subject="\ud800"))
    assert (content["message"], content["subject"]) == ("a?", "?")


def test_the_content_of_the_largest_message_has_less_than_one_mebibyte() -> None:
    line = "\N{GRINNING FACE}" * (LINE_MAX + 1)
    many = (line,) * (LINES_MAX + 1)
    boxes = tuple(Mailbox(address=each, name=each) for each in many)
    failure = ReportedFailure(recipient=line, status=line, is_permanent=True)
    mail = IncomingMail(
        message_id=line,
        senders=boxes,
        reply_to=boxes,
        date=line,
        subject=line,
        text="\0" * (TEXT_MAX + 1),
        attachments=many,
        references=(OURS,) * 1000,
        automatic=line,
        broken=line,
        report=DeliveryReport(message_id=line, failures=(failure,) * 1000),
    )
    content = mail_content(mail)
    assert len(json.dumps(content, ensure_ascii=False).encode()) < 1024 * 1024
    assert len(mail_of(content).references) == LINES_MAX


def test_the_origin_names_the_mailbox() -> None:
    assert origin_of("sales") == "mailbox:sales"
    assert is_mailbox(origin_of(""))
    assert not is_mailbox("form:mailbox:")
