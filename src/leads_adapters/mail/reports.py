"""Read the reports of mail servers about messages that they could not deliver (RFC 3464, RFC 6533)."""

import re
from collections.abc import Iterator, Sequence

from leads_adapters.mail.charsets import clean_line, decode_text
from leads_adapters.mail.headers import read_ids, read_mailboxes
from leads_adapters.mail.parts import Part, parse
from leads_domain.incoming_mail import DeliveryReport, ReportedFailure

FAILURES_MAX = 20

_STATUS_PARTS = {"message/delivery-status", "message/global-delivery-status"}
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_DEAD = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1)")
"""Codes (RFC 3463, RFC 7505) that say that an address accepts no mail: 5.1.1 and 5.1.10 no such address, 5.1.2 no such
domain, 5.1.3 no valid address, 5.1.6 moved, 5.2.1 disabled.

All others are about the message (5.3.4 too large), a moment (5.2.2 mailbox full), the network (5.4) or policy (5.7).
"""

_MESSAGE_ID = re.compile(r"^[ \t>]*message-id:[ \t]*(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_QMAIL = re.compile(r"\s*Hi\. This is the qmail-send program")
_QMAIL_RECIPIENT = re.compile(r"\n*<([^<>\s]{1,320})>:\n(.{0,2000})", re.DOTALL)
_TEXT_BYTES_MAX = 100_000


def report_of(message: Part) -> DeliveryReport | None:
    """Return the delivery report that a message is; None if it is none."""
    parts = list(_walk(message))
    status = next((part for part in message.walk_own() if part.get_content_type() in _STATUS_PARTS), None)
    if status:
        return _standard_report(message, parts, status)
    content = next((part.content for part in parts if not part.is_multipart()), b"")
    text = decode_text(content[:_TEXT_BYTES_MAX], "utf-8")
    if "x-failed-recipients" in message:
        return _exim_report(message, parts, text)
    return _qmail_report(parts, text) if _QMAIL.match(text) else None


def _walk(message: Part) -> Iterator[Part]:
    """Return all parts. The library reads no message that is encoded (RFC 6532) or starts with an empty line."""
    outer = message
    for part in message.walk():
        if outer.get_content_maintype() == "message" and not part.keys():
            part["content-transfer-encoding"] = outer.get("content-transfer-encoding", "")
            yield from parse(part.content.lstrip(b"\n")).walk()
        else:
            yield part
        outer = part


def _standard_report(message: Part, parts: Sequence[Part], status: Part) -> DeliveryReport:
    """Return a report. Without a copy of the message, it can name it in a field of Gmail's, or answer it."""
    groups = [*status.walk()][1:]
    groups += [parse(group) for each in groups for group in each.content.split(b"\n\n") if group]
    failures = [_failure(each) for each in groups if each.get("action", "").casefold() == "failed"]
    others = [*(each.get("x-original-message-id", "") for each in groups), message.get("in-reply-to", "")]
    id = _reported_id(parts) or next((id for each in others for id in read_ids(each)), None)
    return DeliveryReport(message_id=id, failures=tuple(failures[:FAILURES_MAX]))


def _failure(fields: Part) -> ReportedFailure:
    """Return the failure of one recipient, whose original address is that of the message, before any forwarding."""
    recipients = (_recipient(fields.get(name, "")) for name in ("original-recipient", "final-recipient"))
    recipient = next((each for each in recipients if each), None)
    return _reported(recipient, fields.get("status", ""), fields.get("diagnostic-code", ""))


def _recipient(field: str) -> str | None:
    """Return the address in a field such as `rfc822; ada@example.com`."""
    mailboxes = read_mailboxes(field.rpartition(";")[2])
    return mailboxes[0].address if mailboxes else None


def _reported(recipient: str | None, status: str, diagnostic: str) -> ReportedFailure:
    """Return a failure. The code of the remote server counts if the other says nothing about the reason (5.0.0)."""
    codes = [found[0] for text in (status, diagnostic) for found in _STATUS.finditer(text[:1_000])]
    code = next((each for each in codes if not each.endswith(".0.0")), next(iter(codes), None))
    return ReportedFailure(recipient=recipient, status=code, is_permanent=bool(code and _DEAD.fullmatch(code)))


def _exim_report(message: Part, parts: Sequence[Part], text: str) -> DeliveryReport:
    """Return a report of Exim, which names the recipients in a header, and the reasons in the text below them."""
    failures = []
    for mailbox in read_mailboxes(", ".join(message.get_all("x-failed-recipients", []))):
        _, _, reason = text.partition(mailbox.address)
        failures.append(_reported(mailbox.address, "", re.split(r"\n\s*\n|\n------", reason)[0]))
    return DeliveryReport(message_id=_reported_id(parts) or _id_in(text), failures=tuple(failures[:FAILURES_MAX]))


def _qmail_report(parts: Sequence[Part], text: str) -> DeliveryReport:
    """Return a report of qmail, in which paragraphs have the recipients and the reasons (QSBMF)."""
    paragraphs = (_QMAIL_RECIPIENT.match(each) for each in text.replace("\r\n", "\n").split("\n\n"))
    failures = [_reported(clean_line(each[1], 320), "", each[2]) for each in paragraphs if each]
    return DeliveryReport(message_id=_reported_id(parts) or _id_in(text), failures=tuple(failures[:FAILURES_MAX]))


def _reported_id(parts: Sequence[Part]) -> str | None:
    """Return the Message-ID in the copy of the message, or of its headers, that a report contains."""
    return next(iter(_reported_ids(parts)), None)


def _reported_ids(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts[1:]:
        copy = parse(part.content) if part.get_content_type() == "text/rfc822-headers" else part
        yield from read_ids(copy.get("message-id", ""))[:1]


def _id_in(text: str) -> str | None:
    found = _MESSAGE_ID.search(text)
    return next(iter(read_ids(found[1])), None) if found else None
