"""Format follow-ups as e-mail messages (RFC 5322)."""

import re
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from urllib.parse import quote

from email_validator import EmailNotValidError, validate_email

from leads_adapters.notifiers.signature import sign, unsubscribe_line
from leads_domain.notifier import FollowUpNotice, Refused

# Not every server supports 8BITMIME. Lines of quoted-printable text have up to 76 characters, and =46rom adds two.
_SEVEN_BITS = SMTP.clone(cte_type="7bit", max_line_length=74)

_PLAIN = re.compile(r"(?!.*=\?)[ -~]{1,200}")


class _Subject(str):
    """A subject that the email package neither decodes nor folds: it would read `=?` in a name as an encoded word."""

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: EmailPolicy) -> str:
        """Return the header: plain if it is a short line of ASCII, else in encoded words (RFC 2047)."""
        plain = _PLAIN.fullmatch(self)
        encoded = self if plain else Header(self, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {encoded}{policy.linesep}"


class _Link(str):
    """A header with a URL, which the email package does not fold: it would write a long URL as an encoded word."""

    __slots__ = ()
    name = "List-Unsubscribe"

    def fold(self, *, policy: EmailPolicy) -> str:
        """Return the header as one line. It is far shorter than the maximum of 998 characters (RFC 5322)."""
        return f"{self.name}: <{self}>{policy.linesep}"


def mailbox(text: str) -> Address:
    """Return the mailbox in `text`, such as `Sales <sales@example.com>`; raises `ValueError`."""
    header = SMTP.header_factory("From", text) if text.isprintable() else None
    if header is None or header.defects or len(header.addresses) != 1 or not header.addresses[0].addr_spec.isascii():
        message = "sender must be one mailbox with an ASCII address, such as Sales <sales@example.com>"
        raise ValueError(message)
    found: Address = header.addresses[0]
    return found


def recipient_address(notice: FollowUpNotice) -> Address:
    """Return the address of the recipient, with its domain in ASCII, which every server accepts; raises `Refused`."""
    try:
        valid = validate_email(notice.email or "", check_deliverability=False)
    except EmailNotValidError:
        raise Refused("The recipient has no valid e-mail address.") from None
    if "=?" in valid.local_part:
        # The email package decodes =?utf-8?q?x=0D=0ABcc=3A=20eve=40example.org?=@example.com, and writes a Bcc.
        raise Refused("The e-mail address of the recipient contains `=?`, which mail programs decode (RFC 2047).")
    return Address(username=valid.local_part, domain=valid.ascii_domain)


def write_message(notice: FollowUpNotice, sender: Address, subject: str) -> EmailMessage:
    """Return the message for a notice, with the details or the unsubscribe link as its signature.

    Raises `Refused` if the e-mail address is missing or invalid. The address has no name: it is unchecked input, and
    the email package is slow and unreliable with hostile names.
    """
    message = EmailMessage(_SEVEN_BITS)
    message["From"] = sender
    message["To"] = recipient_address(notice)
    message["Subject"] = _Subject(subject)
    message["Date"] = datetime.now(UTC)
    # The same for every attempt: servers and mailboxes can detect a duplicate.
    message["Message-ID"] = f"<{quote(notice.idempotency_key, safe='')}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic replies
    if notice.unsubscribe_url:
        message["List-Unsubscribe"] = _Link(notice.unsubscribe_url)
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    _write_text(message, sign(notice.message, notice.details, unsubscribe_line(notice)))
    return message


def _write_text(message: EmailMessage, text: str) -> None:
    """Encode the text so that it arrives unchanged: quoted-printable protects blanks at line ends.

    It does not protect `From ` at the start of a line, which smtplib and mailboxes change to `>From ` (RFC 2049, 3).
    """
    message.set_content(text, cte="quoted-printable")
    message.set_payload(re.sub(r"^From ", "=46rom ", str(message.get_payload()), flags=re.MULTILINE))
