"""Read the messages of a mailbox on a mail server (IMAP, RFC 3501).

Nothing is remembered from one connection to the next, so it does not matter whether the server numbers its messages
anew (UIDVALIDITY). See `docs/decisions/0049-mailboxes.md`.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from imap_tools import BaseMailBox
from imap_tools.errors import (
    ImapToolsError,
    MailboxFetchError,
    MailboxFlagError,
    MailboxLoginError,
    UnexpectedCommandStatusError,
)
from imap_tools.utils import check_command_status

from leads_adapters.deadline import Deadline
from leads_domain.incoming_mail import MAIL_BYTES_MAX
from leads_domain.mail_source import MailSourceUnavailable, Take

STARTTLS, TLS, PLAIN = "imap+starttls", "imaps", "imap"
PORTS = {PLAIN: 143, STARTTLS: 143, TLS: 993}

DELIVERY_SECONDS = 120.0
"""The time for one delivery, with the time that it takes to store the messages."""

READ_SECONDS = 20.0
"""The time in which the server must accept the connection, and continue each response."""

CHECK_SECONDS = 8.0

OTHER_BYTES_MAX = 2**25
"""The maximum number of bytes that a server may send besides messages: two million numbers of unseen messages."""

_UNSEEN = "UNSEEN UNDELETED"
_QUOTED = re.compile(rb'BODY\[\](?:<0>)? "((?:[^"\\]|\\.)*)"')
_RESPONSE_CODE = re.compile(rb"\[([A-Z][A-Z0-9-]{0,39})\]")

_PROBLEMS: Mapping[type[Exception], str] = {
    TimeoutError: "did not respond in time",
    ssl.SSLCertVerificationError: "has a certificate that is not valid for its name, or not trusted",
    ssl.SSLError: "does not offer TLS at this port",
    socket.gaierror: "could not be reached: its name is unknown",
    OSError: "could not be reached: {}",
    MailboxLoginError: "refused the login",
    MailboxFetchError: "refused to send a message",
    UnexpectedCommandStatusError: "refused a command",
    imaplib.IMAP4.readonly: "does not allow to mark messages as seen in this folder",
    imaplib.IMAP4.abort: "disconnected, or sent a response that is not IMAP",
}
"""What the mail server did. The first kind that fits an error describes it."""


@dataclass(frozen=True, slots=True)
class ImapServer:
    """The address, login and folder of a mailbox. The schemes `imap+starttls` and `imaps` require TLS."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


