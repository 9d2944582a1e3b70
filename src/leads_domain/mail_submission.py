"""Keep an incoming message as the fields of a submission, and read it back."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from leads_domain.control_characters import on_one_line
from leads_domain.incoming_mail import DeliveryReport, IncomingMail, Mailbox, ReportedFailure, own_id
from leads_domain.submission import storable

TEXT_MAX = 65_536
"""The number of characters of a text that are kept. An enquiry has fewer."""

LINE_MAX = 1000
"""The maximum number of characters of a subject, an address, a name or a Message-ID that are kept."""

LINES_MAX = 20
"""The maximum number of addresses, attachments, references and failures that are kept, of each."""

_PREFIX = "mailbox:"
_UNKNOWN = "-"
_PERMANENT, _TEMPORARY = "permanent", "temporary"


def origin_of(mailbox: str) -> str:
    """Return the origin of the messages of a mailbox: `mailbox:sales`."""
    return f"{_PREFIX}{mailbox}"


def is_mailbox(origin: str) -> bool:
    """Return whether an origin is that of a mailbox."""
    return origin.startswith(_PREFIX)


def mail_content(mail: IncomingMail) -> Mapping[str, str]:
    """Return the content of a submission: what a message says, as text that a person can read. Empty fields are absent.

    Fields with several values have one on each line. Of the `references`, only Message-IDs of ours are kept. Long
    values are cut, so that the content of a message is always smaller than 1 MiB.
    """
    lines = {
        "from": _lines(each.address for each in mail.senders),
        "name": _lines(each.name for each in mail.senders),
        "reply_to": _lines(each.address for each in mail.reply_to),
        "reply_to_name": _lines(each.name for each in mail.reply_to),
        "subject": _line(mail.subject),
        "message": storable(mail.text)[:TEXT_MAX],
        "attachments": _lines(mail.attachments),
        "date": _line(mail.date or ""),
        "message_id": _line(mail.message_id or ""),
        "references": _lines(each for each in mail.references if own_id(each)),
        "automatic": _line(mail.automatic or ""),
        "broken": _line(mail.broken or ""),
    }
    return {**{field: text for field, text in lines.items() if text}, **_report_content(mail.report)}


def mail_of(content: Mapping[str, str]) -> IncomingMail:
    """Return the message that `mail_content` was made of, without what was cut."""
    return IncomingMail(
        message_id=content.get("message_id"),
        senders=_mailboxes(content.get("from"), content.get("name")),
        reply_to=_mailboxes(content.get("reply_to"), content.get("reply_to_name")),
        date=content.get("date"),
        subject=content.get("subject", ""),
        text=content.get("message", ""),
        attachments=_split(content.get("attachments")),
        references=_split(content.get("references")),
        automatic=content.get("automatic"),
        report=_report(content),
        broken=content.get("broken"),
    )


def _report_content(report: DeliveryReport | None) -> Mapping[str, str]:
    """Return the fields of a report: for each failure a line such as `5.1.1 permanent ada@example.com`."""
    if report is None:
        return {}
    failures = _lines(
        f"{_word(each.status)} {_PERMANENT if each.is_permanent else _TEMPORARY} {each.recipient or _UNKNOWN}"
        for each in report.failures
    )
    return {"reported_message_id": _line(report.message_id or ""), "reported_failures": failures}


def _report(content: Mapping[str, str]) -> DeliveryReport | None:
    if "reported_message_id" not in content:
        return None
    failures = [_failure(line) for line in _split(content.get("reported_failures"))]
    return DeliveryReport(message_id=content["reported_message_id"] or None, failures=tuple(failures))


def _failure(line: str) -> ReportedFailure:
    status, kind, recipient = [*line.split(" ", 2), "", ""][:3]
    return ReportedFailure(recipient=_known(recipient), status=_known(status), is_permanent=kind == _PERMANENT)


def _known(text: str) -> str | None:
    return text if text not in ("", _UNKNOWN) else None


def _word(text: str | None) -> str:
    """Return a text without spaces."""
    return "".join((text or "").split()) or _UNKNOWN


def _mailboxes(addresses: str | None, names: str | None) -> Sequence[Mailbox]:
    pairs = zip_longest(_split(addresses), _split(names), fillvalue="")
    return tuple(Mailbox(address=address, name=name) for address, name in pairs)


def _lines(texts: Iterable[str]) -> str:
    """Return texts as lines. Lines that are empty keep their place, unless all are."""
    lines = [_line(text) for text in texts][:LINES_MAX]
    return "\n".join(lines) if any(lines) else ""


def _split(lines: str | None) -> Sequence[str]:
    return tuple(lines.split("\n")) if lines else ()


def _line(text: str) -> str:
    return on_one_line(storable(text))[:LINE_MAX].strip()
