"""A channel that sends e-mail through a mail server (SMTP, RFC 5321).

Who is at fault decides what becomes of a notice. The server, the way to it, the login and the sender are the
channel's: the operator can mend them, so the notice is tried again. What the server says of the recipient and of the
message is the notice's: a reply 5yz refuses it.
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

from leads_adapters.notifiers.deadline import Deadline
from leads_adapters.notifiers.mail import mailbox, write
from leads_adapters.notifiers.options import check_names, timeout
from leads_domain.notifier import Address, FollowUpNotice, NotificationError, Receipt, Refused, TryAgain

OPTIONS = ("url", "sender", "subject", "timeout")
SUBJECT = "Follow-up"
CHECK_SECONDS = 8.0

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_AUTHENTICATION_REQUIRED = 530  # RFC 4954, section 6: a reply to any command


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a mail server is, and how to get in; with `smtp+starttls` and `smtps` only by TLS."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)


class SmtpNotifier:
    """Sends every notice as a message of its own, over a connection of its own."""

    needs: Address | None = Address.EMAIL

    def __init__(self, server: MailServer, sender: Mailbox, subject: str, seconds: float) -> None:
        self._server = server
        self._sender = sender
        self._subject = subject
        self._seconds = seconds
        self._tls = ssl.create_default_context()

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """As the port says. No error tells what the server said: it may quote the message."""
        message = write(notice, self._sender, self._subject)
        self._visit(self._seconds, lambda connection: _hand_over(connection, message, self._sender.addr_spec))
        return Receipt(message["Message-ID"])

    def check(self) -> None:
        """As the port says: get in, and leave."""
        self._visit(min(self._seconds, CHECK_SECONDS), lambda _: None)

    def _visit(self, seconds: float, errand: Callable[[smtplib.SMTP], None]) -> None:
        deadline = Deadline(seconds)
        try:
            deadline.run(lambda: self._run(errand, deadline))
        except OSError as error:  # those of smtplib are, too
            raise TryAgain(f"The mail server {_fault(error)}.") from None

    def _run(self, errand: Callable[[smtplib.SMTP], None], deadline: Deadline) -> None:
        with closing(_Connection(self._server, self._tls, deadline, self._sender.domain)) as connection:
            if self._server.scheme == "smtp+starttls":
                connection.starttls(context=self._tls)
            if self._server.user:
                connection.login(self._server.user, self._server.password)
            errand(connection)
            # What was accepted is sent: no reply to QUIT is awaited, since none could change that.
            with suppress(OSError):
                connection.putcmd("quit")


class _Connection(smtplib.SMTP):
    """A connection that ends with its deadline."""

    def __init__(self, server: MailServer, tls: ssl.SSLContext, deadline: Deadline, name: str) -> None:
        self._tls = tls if server.scheme == "smtps" else None
        self._deadline = deadline
        # A name of one's own, because smtplib may wait for a resolver to find one.
        super().__init__(server.host, server.port, local_hostname=name, timeout=deadline.seconds)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """As smtplib does, but watched before the first reply; with TLS from the beginning if that is asked for."""
        self.sock = socket.create_connection((host, port), self.timeout, source_address)
        self._deadline.watch(self.sock)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=host)
        return self.getreply()


def _hand_over(connection: smtplib.SMTP, message: EmailMessage, sender: str) -> None:
    """Send `message` to the one recipient that it has: with one, smtplib raises if it is refused."""
    [recipient] = message["To"].addresses
    try:
        connection.send_message(message, sender, [recipient.addr_spec])
    except smtplib.SMTPNotSupportedError:
        raise Refused("The recipient's address is not in ASCII, and the mail server takes no other.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal("recipient", *error.recipients[recipient.addr_spec]) from None
    except smtplib.SMTPDataError as error:
        raise _refusal("message", error.smtp_code, error.smtp_error) from None


def _fault(error: OSError) -> str:
    """What the channel has to do with an error that is none of the notice."""
    match error:
        case TimeoutError() | smtplib.SMTPServerDisconnected(__context__=TimeoutError()):  # smtplib wraps it
            return "did not answer in time"
        case smtplib.SMTPAuthenticationError():
            return f"refused the login with {_code(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPSenderRefused():
            return f"refused the sender with {_code(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPResponseException():
            return f"answered {_code(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPNotSupportedError():
            return "offers no STARTTLS, or no login, but the channel needs it"
        case _:
            return f"could not be reached: {type(error).__name__}"


def _refusal(what: str, code: int, reply: bytes | str) -> NotificationError:
    permanent = str(code).startswith("5") and code != _AUTHENTICATION_REQUIRED
    return (Refused if permanent else TryAgain)(f"The mail server refused the {what} with {_code(code, reply)}.")


def _code(code: int, reply: bytes | str) -> str:
    """The reply's code, and its enhanced code (RFC 3463) if it has one; nothing of its text."""
    enhanced = re.match(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b", reply if isinstance(reply, bytes) else reply.encode())
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


def create(options: Mapping[str, str]) -> SmtpNotifier:
    """The factory of the adapter `smtp`; raises `ValueError` for options that it does not understand."""
    check_names(options, OPTIONS)
    server, sender = _server(options["url"]), mailbox(options["sender"])
    subject = options.get("subject", SUBJECT)
    if not subject or not subject.isprintable():
        raise ValueError("subject takes one line of printable text")
    return SmtpNotifier(server, sender, subject, timeout(options))


def _server(url: str) -> MailServer:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        complete = bool(parts.hostname) and bool(parts.username) == bool(parts.password)
    except (ValueError, KeyError):
        complete = False
    if not complete or not url.isprintable() or parts.path.strip("/") or parts.query or parts.fragment:
        advice = "write characters such as / and @ in a password as %2F and %40"
        raise ValueError(f"url takes smtp+starttls://, smtps:// or smtp://, then user:password@host:port; {advice}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not all(text.isascii() and text.isprintable() for text in (user, password)):
        raise ValueError("url takes a user and a password in printable ASCII")  # smtplib sends no other
    return MailServer(parts.scheme, parts.hostname or "", port, user, password)
