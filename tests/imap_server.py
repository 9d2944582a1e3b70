"""Run a real IMAP server (pymap, in memory) with a fresh user for each test."""

import asyncio
import ssl
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Event, Thread
from urllib.parse import quote
from uuid import uuid4

from imap_tools import MailBoxUnencrypted, MailMessageFlags
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import DictBackend, Identity
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import BuiltinHash

PASSWORD = "p@ss/w:rd #1"
_OPTIONS = Namespace(
    debug=False,
    host=None,
    port=0,
    cert=None,
    key=None,
    inherited_sockets=None,
    proxy_protocol=None,
    demo_data=False,
    demo_user="demo",
    demo_password="demo",
)


@dataclass(frozen=True)
class ImapUser:
    """A user of the server, with a mailbox that is empty at first."""

    port: int
    name: str
    _identity: Identity
    _loop: asyncio.AbstractEventLoop

    def url(self, scheme: str = "imap", folder: str = "", password: str = PASSWORD) -> str:
        """Return the URL of the mailbox, or of another folder."""
        login = f"{quote(self.name, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{login}@localhost:{self.port}/{quote(folder)}"

    def add(self, *messages: bytes, folder: str = "INBOX", flags: tuple[str, ...] = ()) -> None:
        """Let messages arrive."""
        asyncio.run_coroutine_threadsafe(self._add(messages, folder, flags), self._loop).result(10)

    async def _add(self, messages: tuple[bytes, ...], folder: str, flags: tuple[str, ...]) -> None:
        async with self._identity.new_session() as session:
            if folder != "INBOX":
                await session.mailbox_set.add_mailbox(folder)
            mailbox = await session.mailbox_set.get_mailbox(folder)
            for message in messages:
                await mailbox.append(AppendMessage(message, datetime.now(UTC), frozenset(map(Flag, flags))))

    def renumber(self) -> None:
        """Replace the inbox by a new one with another UIDVALIDITY, as after a restore of the server."""
        self._identity.config.set_cache.pop(self.name, None)

    def flags(self) -> list[set[str]]:
        """Return the flags of all messages."""
        with self._client() as client:
            fetched = client.fetch(mark_seen=False)
            return [{*each.flags} - {MailMessageFlags.RECENT} for each in fetched]

    def delete(self) -> None:
        """Delete all messages."""
        with self._client() as client:
            client.delete(client.uids())

    def _client(self) -> MailBoxUnencrypted:
        client = MailBoxUnencrypted("localhost", self.port, timeout=10)
        client.login_utf8(self.name, PASSWORD)
        return client


@dataclass
class RunningImapServer:
    """A server with users that tests add."""

    port: int
    _backend: DictBackend
    _loop: asyncio.AbstractEventLoop
    _numbers: Iterator[int] = field(default_factory=count)

    def user(self, name: str = "sales") -> ImapUser:
        """Add a user with a new name that starts with this one."""
        address = f"{name}-{next(self._numbers)}@example.com"
        adding = self._identity(address)
        return ImapUser(self.port, address, asyncio.run_coroutine_threadsafe(adding, self._loop).result(10), self._loop)

    async def _identity(self, name: str) -> Identity:
        config = self._backend.config
        identity = Identity(name, self._backend.login, None, frozenset())
        await identity.set(UserMetadata(config, name, password=await Passwords(config).hash_password(PASSWORD)))
        return identity


@contextmanager
def an_imap_server(
    *, starttls: ssl.SSLContext | None = None, implicit_tls: ssl.SSLContext | None = None
) -> Iterator[RunningImapServer]:
    """Run a server on a free port."""
    loop, ready, stop = asyncio.new_event_loop(), Event(), asyncio.Event()
    running: list[RunningImapServer] = []

    async def serve() -> None:
        options = Namespace(**vars(_OPTIONS), tls=starttls is not None)
        backend, config = await DictBackend.init(
            options,
            ssl_context=starttls,
            secure_auth=False,
            invalid_user_sleep=0,
            reject_dnsbl=False,
            hash_context=BuiltinHash(rounds=1),
        )
        config.apply_context()
        imap = IMAPServer(backend.login, config)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Not `ProxyProtocolReader.get_callback`: it keeps no reference to its task, so the garbage collector can
            # end a connection.
            result = await ProxyProtocolReader(config.proxy_protocol).read(reader)
            await imap(reader, writer, SocketInfo.get(writer, result, unique_id=uuid4().bytes))

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=implicit_tls)
        running.append(RunningImapServer(server.sockets[0].getsockname()[1], backend, loop))
        ready.set()
        await stop.wait()
        server.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        thread = Thread(target=runner.run, args=[serve()])
        thread.start()
        assert ready.wait(30)
        try:
            yield running[0]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)
