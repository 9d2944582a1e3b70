"""Test that no message is lost, and none is stored twice, whatever happens between fetching, storing and marking."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL
from structlog.testing import capture_logs

from contracts.mail_source import a_message
from databases import database_url
from fakes import CountingIds, FixedClock, FixedRandomSource
from imap_server import PASSWORD, ImapUser, RunningImapServer, an_imap_server
from leads_adapters.mail.reading import read_mail
from leads_adapters.mail.urls import open_mailbox
from leads_app.cli import leads
from leads_app.factories import make_database, make_engine
from leads_app.mail_fetcher import FetchedMailbox, MailFetcher
from leads_domain.incoming_mail import MAIL_BYTES_MAX
from leads_domain.paging import SubmissionQuery
from leads_domain.submission import Submission
from leads_domain.use_cases.receive_mail import ReceiveMail

SCRIPT = Path(__file__).with_name("killed_fetches.py")
EVERY = timedelta(minutes=1)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningImapServer]:
    with an_imap_server() as running:
        yield running


@pytest.fixture
def user(server: RunningImapServer) -> ImapUser:
    return server.user()


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def a_letter(number: int) -> bytes:
    """Return a message with a date, so that it has both digests."""
    return b"Date: Sun, 29 Nov 2026 08:00:00 +0000\r\n" + a_message(number, f"Text {number}")


def submissions(url: URL) -> list[Submission]:
    """Return all submissions."""

    async def read() -> list[Submission]:
        database = make_database(make_engine(url))
        try:
            return [*(await database.read(lambda work: work.submissions.page(SubmissionQuery(limit=200)))).items]
        finally:
            await database.close()

    return asyncio.run(read())


def stored_ids(url: URL) -> list[str]:
    """Return the Message-IDs of all stored messages, sorted."""
    return sorted(each.content["message_id"] for each in submissions(url))


def configure(folder: Path, mailbox: str) -> None:
    (folder / "leads.toml").write_text(f'[mailboxes.sales]\nurl = "{mailbox}"\n', "utf-8")


def fetch_killed(database: URL, mailbox: str, kills: int) -> None:
    """Fetch with this number of kills, then once more to the end."""
    urls = [database.render_as_string(hide_password=False), mailbox]
    command = [sys.executable, str(SCRIPT), str(kills), *urls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.split() == [str(kills), "0"], done.stdout + done.stderr


def test_50_kills_lose_no_message_and_store_none_twice(tmp_path: Path, maildir: Path) -> None:
    messages = 40
    for number in range(messages):
        (maildir / "new" / f"17000000{number:02}.host").write_bytes(a_letter(number))
    with database_url("sqlite", tmp_path) as url:
        assert url is not None
        fetch_killed(url, f"maildir://{maildir}", 50)
        assert stored_ids(url) == sorted(f"{number}@example.com" for number in range(messages))
    assert len([file for file in (maildir / "cur").iterdir() if file.name.endswith(":2,S")]) == messages


def test_kills_on_a_mail_server_and_postgresql_lose_no_message_and_store_none_twice(
    tmp_path: Path, user: ImapUser
) -> None:
    user.add(*map(a_letter, range(8)))
    with database_url("postgresql", tmp_path) as url:
        assert url is not None
        fetch_killed(url, user.url(), 8)
        assert stored_ids(url) == sorted(f"{number}@example.com" for number in range(8))
    assert user.flags() == [{r"\Seen"}] * 8


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_two_processes_that_fetch_one_mailbox_store_each_message_once(
    store: str, tmp_path: Path, user: ImapUser
) -> None:
    messages = 20
    user.add(*map(a_letter, range(messages)))

    async def fetch(url: URL) -> None:
        databases = [make_database(make_engine(url)) for _ in range(2)]
        receive = ReceiveMail(FixedClock(), CountingIds())
        mailboxes = [[FetchedMailbox("sales", open_mailbox(user.url()), EVERY)] for _ in databases]
        fetchers = [
            MailFetcher(database, read_mail, receive, each, FixedRandomSource())
            for database, each in zip(databases, mailboxes, strict=True)
        ]
        found = [each["sales"] for each in await asyncio.gather(*(fetcher.run_once() for fetcher in fetchers))]
        assert sum(each.stored for each in found) == messages
        assert sum(each.repeated for each in found) > 0
        for database in databases:
            await database.close()

    with database_url(store, tmp_path) as url:
        assert url is not None
        asyncio.run(fetch(url))
        assert len({*stored_ids(url)}) == len(stored_ids(url)) == messages
    assert user.flags() == [{r"\Seen"}] * messages


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with an empty database, and the mailbox `sales`, which is a pipe."""
    monkeypatch.chdir(tmp_path)
    with database_url("sqlite", tmp_path) as url:
        assert url is not None
        monkeypatch.setenv("LEADS_DATABASE_URL", str(url))
    (tmp_path / "leads.toml").write_text("[mailboxes.sales]\n", "utf-8")
    return tmp_path


