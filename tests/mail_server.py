"""Run a real SMTP server with replies that a test sets."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import Parser
from email.policy import default
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from leads_domain.testing import Behaviour

USER, PASSWORD = "ann", "hunter2-hunter2"
OK = "250 2.0.0 OK"
REPLIES = {
    Behaviour.ACCEPTS: OK,
    Behaviour.FAILS: "451 4.3.0 later",
    Behaviour.REFUSES: "550 5.7.1 never",
    Behaviour.HANGS: None,
}


@dataclass(frozen=True)
class Mail:
    """A message that the server received, and how."""

    sender: str
    recipients: list[str]
    content: bytes
    logged_in: bool
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        message = Parser(policy=default).parsestr(self.content.decode())
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        """The message's text, with the line breaks of Python."""
        text: str = self.message.get_content()
        return text.replace("\r\n", "\n")


@dataclass
class MailServer:
    """An SMTP server that accepts every message unless `replies` or `behaviour` say otherwise.

    A reply of None disconnects. While `is_paused` is set, it receives messages and does not reply.
    """

    port: int = 0
    is_paused: bool = False
    mails: list[Mail] = field(default_factory=list, repr=False)
    replies: dict[str, deque[str | None]] = field(default_factory=dict)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    behaviour: Behaviour = Behaviour.ACCEPTS
    accepted: list[Mail] = field(default_factory=list, repr=False)

    def reply(self, command: str, *replies: str | None) -> None:
        """Send these replies to the next uses of a command; None disconnects."""
        self.replies[command] = deque(replies)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient."""
        reply = await self._reply("RCPT", server)
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a sender."""
        envelope.mail_from = address
        return await self._reply("MAIL", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Record a message, also one that is then refused."""
        assert isinstance(envelope.content, bytes)
        mail = Mail(
            envelope.mail_from or "",
            envelope.rcpt_tos,
            envelope.content,
            logged_in=bool(session.authenticated),
            encrypted=transport_of(server).get_extra_info("sslcontext") is not None,
        )
        self.mails.append(mail)
        while self.is_paused:
            await asyncio.sleep(0.01)
        reply = await self._reply("DATA", server)
        if reply.startswith("2"):
            self.accepted.append(mail)
        return reply

    async def _reply(self, command: str, server: SMTP) -> str:
        replies = self.replies.get(command)
        reply = replies.popleft() if replies else REPLIES[self.behaviour] if command == "DATA" else OK
        while reply is None and self.behaviour is Behaviour.HANGS:
            await asyncio.sleep(0.01)
        if reply is None:
            transport_of(server).abort()
            raise asyncio.CancelledError
        return reply

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Accept Ann's password only."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        success = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=success, handled=False)


def transport_of(session: SMTP) -> asyncio.Transport:
    """Return the transport of a session."""
    assert isinstance(session.transport, asyncio.Transport)
    return session.transport


@contextmanager
def a_mail_server(*, port: int = 0, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[MailServer]:
    """Run a server on this port or a free one; `options` go to aiosmtpd."""
    server, listening = MailServer(), Event()
    with socket.create_server(("127.0.0.1", port)) as listener:
        server.port = listener.getsockname()[1]
        # Connections inherit this option. Without it, each reply of several lines waits for a delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()
        settings = {"hostname": "mail.example.com", "loop": loop, "authenticator": server.authenticate, **options}

        async def serve() -> None:
            sessions: list[SMTP] = []

            def session() -> SMTP:
                sessions.append(SMTP(server, **settings))
                return sessions[-1]

            running = await loop.create_server(session, sock=listener, ssl=implicit_tls)
            listening.set()
            await stop.wait()
            running.close()
            for each in sessions:
                if each.transport is not None:
                    transport_of(each).abort()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())

        thread = Thread(target=run)
        thread.start()
        assert listening.wait(30)
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)