class ImapMailbox:
    """A mailbox on a mail server. Each delivery opens a new connection."""

    def __init__(self, server: ImapServer, seconds: float = DELIVERY_SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._left: set[tuple[str, str]] = set()

    def deliver(self, take: Take, limit: int) -> int:
        """See `MailSource.deliver`."""
        deadline = Deadline(self._seconds)
        with _in_time():
            return deadline.run(lambda: self._deliver(take, limit, deadline))

    def check(self) -> None:
        """Connect, log in, and open the folder so that nothing in it can change."""
        deadline = Deadline(min(self._seconds, CHECK_SECONDS))
        with _in_time():
            deadline.run(lambda: self._check(deadline))

    def _check(self, deadline: Deadline) -> None:
        with _connected(self._server, deadline, 0) as mailbox, _explained():
            mailbox.folder.set(self._server.folder, readonly=True)

    def _deliver(self, take: Take, limit: int, deadline: Deadline) -> int:
        """Deliver messages. Those that the server refuses to send stay unseen, and are reported at the end."""
        stored = 0
        refused: list[MailboxFetchError] = []
        with _connected(self._server, deadline, limit) as mailbox:
            with _explained():
                mailbox.folder.set(self._server.folder)
                _check_markable(mailbox)
                validity = _uidvalidity(mailbox)
                unseen = self._unseen(mailbox, validity)
            for uid in unseen[:limit]:
                self._left.add((validity, uid))  # a message that cannot be read must not block those behind it
                with _explained():
                    try:
                        message = _read(mailbox, uid)
                    except MailboxFetchError as error:
                        refused.append(error)
                        continue
                if message is None:  # deleted in the meantime
                    continue
                self._left.discard((validity, uid))
                if take(message):
                    with _explained():
                        _mark_seen(mailbox, uid, validity)
                    stored += 1
                else:
                    self._left.add((validity, uid))
        if refused:
            raise _unavailable(refused[0])
        return stored

    def _unseen(self, mailbox: BaseMailBox, validity: str) -> Sequence[str]:
        """Return the unseen messages in their order, those that failed before behind all others."""
        unseen = mailbox.uids(_UNSEEN, charset=None)  # some servers refuse a charset
        self._left &= {(validity, uid) for uid in unseen}
        return sorted(unseen, key=lambda uid: (validity, uid) in self._left)


class _MailBox(BaseMailBox):
    """A mailbox of imap-tools whose connection has a deadline and a maximum size of responses."""

    def __init__(self, server: ImapServer, deadline: Deadline, messages: int) -> None:
        self._server = server
        self._deadline = deadline
        self._messages = messages
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = _Client(self._server, self._deadline, self._messages)
        if self._server.scheme == STARTTLS:
            try:
                client.starttls(ssl.create_default_context())
            except BaseException:
                _close(client)
                raise
        return client


class _Client(imaplib.IMAP4):
    """A connection that its deadline can shut down, with limited memory for what the server sends."""

    def __init__(self, server: ImapServer, deadline: Deadline, messages: int) -> None:
        self._tls = ssl.create_default_context() if server.scheme == TLS else None
        self._deadline = deadline
        self._bytes_left = messages * MAIL_BYTES_MAX + OTHER_BYTES_MAX
        super().__init__(server.host, server.port, min(deadline.seconds, READ_SECONDS))

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout)
        self._deadline.watch(connection)
        return self._tls.wrap_socket(connection, server_hostname=self.host) if self._tls else connection

    def read(self, size: int) -> bytes:
        """Read a literal."""
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line."""
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise self.abort("The server sends too much.")


@contextmanager
def _connected(server: ImapServer, deadline: Deadline, messages: int) -> Iterator[BaseMailBox]:
    with _explained():
        mailbox = _MailBox(server, deadline, messages)
    try:
        with _explained():
            _log_in(mailbox, server)
        yield mailbox
    finally:
        # Do not wait for the reply to LOGOUT: everything is done.
        with suppress(OSError, imaplib.IMAP4.error):
            mailbox.client.send(b"Z LOGOUT\r\n")
        _close(mailbox.client)


def _log_in(mailbox: BaseMailBox, server: ImapServer) -> None:
    ascii_only = (server.user + server.password).isascii()
    log_in = mailbox.login if ascii_only else mailbox.login_utf8
    try:
        log_in(server.user, server.password, None)
    except imaplib.IMAP4.abort:  # disconnected
        raise
    except imaplib.IMAP4.error as error:  # from imaplib: imap-tools does not see that the server refuses the login
        raise MailboxLoginError(("NO", [str(error).encode()]), "OK") from None


def _close(client: imaplib.IMAP4) -> None:
    with suppress(OSError):  # it is closed already
        client.shutdown()


def _check_markable(mailbox: BaseMailBox) -> None:
    """Refuse a folder that forgets which messages are seen: the first messages would come again for ever."""
    [flags] = mailbox.client.response("PERMANENTFLAGS")[1][-1:]
    if flags is not None and rb"\seen" not in flags.lower():
        raise imaplib.IMAP4.readonly


def _read(mailbox: BaseMailBox, uid: str) -> bytes | None:
    """Return the start of a message without marking it, or None if it does not exist any more."""
    result = mailbox.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAIL_BYTES_MAX}>)")
    check_command_status(result, MailboxFetchError)
    for item in result[1]:
        if isinstance(item, tuple) and b"BODY[]" in item[0]:
            return bytes(item[1])
        if isinstance(item, bytes) and (quoted := _QUOTED.search(item)):
            return re.sub(rb"\\(.)", rb"\1", quoted[1])
    return None


def _mark_seen(mailbox: BaseMailBox, uid: str, validity: str) -> None:
    if _uidvalidity(mailbox) not in ("", validity):
        raise imaplib.IMAP4.error("The server has numbered its messages anew.")
    # Not `mailbox.flag`: it expunges, so what people have marked as deleted in their mail program would be lost.
    check_command_status(mailbox.client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"), MailboxFlagError)


def _uidvalidity(mailbox: BaseMailBox) -> str:
    """Return the UIDVALIDITY that the server has sent since the last call, or an empty text."""
    values = mailbox.client.response("UIDVALIDITY")[1]
    return values[-1].decode("ascii", "replace") if values and values[-1] else ""


@contextmanager
def _in_time() -> Iterator[None]:
    """Convert the end of a deadline to `MailSourceUnavailable`."""
    try:
        yield
    except TimeoutError as error:
        raise _unavailable(error) from None


@contextmanager
def _explained() -> Iterator[None]:
    """Convert errors of the connection to `MailSourceUnavailable`, without the texts of the server."""
    try:
        yield
    except (OSError, ImapToolsError, imaplib.IMAP4.error, ValueError) as error:
        raise _unavailable(error) from None


def _unavailable(error: Exception) -> MailSourceUnavailable:
    return MailSourceUnavailable(f"The mail server {_problem(error)}.")


def _problem(error: Exception) -> str:
    """Describe an error, with "The mail server" as the subject."""
    text = next((text for kind, text in _PROBLEMS.items() if isinstance(error, kind)), "sent an unexpected response")
    if isinstance(error, UnexpectedCommandStatusError):
        return f"{text}{_code(error.command_result)}"
    return text.format(type(error).__name__)


def _code(result: tuple[object, ...]) -> str:
    """Return the code of a response (RFC 5530), such as AUTHENTICATIONFAILED, but not its text."""
    found = _RESPONSE_CODE.search(b" ".join(part for part in result[1] if isinstance(part, bytes)))  # type: ignore[attr-defined]
    return f" with {found[1].decode()}" if found else ""
