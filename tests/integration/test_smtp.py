"""Test the adapter `smtp` against real servers."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import a_notice
from certificates import server_context, trust
from leads_adapters.notifiers.smtp import SmtpNotifier, create
from leads_domain.notices import subject_of
from leads_domain.notifier import FollowUpNotice, NoticeKind, NotificationError, Refused, TryAgain
from mail_server import PASSWORD, USER, MailServer, a_mail_server
from raw_server import a_raw_server, read_forever, send_forever
from strategies import texts

LOGIN = f"{USER}:{PASSWORD}@"
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
CONTENT_HEADERS = ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"]


@pytest.fixture(scope="module")
def shared() -> Iterator[MailServer]:
    with a_mail_server(enable_SMTPUTF8=True, auth_require_tls=False) as server:
        yield server


@pytest.fixture(scope="module")
def notifier(shared: MailServer) -> SmtpNotifier:
    return a_notifier(shared.port)


@pytest.fixture
def server(shared: MailServer) -> MailServer:
    shared.mails.clear()
    shared.replies.clear()
    shared.logins.clear()
    return shared


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(tmp_path, monkeypatch)


def a_notifier(port: int, scheme: str = "smtp", login: str = "", **options: str) -> SmtpNotifier:
    url = f"{scheme}://{login}localhost:{port}"
    return create({"url": url, "sender": "Sales <sales@example.com>", "timeout": "10", **options})


def failure(notifier: SmtpNotifier, **members: str) -> NotificationError:
    with pytest.raises(NotificationError) as raised:
        notifier.notify(a_notice(**members))
    return raised.value


def test_a_notice_arrives_as_a_message(server: MailServer) -> None:
    notice = a_notice(name="Jane Roe", email="jane@example.com", message="Hello Jane,\nshall we talk? 👋")
    receipt = a_notifier(server.port).notify(notice)
    [mail] = server.mails
    assert (mail.sender, mail.recipients) == ("sales@example.com", ["jane@example.com"])
    assert mail.text == "Hello Jane,\nshall we talk? 👋\n"
    assert mail.message.keys() == HEADERS + CONTENT_HEADERS
    assert (mail.message["From"], mail.message["To"]) == ("Sales <sales@example.com>", "jane@example.com")
    assert (mail.message["Subject"], mail.message["Auto-Submitted"]) == (notice.subject, "auto-generated")
    assert mail.message.get_content_type() == "text/plain"
    assert abs(datetime.now(UTC) - mail.message["Date"].datetime) < timedelta(minutes=10)
    assert mail.message["Message-ID"] == receipt.reference == f"<{notice.idempotency_key}@example.com>"


def test_a_colleague_gets_the_details_of_the_lead_below_the_message(server: MailServer) -> None:
    a_notifier(server.port).notify(a_notice(message="Call her\n", details="Name: Jane Roe\nFrom Berlin"))
    assert server.mails[0].text == "Call her\n\n\n-- \nName: Jane Roe\nFrom Berlin\n"


def test_a_lead_gets_a_link_to_opt_out_that_mail_programs_find(server: MailServer) -> None:
    url = f"https://leads.example.com/{'x' * 170}/unsubscribe/{'_-A1' * 8}"
    a_notifier(server.port).notify(a_notice(message="Hello", unsubscribe_url=url))
    [mail] = server.mails
    assert mail.text == f"Hello\n\n-- \nIf you want no more messages from us, open this page:\n{url}\n"
    assert mail.message.keys() == [*HEADERS, "List-Unsubscribe", "List-Unsubscribe-Post", *CONTENT_HEADERS]
    lines = mail.content.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert f"List-Unsubscribe: <{url}>".encode() in lines  # programs do not all unfold or decode
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


CHOSEN = "Ihre Anfrage über größere Mengen"


@pytest.mark.parametrize(
    ("notice", "subject"),
    [
        (a_notice(subject="Shall we talk?"), CHOSEN),
        (a_notice(subject="Jane Roe: Call", details="Name: Jane Roe"), "Jane Roe: Call"),
        (a_notice(subject="3 tasks overdue", kind=NoticeKind.DIGEST, lead_id=""), "3 tasks overdue"),
        (a_notice(subject="", details="Name: Jane Roe"), "Follow-up"),
    ],
)
def test_the_subject_of_messages_to_leads_can_be_chosen(
    server: MailServer, notice: FollowUpNotice, subject: str
) -> None:
    a_notifier(server.port, subject=CHOSEN).notify(notice)
    assert server.mails[0].message["Subject"] == subject


def subjects() -> st.SearchStrategy[str]:
    """Draw subjects that mail programs decode, fold or cut, each without line breaks."""
    words = ["=?utf-8?q?x=0D=0ABcc=3A_eve=40example.org?=", "=?", "?=", "Jane", "祖", "👩🏽\u200d💻", "\u0301" * 70]
    long = ["x" * 70, "x" * 115, "é" * 115, "祖" * 39 + " " + "祖" * 70, "a " * 59 + "a", "Subject: a", "a\tb"]
    pieces = st.lists(st.sampled_from(words), min_size=1, max_size=10).map(" ".join)
    return texts(max_size=300) | pieces | st.sampled_from(long)


@given(subjects().map(subject_of).filter(bool))
@example("Jane\r\nBcc: eve@example.org")
def test_any_subject_arrives_unchanged_and_adds_no_header(
    shared: MailServer, notifier: SmtpNotifier, subject: str
) -> None:
    shared.mails.clear()
    notifier.notify(a_notice(subject=subject))
    [mail] = shared.mails
    assert mail.message.keys() == HEADERS + CONTENT_HEADERS
    assert mail.message["Subject"] == subject.replace("\r\n", " ")
    head = mail.content.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) < 140


def test_every_attempt_has_the_same_message_id(server: MailServer) -> None:
    notifier = a_notifier(server.port)
    notifier.notify(a_notice(attempt=1))
    notifier.notify(a_notice(attempt=2))
    notifier.notify(a_notice(idempotency_key="another one"))
    first, second, other = (mail.message["Message-ID"] for mail in server.mails)
    assert first == second != other


def local_parts() -> st.SearchStrategy[str]:
    atoms = st.text("aZ09!#$%&'*+-/=?^_`{|}~ü祖", min_size=1, max_size=20)
    return st.lists(atoms, min_size=1, max_size=2).map(".".join)


def pieced_together() -> st.SearchStrategy[str]:
    """Messages with text that mail servers and mailboxes are known to change."""
    pieces = [*"\n\r\t .=é祖👋\x0b\x85\u2028", "\r\n", "From ", ">From ", "..", "=46"]
    lengths = st.sampled_from([60, 70, 75, 76, 77, 78, 998, 999]).map("x".__mul__)
    return st.lists(st.sampled_from(pieces) | lengths, min_size=1, max_size=12).map("".join)


@given(
    name=texts(max_size=200)
    | st.sampled_from(["Doe, Jane", 'J "JD" <jd@example.org>, K', "J\r\nBcc: eve@example.org"]),
    local=local_parts(),
    domain=st.sampled_from(["example.com", "bücher.example", "straße.example", f"{'d' * 60}.{'e' * 60}.example"]),
    message=texts(max_size=2000) | pieced_together(),
    details=st.just("") | pieced_together(),
)
@example("Jane", "jane", "example.com", f"From {'x' * 71}\nFrom {'x' * 72}\n.\n \n", "")
@example("Jane", "jane", "example.com", f"x \n{'é' * 998}\n-- ", "From x\n.")
def test_any_name_and_message_reach_exactly_one_recipient_unchanged(
    shared: MailServer, notifier: SmtpNotifier, name: str, local: str, domain: str, message: str, details: str
) -> None:
    shared.mails.clear()
    try:
        notifier.notify(a_notice(name=name, email=f"{local}@{domain}", message=message, details=details))
    except Refused:
        assert "=?" in local
        return
    [mail] = shared.mails
    to = f"{local}@{idna.encode(domain).decode()}"
    assert mail.recipients == [to]
    assert [address.addr_spec for address in mail.message["To"].addresses] == [to]
    assert mail.message.keys() == HEADERS + CONTENT_HEADERS
    text = f"{message}\n\n-- \n{details}" if details else message
    assert mail.text == re.sub("\r\n?|\n", "\n", text).removesuffix("\n") + "\n"
    body = mail.content.split(b"\r\n\r\n", 1)[1]
    assert body.isascii()
    assert {line for line in body.split(b"\r\n") if len(line) > 76 or re.match(rb"From |.*[ \t\r\n]$", line)} == set()


@pytest.mark.parametrize(
    "local", ["=?utf-8?q?x=0D=0ABcc=3A=20eve=40example.org?=", "=?utf-8?q?a=40example.org=2C=20b?="]
)
def test_an_address_that_would_inject_a_header_is_refused(server: MailServer, local: str) -> None:
    assert isinstance(failure(a_notifier(server.port), email=f"{local}@example.com"), Refused)
    assert server.mails == []


def test_an_international_address_needs_a_server_with_smtputf8(server: MailServer) -> None:
    a_notifier(server.port).notify(a_notice(email="jürgen.祖冲之@bücher.example"))
    assert server.mails[0].recipients == ["jürgen.祖冲之@xn--bcher-kva.example"]
    with a_mail_server() as plain:
        error = failure(a_notifier(plain.port), email="jürgen@example.com")
        a_notifier(plain.port).notify(a_notice(email="jane@bücher.example"))
    assert isinstance(error, Refused)
    assert "accepts only ASCII" in str(error)
    assert [mail.recipients for mail in plain.mails] == [["jane@xn--bcher-kva.example"]]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.usefixtures("trusted")
def test_the_message_and_login_are_encrypted(scheme: str) -> None:
    with a_tls_server(scheme) as server:
        a_notifier(server.port, scheme, LOGIN).notify(a_notice())
    [mail] = server.mails
    assert (mail.encrypted, mail.logged_in) == (True, True)


def a_tls_server(scheme: str) -> AbstractContextManager[MailServer]:
    if scheme == "smtps":
        return a_mail_server(implicit_tls=server_context(), auth_require_tls=False)
    return a_mail_server(tls_context=server_context())


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_an_untrusted_certificate_fails_the_attempt(scheme: str) -> None:
    with a_tls_server(scheme) as server:
        error = failure(a_notifier(server.port, scheme, LOGIN))
    assert isinstance(error, TryAgain)
    assert "SSLCertVerificationError" in str(error)
    assert (server.mails, server.logins) == ([], [])


@pytest.mark.usefixtures("trusted")
def test_without_starttls_nothing_is_sent_unencrypted(server: MailServer) -> None:
    error = failure(a_notifier(server.port, "smtp+starttls", LOGIN))
    assert isinstance(error, TryAgain)
    assert "STARTTLS" in str(error)
    assert (server.mails, server.logins) == ([], [])


def test_a_wrong_password_is_an_error_of_the_channel(server: MailServer) -> None:
    error = failure(a_notifier(server.port, login=f"{USER}:wrong%20one@"))
    assert isinstance(error, TryAgain)
    assert str(error) == "The mail server refused the login with 535 5.7.8."
    assert server.logins[-1] == (USER.encode(), b"wrong one")


def test_a_server_without_logins_is_an_error_of_the_channel() -> None:
    with a_mail_server() as server:  # offers logins only over TLS
        assert isinstance(failure(a_notifier(server.port, login=LOGIN)), TryAgain)


@pytest.mark.parametrize(
    ("command", "reply", "kind"),
    [
        ("RCPT", "550 5.1.1 no such user", Refused),
        ("RCPT", "450 4.2.0 greylisted", TryAgain),
        ("RCPT", "421 4.3.2 shutting down", TryAgain),
        ("RCPT", "530 5.7.0 authentication required", TryAgain),
        ("DATA", "554 5.7.1 this is spam", Refused),
        ("DATA", "452 4.3.1 disk full", TryAgain),
        ("DATA", None, TryAgain),
        ("MAIL", "550 5.7.1 you may not send as sales@example.com", TryAgain),
        ("MAIL", "451 4.3.0 later", TryAgain),
        ("MAIL", None, TryAgain),
    ],
)
def test_the_reply_code_decides_between_retry_and_refusal(
    server: MailServer, command: str, reply: str | None, kind: type[NotificationError]
) -> None:
    notifier = a_notifier(server.port)
    server.reply(command, reply)
    error = failure(notifier, message="Our secret offer")
    assert type(error) is kind
    if reply is not None:
        what = {"MAIL": "sender", "RCPT": "recipient", "DATA": "message"}[command]
        codes = " ".join(reply.split()[:2])
        assert str(error) == f"The mail server refused the {what} with {codes}."


def test_a_failed_notice_is_sent_by_the_next_attempt(server: MailServer) -> None:
    notifier = a_notifier(server.port)
    server.reply("DATA", "451 4.3.0 later", None)
    assert isinstance(failure(notifier), TryAgain)
    assert isinstance(failure(notifier), TryAgain)
    notifier.notify(a_notice())
    assert len({mail.message["Message-ID"] for mail in server.mails}) == 1


def test_an_unreachable_server_is_retried_until_reachable() -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    notifier = a_notifier(port)
    error = failure(notifier)
    assert isinstance(error, TryAgain)
    assert "ConnectionRefusedError" in str(error)
    with a_mail_server(port=port) as server:
        notifier.notify(a_notice())
    assert len(server.mails) == 1


def test_an_unresolvable_host_is_retried() -> None:
    notifier = create({"url": "smtp://mail.invalid", "sender": "sales@example.com"})
    assert isinstance(failure(notifier), TryAgain)


def greet(connection: socket) -> None:
    """Send a greeting and nothing more."""
    connection.sendall(b"220 mail.example.com\r\n")
    read_forever(connection)


def greet_for_ever(connection: socket) -> None:
    """Send an endless greeting, as a tar pit does."""
    send_forever(connection, b"220-please hold the line\r\n")


@pytest.mark.parametrize("behave", [read_forever, greet, greet_for_ever])
def test_a_server_that_never_finishes_times_out(behave: Callable[[socket], None]) -> None:
    with a_raw_server(behave) as server:
        started = time.monotonic()
        error = failure(a_notifier(server.port, timeout="0.2"))
        took = time.monotonic() - started
        assert server.disconnected.wait(10)
    assert isinstance(error, TryAgain)
    assert took < 5


def test_an_error_after_acceptance_is_ignored() -> None:
    def accept(connection: socket) -> None:
        for reply in ("220 hello", "250 hello", "250 sender", "250 recipient", "354 go on", "250 accepted"):
            connection.sendall(f"{reply}\r\n".encode())
            heard = b""
            while not heard.endswith(b"\r\n.\r\n" if reply.startswith("354") else b"\r\n"):
                heard += connection.recv(4096)
        read_forever(connection)

    with a_raw_server(accept) as server:
        a_notifier(server.port).notify(a_notice())


def test_errors_and_reprs_do_not_show_the_password(server: MailServer) -> None:
    notifier = a_notifier(server.port, login=LOGIN)
    server.reply("RCPT", f"550 {PASSWORD} {USER}")
    error = failure(notifier)
    text = f"{error!r} {error.__cause__!r} {notifier!r} {vars(notifier)!r}"
    assert PASSWORD not in text


def test_a_check_logs_in_and_sends_no_message(server: MailServer) -> None:
    a_notifier(server.port, login=LOGIN).check()
    with pytest.raises(TryAgain, match="login"):
        a_notifier(server.port, login=f"{USER}:wrong@").check()
    with pytest.raises(TryAgain, match="STARTTLS"):
        a_notifier(server.port, "smtp+starttls").check()
    assert server.mails == []
