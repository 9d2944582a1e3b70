"""Test mailboxes on mail servers that are protected, hostile or broken."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server, socket

import pytest
from imap_tools import MailMessageFlags

from certificates import server_context, trust
from contracts.mail_source import BATCH, Taker, a_message
from imap_server import RunningImapServer, an_imap_server
from leads_adapters.mail.imap import ImapMailbox, ImapServer
from leads_adapters.mail.urls import open_mailbox
from leads_domain.mail_source import MailSource, MailSourceUnavailable
from raw_server import a_raw_server, read_forever, send_forever

LITERAL = b"* 1 FETCH (UID 7 BODY[]<0> {5}\r\nhello)\r\n"
ANSWERS: dict[str, bytes] = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
    "SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n",
    "SEARCH": b"* SEARCH 7\r\n",
    "FETCH": LITERAL,
}

Behave = Callable[[socket], None]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningImapServer]:
    with an_imap_server() as running:
        yield running


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(tmp_path, monkeypatch)


def behave(greeting: bytes | Behave = b"* OK ready\r\n", **answers: bytes | Behave) -> Behave:
    """Return a server that answers each command with OK, after what its name in `answers` says."""

    def serve(connection: socket) -> None:
        act(connection, greeting)
        with connection.makefile("rb") as lines:
            for line in lines:
                tag, command, *words = line.decode().split()
                name = words[0] if command == "UID" else command
                act(connection, answers.get(name, ANSWERS.get(name, b"")), f"{tag} OK done\r\n".encode())

    return serve


def act(connection: socket, answer: bytes | Behave, end: bytes = b"") -> None:
    if isinstance(answer, bytes):
        connection.sendall(answer + end)
    else:
        answer(connection)


def refuse(text: bytes, status: bytes = b"NO") -> Behave:
    """Return a server that refuses the login with this text."""

    def serve(connection: socket) -> None:
        connection.sendall(b"* OK ready\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                answer = status + b" " + text if b"LOGIN" in line else b"OK done"
                connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + line.split()[0] + b" " + answer + b"\r\n")

    return serve


@contextmanager
def a_mailbox(behaviour: Behave, seconds: float = 0.15) -> Iterator[MailSource]:
    with a_raw_server(behaviour) as hostile:
        yield ImapMailbox(ImapServer("imap", "localhost", hostile.port, "ann", "s3cret"), seconds)


def problem(source: MailSource, taker: Taker | None = None) -> str:
    with pytest.raises(MailSourceUnavailable) as raised:
        source.deliver(taker or Taker(), BATCH)
    return str(raised.value)


def test_the_server_of_these_tests_is_able_to_behave() -> None:
    taker = Taker()
    with a_mailbox(behave(), 10) as source:
        assert source.deliver(taker, BATCH) == 1
    assert taker.messages == [b"hello"]


HANGS: dict[str, Behave] = {
    "before the greeting": read_forever,
    "in the middle of the greeting": lambda connection: send_forever(connection, b"*"),
    "after the greeting": behave(CAPABILITY=read_forever),
    "at the login": behave(LOGIN=read_forever),
    "in the middle of a message": behave(FETCH=lambda connection: stall(connection, LITERAL[:-5])),
    "while a message is marked": behave(STORE=read_forever),
    "with endless lines": behave(SEARCH=lambda connection: send_forever(connection, b"* OK wait\r\n")),
}


def stall(connection: socket, start: bytes) -> None:
    connection.sendall(start)
    read_forever(connection)


@pytest.mark.parametrize("where", HANGS)
def test_a_server_that_hangs_ends_the_delivery_in_time(where: str) -> None:
    begun = time.monotonic()
    with a_mailbox(HANGS[where]) as source:
        assert problem(source) == "The mail server did not respond in time."
    assert time.monotonic() - begun < 5


def drop(connection: socket, start: bytes = b"") -> None:
    connection.sendall(start)
    connection.shutdown(2)


PROBLEMS: dict[str, tuple[Behave, str]] = {
    "disconnects at once": (drop, "disconnected, or sent a response that is not IMAP"),
    "disconnects at a message": (
        behave(FETCH=lambda connection: drop(connection, LITERAL[:-5])),
        "disconnected, or sent a response that is not IMAP",
    ),
    "is an HTTP server": (behave(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "disconnected, or sent a response that is not"),
    "sends rubbish": (behave(SELECT=b"\xff\xfe\x00\r\n"), "disconnected, or sent a response that is not IMAP"),
    "sends rubbish as numbers": (behave(SEARCH=b"* SEARCH \xff x\r\n"), "sent an unexpected response"),
    "announces 10 GB": (
        behave(FETCH=b"* 1 FETCH (UID 7 BODY[]<0> {10000000000}\r\n"),
        "disconnected, or sent a response that is not IMAP",
    ),
    "refuses all": (behave(b"* BYE overloaded\r\n"), "sent an unexpected response"),
    "changes its numbers meanwhile": (
        behave(FETCH=b"* OK [UIDVALIDITY 2] valid\r\n" + LITERAL),
        "sent an unexpected response",
    ),
    "has a folder for reading only": (
        behave(SELECT=b"* 1 EXISTS\r\n* OK [READ-ONLY] no\r\n"),
        "does not allow to mark messages as seen in this folder",
    ),
    "has a folder that forgets what is seen": (
        behave(SELECT=ANSWERS["SELECT"] + b"* OK [PERMANENTFLAGS (\\Deleted \\*)] limited\r\n"),
        "does not allow to mark messages as seen in this folder",
    ),
    "refuses the login": (refuse(b"ann: [ALERT] use https://example.com"), "refused the login with ALERT"),
    "refuses the login without a code": (refuse(b"s3cret is wrong"), "refused the login"),
    "refuses the login in other letters": (refuse(b"[\xff ann]"), "refused the login"),
    "does not know the login": (refuse(b"s3cret is unknown", b"BAD"), "refused the login"),
    "disconnects at the login": (behave(LOGIN=drop), "disconnected, or sent a response that is not IMAP"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_broken_server_is_reported_without_its_texts(case: str) -> None:
    behaviour, expected = PROBLEMS[case]
    with a_mailbox(behaviour, 10) as source:
        text = problem(source)
    assert text.startswith(f"The mail server {expected}")
    assert len(text) < 90
    assert not re.search(r"\bann\b|s3cret|https", text)


def test_a_message_is_not_marked_after_the_server_has_numbered_its_messages_anew() -> None:
    commands: list[bytes] = []

    def record(connection: socket) -> None:
        commands.append(b"STORE")

    with a_mailbox(behave(FETCH=b"* OK [UIDVALIDITY 2] valid\r\n" + LITERAL, STORE=record), 10) as source:
        problem(source)
    assert commands == []


def serve_three(broken: Callable[[socket, bytes], None]) -> Behave:
    """Return a server with three messages. `broken` handles the request for the first one."""

    def serve(connection: socket) -> None:
        connection.sendall(b"* OK ready\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                tag, command, *words = line.split()
                if words[:2] == [b"FETCH", b"7"]:
                    broken(connection, tag)
                    continue
                answers = {**ANSWERS, "SEARCH": b"* SEARCH 7 8 9\r\n"}
                name = (words[0] if command == b"UID" else command).decode()
                act(connection, answers.get(name, b""), tag + b" OK done\r\n")

    return serve


def test_a_message_that_the_server_refuses_to_send_blocks_none_behind_it() -> None:
    taker = Taker()
    refusing = serve_three(lambda connection, tag: connection.sendall(tag + b" NO [SERVERBUG] ann\r\n"))
    with a_mailbox(refusing, 10) as source:
        assert problem(source, taker) == "The mail server refused to send a message with SERVERBUG."
        assert taker.messages == [b"hello"] * 2
        assert source.deliver(taker, 2) == 2  # it comes last


def test_a_message_that_ends_the_connection_comes_last_the_next_time() -> None:
    taker = Taker()
    with a_mailbox(serve_three(lambda connection, _: drop(connection)), 10) as source:
        problem(source, taker)
        assert taker.messages == []
        assert source.deliver(taker, 2) == 2


@pytest.mark.parametrize(
    ("fetched", "expected"),
    [
        (b'* 1 FETCH (UID 7 BODY[]<0> "a \\"b\\" \\\\")\r\n', [b'a "b" \\']),
        (b'* 1 FETCH (UID 7 BODY[]<0> "")\r\n', [b""]),
        (b"", []),
        (b"* 1 FETCH (FLAGS (\\Seen))\r\n", []),
        (b"* 1 FETCH (FLAGS ())\r\n" + LITERAL, [b"hello"]),
    ],
)
def test_a_message_is_read_in_each_form(fetched: bytes, expected: list[bytes]) -> None:
    taker = Taker()
    with a_mailbox(behave(FETCH=fetched), 10) as source:
        source.deliver(taker, BATCH)
    assert taker.messages == expected


def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    with create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert problem(open_mailbox(f"imap://ann:s3cret@localhost:{port}")) == (
        "The mail server could not be reached: ConnectionRefusedError."
    )


def test_a_name_that_does_not_exist_is_unavailable() -> None:
    assert problem(open_mailbox("imaps://ann:s3cret@mail.invalid")) == (
        "The mail server could not be reached: its name is unknown."
    )


@pytest.mark.parametrize("password", ["wr0ng", "fälsch"])
def test_a_wrong_password_is_named_and_not_shown(server: RunningImapServer, password: str) -> None:
    source = open_mailbox(server.user().url(password=password))
    assert problem(source) == "The mail server refused the login with AUTHENTICATIONFAILED."


def test_a_user_and_a_folder_can_have_any_letters(server: RunningImapServer) -> None:
    user = server.user("verkäufe")
    user.add(a_message(1), folder="Eingänge & mehr/日本")
    taker = Taker()
    assert open_mailbox(user.url(folder="Eingänge & mehr/日本")).deliver(taker, BATCH) == 1
    assert taker.messages == [a_message(1)]


def test_messages_that_a_person_has_deleted_are_neither_read_nor_lost(server: RunningImapServer) -> None:
    user = server.user()
    user.add(a_message(1), flags=(MailMessageFlags.DELETED,))
    user.add(a_message(2))
    taker = Taker()
    assert open_mailbox(user.url()).deliver(taker, BATCH) == 1
    assert taker.messages == [a_message(2)]
    assert user.flags() == [{MailMessageFlags.DELETED}, {MailMessageFlags.SEEN}]


def test_messages_come_again_after_the_server_has_numbered_them_anew(server: RunningImapServer) -> None:
    user = server.user()
    user.add(a_message(1))
    source, taker = open_mailbox(user.url()), Taker(refused=b"Offer 1")
    source.deliver(taker, BATCH)
    user.renumber()
    user.add(a_message(1), a_message(2))
    source.deliver(taker, BATCH)
    assert taker.messages == [a_message(1), a_message(1), a_message(2)]


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_the_connection_is_encrypted_if_the_certificate_is_valid(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"implicit_tls" if scheme == "imaps" else "starttls": server_context()}
    with an_imap_server(**options) as server:
        user = server.user()
        source = open_mailbox(user.url(scheme))
        assert problem(source) == "The mail server has a certificate that is not valid for its name, or not trusted."
        trust(tmp_path, monkeypatch)
        source.check()
        elsewhere = open_mailbox(user.url(scheme).replace("localhost", "127.0.0.1"))
        assert "certificate" in problem(elsewhere)


def test_a_server_without_tls_gets_no_password(trusted: None) -> None:
    received: list[bytes] = []

    def serve(connection: socket) -> None:
        connection.sendall(b"* OK ready\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                received.append(line)
                connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + line.split()[0] + b" OK done\r\n")

    with a_raw_server(serve) as plain:
        for scheme in ("imaps", "imap+starttls"):
            source = open_mailbox(f"{scheme}://ann:s3cret@localhost:{plain.port}")
            with pytest.raises(MailSourceUnavailable):
                source.check()
    assert b"s3cret" not in b"".join(received)
