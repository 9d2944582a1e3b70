"""Tests of reading messages: the corpus in `tests/data/mail`, and any mutation of it."""

from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads_adapters.mail.reading import UNREADABLE, read_mail
from leads_adapters.mail.text import CUT
from leads_domain.control_characters import CONTROL, CONTROL_IN_TEXT
from leads_domain.incoming_mail import DeliveryReport, IncomingMail, own_id
from leads_domain.mail_submission import TEXT_MAX
from leads_domain.stop_words import asks_to_stop
from mail_corpus import FOLDER, OWN_ADDRESS, Case, cases

PIECES = [
    b"=?utf-8?q?",
    b"?=",
    b"<",
    b">",
    b'"',
    b"(",
    b",",
    b":",
    b";",
    b"\n",
    b"\n\n",
    b"--",
    b"=",
    b"&#x",
    b"<div>",
    b"@",
    b"\x00",
    b"*0*=",
]
SMALL = [case for case in cases() if len(case.data) < 10_000]


@pytest.mark.parametrize("case", cases(), ids=str)
def test_message_of_the_corpus(case: Case) -> None:
    mail = read_mail(case.data)
    assert {**described(mail), **_parts_of(case.expected, mail)} == {**described(mail), **case.expected}
    assert (mail.automatic is None, mail.broken is None) == (
        "automatic" not in case.expected,
        "broken" not in case.expected,
    )


@pytest.mark.parametrize("case", [case for case in SMALL if b"\r" not in case.data], ids=str)
def test_line_ends_of_the_internet_change_nothing(case: Case) -> None:
    assert read_mail(case.data.replace(b"\n", b"\r\n")) == read_mail(case.data)


def test_every_message_of_the_folder_is_expected() -> None:
    assert {f"{case.name}.eml" for case in cases()} >= {file.name for file in FOLDER.glob("*.eml")}


@pytest.mark.parametrize(
    ("media_type", "text"),
    [
        ("plain", "word " * 20_000),
        ("html", "<p>word</p>" * 50_000),
        ("html", "<p>word</p>" + " <i> </i>" * 70_000),
        ("html", "<p>word</p>" + "<div>" * 2_000 + "deep"),
    ],
)
def test_a_long_text_says_that_it_is_cut(media_type: str, text: str) -> None:
    mail = read_mail(f"From: ada@example.org\nContent-Type: text/{media_type}\n\n{text}".encode())
    assert mail.text.startswith("word")
    assert mail.text.endswith(f"\n{CUT}")
    assert len(mail.text) <= TEXT_MAX


def test_a_text_is_read_as_far_as_a_submission_keeps_it() -> None:
    assert len(read_mail(b"From: ada@example.org\n\n" + b"x" * (TEXT_MAX + 1)).text) == TEXT_MAX


def described(mail: IncomingMail) -> dict[str, Any]:
    """Return what a message is, in the words of `expected.toml`."""
    senders = [each.address for each in mail.senders]
    people = mail.reply_to if OWN_ADDRESS in senders and mail.reply_to else mail.senders
    person = next(iter(people), None)
    report = mail.report
    return {
        "kind": _kind(mail),
        "sender": person.address if person else None,
        "name": person.name if person else None,
        "subject": mail.subject,
        "text": mail.text,
        "attachments": [*mail.attachments],
        "senders": senders,
        "reply_to": [each.address for each in mail.reply_to],
        **({"reported": report.message_id, "failures": _failures(report)} if report else {}),
    }


def _failures(report: DeliveryReport) -> list[dict[str, Any]]:
    failures = (
        {"recipient": each.recipient, "status": each.status, "permanent": each.is_permanent} for each in report.failures
    )
    return [{name: value for name, value in each.items() if value is not None} for each in failures]


def _parts_of(expected: dict[str, Any], mail: IncomingMail) -> dict[str, Any]:
    """Return the expected parts of sentences that occur in them."""
    sentences = {"automatic": mail.automatic, "broken": mail.broken}
    return {
        name: expected[name] for name, text in sentences.items() if name in expected and expected[name] in (text or "")
    }


def _kind(mail: IncomingMail) -> str:
    """Return what becomes of a message, as far as it says that itself."""
    if mail.report and mail.report.failures and own_id(mail.report.message_id or ""):
        return "bounce"
    if mail.automatic:
        return "ignored"
    if mail.broken or not mail.senders:
        return "needs_review"
    if any(own_id(each) for each in mail.references):
        return "opt_out" if asks_to_stop(mail.subject, mail.text) else "reply"
    return "enquiry"


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a message of the corpus, with some bytes of it replaced, removed, repeated, or cut off."""
    data = draw(st.sampled_from(SMALL)).data
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 100, len(data))))
        piece = draw(st.one_of(st.binary(max_size=20), st.just(data[start:end] * 2), st.sampled_from(PIECES)))
        data = data[:start] + piece + data[draw(st.sampled_from([end, len(data)])) :]
    return data


@given(st.one_of(st.binary(max_size=300), mutated()))
@example(b"From: \xff\xed\xa0\x80 <a\x00b@example.org>\n\n\xed\xa0\x80")
@example(b"Subject: =?utf-8?b?A?=\nContent-Type: text/plain; charset*=idna''%FF\n\n")
@example(b"Content-Type: text/html\n\n<p>&#xD800;&#0;\x00</p>")
@example(b"Content-Type: text/plain; charset=utf-8-sig\n\n\xef\xbb\xbf\xff")
def test_any_message_can_be_read_and_stored(data: bytes) -> None:
    mail = read_mail(data)
    assert mail.broken != UNREADABLE
    failures = [text for each in mail.report.failures for text in astuple(each)[:2] if text] if mail.report else []
    mailboxes = [text for each in (*mail.senders, *mail.reply_to) for text in astuple(each)]
    lines = [mail.subject, mail.message_id or "", mail.date or "", *mail.attachments, *mail.references]
    lines += [mail.automatic or "", mail.broken or "", *mailboxes, *failures]
    assert [line for line in lines if CONTROL.search(line) or len(line) > 1000] == []
    assert not CONTROL_IN_TEXT.search(mail.text)
    texts = [*lines, mail.text]
    assert [text.encode("utf-8").decode("utf-8") for text in texts] == texts
