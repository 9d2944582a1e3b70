"""Send follow-ups as e-mail through a mail server (SMTP, RFC 5321).

Errors of the connection, the login or the sender are `TryAgain`: the operator can correct them. A permanent error (5yz)
for the recipient or the message is `Refused`.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from leads_adapters.deadline import Deadline
from leads_adapters.notifiers.mail import mailbox, write_message
from leads_adapters.notifiers.options import check_names, parse_timeout
from leads_domain.notifier import Address, FollowUpNotice, NoticeKind, NotificationError, Receipt, Refused, TryAgain

OPTIONS = ("url", "sender", "subject", "timeout")
SUBJECT = "Follow-up"
"""The subject of a notice without one."""

CHECK_SECONDS = 8.0

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_AUTHENTICATION_REQUIRED = 530  # RFC 4954, section 6: a reply to any command


@dataclass(frozen=True, slots=True)
class MailServer:
    """The address and login of a mail server. The schemes `smtp+starttls` and `smtps` require TLS."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)


class SmtpNotifier:
    """Send each notice as a separate message over a new connection."""

    needs: Address | None = Address.EMAIL

    def __init__(self, server: MailServer, sender: Mailbox, subject: str, seconds: float) -> None:
        self._server = server
        self._sender = sender
        self._subject = subject
        self._seconds = seconds
        self._tls = ssl.create_default_context()

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Send a notice. Errors do not quote the server's text: it may contain the message."""
        message = write_message(notice, self._sender, self._subject_of(notice))
        self._with_connection(self._seconds, lambda connection: _send(connection, message, self._sender.addr_spec))
        return Receipt(message["Message-ID"])

    def check(self) -> None:
        """Connect and log in."""
        self._with_connection(min(self._seconds, CHECK_SECONDS), lambda _: None)

    def _subject_of(self, notice: FollowUpNotice) -> str:
        """Return the channel's subject for a message to a lead, which has no details, else that of the notice."""
        is_to_lead = notice.kind is NoticeKind.FOLLOW_UP and not notice.details
        return (self._subject if is_to_lead else "") or notice.subject or SUBJECT

    def _with_connection(self, seconds: float, use: Callable[[smtplib.SMTP], None]) -> None:
        deadline = Deadline(seconds)
        try:
            deadline.run(lambda: self._run(use, deadline))
        except OSError as error:  # the base class of all smtplib errors
            raise TryAgain(f"The mail server {_channel_error(error)}.") from None

    def _run(self, use: Callable[[smtplib.SMTP], None], deadline: Deadline) -> None:
        with closing(_Connection(self._server, self._tls, deadline, self._sender.domain)) as connection:
            if self._server.scheme == "smtp+starttls":
                connection.starttls(context=self._tls)
            if self._server.user:
                connection.login(self._server.user, self._server.password)
            use(connection)
            # Do not wait for the reply to QUIT: the message is accepted already.
            with suppress(OSError):
                connection.putcmd("quit")


class _Connection(smtplib.SMTP):
    """An SMTP connection with a deadline."""

    def __init__(self, server: MailServer, tls: ssl.SSLContext, deadline: Deadline, name: str) -> None:
        self._tls = tls if server.scheme == "smtps" else None
        self._deadline = deadline
        # Without a name, smtplib asks the resolver for one, which may be slow.
        super().__init__(server.host, server.port, local_hostname=name, timeout=deadline.seconds)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Connect like smtplib, but watch the socket before the first reply, and start TLS at once if required."""
        self.sock = socket.create_connection((host, port), self.timeout, source_address)
        self._deadline.watch(self.sock)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=host)
        return self.getreply()


def _send(connection: smtplib.SMTP, message: EmailMessage, sender: str) -> None:
    """Send `message` to its only recipient. With several, smtplib would not raise if the server refuses one."""
    [recipient] = message["To"].addresses
    try:
        connection.send_message(message, sender, [recipient.addr_spec])
    except smtplib.SMTPNotSupportedError:
        raise Refused("The mail server accepts only ASCII, and the e-mail address of the recipient is not.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal("recipient", *error.recipients[recipient.addr_spec]) from None
    except smtplib.SMTPDataError as error:
        raise _refusal("message", error.smtp_code, error.smtp_error) from None


def _channel_error(error: OSError) -> str:
    """Describe an error of the channel, with "The mail server" as the subject."""
    match error:
        case TimeoutError() | smtplib.SMTPServerDisconnected(__context__=TimeoutError()):  # smtplib wraps it
            return "did not respond in time"
        case smtplib.SMTPAuthenticationError():
            return f"refused the login with {_reply_code(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPSenderRefused():
            return f"refused the sender with {_reply_code(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPResponseException():
            return f"responded with {_reply_code(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPNotSupportedError():
            return "does not support STARTTLS or the login, which the channel needs"
        case _:
            return f"could not be reached: {type(error).__name__}"


def _refusal(what: str, code: int, reply: bytes | str) -> NotificationError:
    permanent = str(code).startswith("5") and code != _AUTHENTICATION_REQUIRED
    return (Refused if permanent else TryAgain)(f"The mail server refused the {what} with {_reply_code(code, reply)}.")


def _reply_code(code: int, reply: bytes | str) -> str:
    """Return the code of an SMTP reply, and its enhanced status code (RFC 3463) if it has one, but not its text."""
    enhanced = re.match(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b", reply if isinstance(reply, bytes) else reply.encode())
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


def create(options: Mapping[str, str]) -> SmtpNotifier:
    """Create a notifier of the adapter `smtp`; raises `ValueError` for invalid options."""
    check_names(options, OPTIONS)
    server, sender = _server(options["url"]), mailbox(options["sender"])
    subject = options.get("subject", "")
    if "subject" in options and (not subject or not subject.isprintable()):
        raise ValueError("subject must be one line of printable text")
    return SmtpNotifier(server, sender, subject, parse_timeout(options))


def _server(url: str) -> MailServer:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        complete = bool(parts.hostname) and bool(parts.username) == bool(parts.password)
    except (ValueError, KeyError):
        complete = False
    if not complete or not url.isprintable() or parts.path.strip("/") or parts.query or parts.fragment:
        advice = "write characters such as / and @ in a password as %2F and %40"
        raise ValueError(f"url must be smtp+starttls://, smtps:// or smtp://, then user:password@host:port; {advice}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not all(text.isascii() and text.isprintable() for text in (user, password)):
        raise ValueError("user and password in url must be printable ASCII")  # smtplib supports no other characters
    return MailServer(parts.scheme, parts.hostname or "", port, user, password)
