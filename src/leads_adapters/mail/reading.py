"""Read messages as they come from the internet: broken, hostile, cut, and in every dialect.

`docs/decisions/0048-reading-mail.md` says what counts as what, and why.
"""

from leads_adapters.mail.automatic import automatic_reason
from leads_adapters.mail.charsets import clean_line
from leads_adapters.mail.headers import IDS_MAX, decode_words, read_ids, read_mailboxes
from leads_adapters.mail.parts import Part, parse
from leads_adapters.mail.reports import report_of
from leads_adapters.mail.text import attachments_of, text_of, unreadable
from leads_domain.incoming_mail import MAIL_BYTES_MAX, IncomingMail

SUBJECT_MAX = 500
UNREADABLE = "The message could not be read. Read it in a mail program."
NO_HEADERS = "The message has no headers, so its sender is unknown."

_DATE_MAX = 100


def read_mail(data: bytes) -> IncomingMail:
    """Return what a message says. Only its first `MAIL_BYTES_MAX` bytes count. No message raises an error."""
    try:
        return _read(data[:MAIL_BYTES_MAX])
    except Exception:  # noqa: BLE001 - whatever a stranger sends, the messages behind it must be read
        return IncomingMail(broken=UNREADABLE)


def _read(data: bytes) -> IncomingMail:
    message = parse(data)
    return IncomingMail(
        message_id=next(iter(read_ids(message.get("message-id", ""))), None),
        senders=read_mailboxes(", ".join(message.get_all("from", []))),
        reply_to=read_mailboxes(", ".join(message.get_all("reply-to", []))),
        date=clean_line(message.get("date", ""), _DATE_MAX) or None,
        subject=clean_line(decode_words(message.get("subject", "")), SUBJECT_MAX),
        text=text_of(message),
        attachments=attachments_of(message),
        references=_references(message),
        automatic=automatic_reason(message),
        report=report_of(message),
        broken=unreadable(message) if message.keys() else NO_HEADERS,
    )


def _references(message: Part) -> tuple[str, ...]:
    """Return the messages that this one replies to, each once, that of In-Reply-To first."""
    headers = (message.get("in-reply-to", ""), message.get("references", ""))
    return tuple(dict.fromkeys(id for header in headers for id in read_ids(header)))[:IDS_MAX]