def run(*arguments: str, message: bytes = b"") -> Result:
    return CliRunner().invoke(leads, arguments, input=message)


def receive(message: bytes, mailbox: str = "sales") -> Result:
    return run("receive", "--mailbox", mailbox, message=message)


def stored(folder: Path) -> list[Submission]:
    return submissions(URL.create("sqlite", database=os.environ["LEADS_DATABASE_URL"].removeprefix("sqlite:///")))


def test_a_message_that_comes_through_a_pipe_and_from_a_mail_server_is_stored_once(
    folder: Path, user: ImapUser
) -> None:
    configure(folder, user.url())
    assert receive(a_letter(1).replace(b"\r\n", b"\n")).exit_code == 0
    assert receive(a_letter(1)).exit_code == 0
    user.add(a_letter(1), a_letter(2))
    result = run("fetch", "--once")
    assert result.stdout == "sales: fetched 2 messages (1 stored before); processed 2 enquiries\n"
    assert sorted(each.content["message_id"] for each in stored(folder)) == ["1@example.com", "2@example.com"]
    user.renumber()
    user.add(a_letter(1))
    assert run("fetch", "--once").stdout == "sales: fetched 1 message (1 stored before); processed none\n"
    assert len(stored(folder)) == 2


def test_a_message_of_many_megabytes_is_read_to_its_end_and_kept_in_part(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = BytesIO(a_letter(1) + b"x" * 5 * MAIL_BYTES_MAX)
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(pipe))
    leads(["receive", "--mailbox", "sales"], standalone_mode=False)
    assert pipe.read() == b""
    [submission] = stored(folder)
    assert sum(map(len, submission.content.values())) < MAIL_BYTES_MAX


def test_garbage_is_stored_for_a_person(folder: Path) -> None:
    assert receive(b"\x00\xff garbage").exit_code == 0
    assert receive(b"\x00\xff garbage").exit_code == 0
    run("fetch", "--once")
    assert len(stored(folder)) == 1


def test_everything_but_success_asks_the_mail_server_to_try_again(folder: Path) -> None:
    def failure(result: Result) -> str:
        assert (result.exit_code, result.stdout) == (75, "")
        assert result.stderr.count("\n") == 1
        return result.stderr

    message = a_letter(1)
    assert failure(receive(message, "sails")) == "leads: Unknown mailbox 'sails'. Use one of: sales.\n"
    assert failure(receive(b"")) == "leads: There is no message on standard input.\n"
    assert "--mailbox" in failure(run("receive", message=message))
    assert "--mailboks" in failure(run("receive", "--mailboks", "sales", message=message))
    assert "unexpected extra argument" in failure(run("receive", "--mailbox", "sales", "x", message=message))
    (folder / "leads.toml").write_text("[mailboxes.sales]\nurl = 5\n")
    assert "Mailbox sales: " in failure(receive(message))
    (folder / "leads.toml").write_text('[mailboxes.sales]\nown_addresses = ["@"]\n')
    assert "Mailbox sales: own_addresses has '@'. " in failure(receive(message))
    (folder / "leads.toml").write_text("[mailboxes.sales]\n")
    Path(os.environ["LEADS_DATABASE_URL"].removeprefix("sqlite:///")).unlink()
    assert "There is no database" in failure(receive(message))
    assert "Ann" not in failure(receive(message))


def test_a_mailbox_that_fails_is_reported_after_the_others_are_fetched(folder: Path, user: ImapUser) -> None:
    user.add(a_letter(1))
    (folder / "leads.toml").write_text(
        f'[mailboxes.sales]\nurl = "maildir:///nowhere"\n[mailboxes.shop]\nurl = "{user.url()}"\n'
        '[mailboxes.away]\nurl = "imap://clara:s3cret@localhost:1"\n[mailboxes.pipe]\n',
        "utf-8",
    )
    assert receive(a_letter(2), "pipe").exit_code == 0
    with capture_logs() as log:
        result = run("fetch", "--once")
    assert result.exit_code == 1
    assert result.stdout == (
        "sales: fetched 0 messages; processed none\n"
        "shop: fetched 1 message; processed 1 enquiry\n"
        "away: fetched 0 messages; processed none\n"
        "pipe: fetched 0 messages; processed 1 enquiry\n"
    )
    assert str(result.exception) == (
        "The mailbox sales was not read to its end: /nowhere/new cannot be read: No such file or directory. "
        "The mailbox away was not read to its end: The mail server could not be reached: ConnectionRefusedError."
    )
    assert not any(text in f"{log} {result.output}" for text in ("s3cret", "clara", "Ann", PASSWORD))


def test_fetching_needs_a_mailbox_with_a_url(folder: Path) -> None:
    assert str(run("fetch", "--once").exception) == (
        "No mailbox has a url. Add a table [mailboxes.NAME] to leads.toml."
    )
