"""Test that mailboxes on a mail server, in a folder and in memory fulfil the contract of `MailSource`."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

from contracts.mail_source import MailSourceContract, RunningMailbox
from fakes import MemoryMailbox
from imap_server import ImapUser, RunningImapServer, an_imap_server
from leads_adapters.mail.urls import open_mailbox
from leads_domain.mail_source import MailSource


class OnImap:
    """The mailbox of a user of an IMAP server."""

    def __init__(self, user: ImapUser) -> None:
        self.user = user

    def open(self) -> MailSource:
        return open_mailbox(self.user.url())

    def add(self, *messages: bytes) -> None:
        self.user.add(*messages)

    def count_seen(self) -> tuple[int, int]:
        seen = [r"\Seen" in flags for flags in self.user.flags()]
        return seen.count(True), seen.count(False)

    def delete(self) -> None:
        self.user.delete()

    def remove(self) -> MailSource:
        return open_mailbox(self.user.url(folder="nowhere"))


class InFolder:
    """A folder, with its name in a form that URLs need to encode."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "Eingänge #1"
        for name in ("new", "cur", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self.numbers = count(1)

    def open(self) -> MailSource:
        return open_mailbox(f"maildir://{quote(str(self.folder))}")

    def add(self, *messages: bytes) -> None:
        for message in messages:
            (self.folder / "new" / f"170000000{next(self.numbers)}.M1P1.host").write_bytes(message)

    def count_seen(self) -> tuple[int, int]:
        files = [file.name for name in ("new", "cur") for file in (self.folder / name).iterdir()]
        seen = [name.endswith(":2,S") for name in files]
        return seen.count(True), seen.count(False)

    def delete(self) -> None:
        for file in [*(self.folder / "new").iterdir(), *(self.folder / "cur").iterdir()]:
            file.unlink()

    def remove(self) -> MailSource:
        return open_mailbox("maildir:///nowhere/at/all")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningImapServer]:
    with an_imap_server() as running:
        yield running


class TestImapMailbox(MailSourceContract):
    @pytest.fixture
    def mailbox(self, server: RunningImapServer) -> RunningMailbox:
        return OnImap(server.user())


class TestMaildir(MailSourceContract):
    @pytest.fixture
    def mailbox(self, tmp_path: Path) -> RunningMailbox:
        return InFolder(tmp_path)


class TestMemoryMailbox(MailSourceContract):
    @pytest.fixture
    def mailbox(self) -> RunningMailbox:
        return MemoryMailbox()
