"""Recognise a message that has arrived before, in any mailbox.

See `docs/decisions/0050-replies-and-repeats.md`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

from leads_domain.incoming_mail import IncomingMail, Mailbox
from leads_domain.submission import digest_of

_DATE_MAX = 100


def message_digest(mail: IncomingMail) -> str | None:
    """Return the digest of the Message-ID, the people and the date; None without a Message-ID or a date.

    Some programs give all their messages the same Message-ID. The date tells these apart.
    """
    date = _date(mail)
    if not (mail.message_id and date):
        return None
    return digest_of("mail", {"id": mail.message_id.strip(), **_people(mail), "date": date})


def content_digest(mail: IncomingMail) -> str | None:
    """Return the digest of the sender, the date, and what the message says; None if it says nothing.

    Servers may rewrite the Message-ID, fold lines, and write a date in another time zone. Without a date or a sender,
    the Message-ID tells apart messages of the same words. Delivery reports about several messages to one address can
    differ in nothing but the message that they report.
    """
    date = _date(mail)
    said = {
        **_people(mail),
        "subject": _folded(mail.subject),
        "text": _folded(mail.text),
        "attachments": _folded(" ".join(mail.attachments)),
        "reported": (mail.report.message_id or "") if mail.report else "",
        "date": date,
        "id": "" if date and mail.senders else (mail.message_id or "").strip(),
    }
    return digest_of("mail content", said) if any(said.values()) else None


def _people(mail: IncomingMail) -> Mapping[str, str]:
    """Return who writes. Forms of websites write from one address, and name the person in `Reply-To`."""
    return {"from": _addresses(mail.senders), "reply_to": _addresses(mail.reply_to)}


def _addresses(mailboxes: Sequence[Mailbox]) -> str:
    return " ".join(sorted(each.address.strip().casefold() for each in mailboxes))


def _date(mail: IncomingMail) -> str:
    """Return the date in UTC; as it is written if it cannot be read."""
    text = _folded(mail.date or "")[:_DATE_MAX]
    try:
        date = parsedate_to_datetime(text)
        return (date.astimezone(UTC) if date.tzinfo else date).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return text


def _folded(text: str) -> str:
    return " ".join(text.split())
