"""Test the adapter `apprise` with Apprise's URLs and real receivers."""

import json
import logging
import time
from collections.abc import Iterator
from socket import create_server, socket
from threading import Event
from typing import Any
from urllib.parse import unquote

import pytest
from apprise import Apprise
from hypothesis import example, given
from hypothesis import strategies as st

from builders import a_notice
from leads_adapters.notifiers.apprise import AppriseNotifier, create
from leads_domain.notifier import Address, FollowUpNotice, NotificationError, Refused, TryAgain
from mail_server import a_mail_server
from raw_server import a_raw_server
from webhook_receiver import Receiver, a_receiver

SID, TOKEN = "AC" + "0" * 32, "hunter2a" * 4
TWILIO = f"twilio://{SID}:{TOKEN}@+12025550100"
MAIL = f"mailtos://leads:{TOKEN}@example.com"
NUMBER = "+4915112345678"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def a_notifier(receiver: Receiver, more: str = "/{phone}", timeout: str = "10") -> AppriseNotifier:
    """Return a notifier that posts JSON to the receiver, with a secret in its URL."""
    host = receiver.url.removeprefix("http://")
    return create({"url": f"json://leads:{TOKEN}@{host}{more}", "timeout": timeout})


def failure(notifier: AppriseNotifier, notice: FollowUpNotice | None = None) -> NotificationError:
    with pytest.raises(NotificationError) as raised:
        notifier.notify(notice or a_notice(phone=NUMBER))
    return raised.value


def opened(url: str, address: str) -> Any:
    return create({"url": url}).open(address)


@pytest.mark.parametrize(
    ("url", "targets"),
    [
        (TWILIO + "/{phone}", [("T", NUMBER)]),
        (TWILIO + "/w:{phone}", [("W", NUMBER)]),
        (TWILIO + "?to={phone}", [("T", NUMBER)]),
        (TWILIO + "/+12025550199/{phone}", [("T", "+12025550199"), ("T", NUMBER)]),
        ("vonage://abcdefgh:hunter2hunter2a@12025550100/{phone}", [NUMBER[1:]]),
        ("bulksms://user:hunter2@{phone}", [NUMBER]),
        ("signal://localhost:8080/+12025550100/{phone}", [NUMBER]),
        ("seven://hunter2hunter2/{phone}", [NUMBER[1:]]),
    ],
)
def test_a_phone_number_becomes_the_recipient(url: str, targets: list[Any]) -> None:
    assert opened(url, NUMBER).targets == targets


@pytest.mark.parametrize("url", [MAIL + "/{email}", MAIL + "?to={email}"])
@pytest.mark.parametrize("email", ["jane@example.org", "Jane.Roe+leads_1-a@mail.example.org"])
def test_an_e_mail_address_becomes_the_recipient(url: str, email: str) -> None:
    assert opened(url, email).targets == [(False, email)]


@given(email=st.from_regex(r"[ -~ü]{1,12}@[a-z.,/%' ]{1,12}", fullmatch=True))
@example(email="jane.o'roe@example.org")  # for Apprise, that is a name and roe@example.org
@example(email="a%2Ceve%40example.org@example.org")
@example(email="jane/eve@example.org")
@example(email="jane&to=eve@example.org")
@example(email="jane@example.org\n")
@example(email="jane+leads@example.org")
@example(email="0@aaaaaa.")  # Apprise takes the dot away
def test_an_e_mail_address_is_the_only_recipient_or_none(email: str) -> None:
    opened: list[Any] = []

    def open_only(url: str) -> None:
        opened.append(Apprise.instantiate(url))

    for host in ("/{email}", "?to={email}"):
        with pytest.raises(Refused) as refused:
            AppriseNotifier(MAIL + host, Address.EMAIL, 10, open_only).notify(a_notice(email=email))
        assert email not in str(refused.value)
    assert all(service.targets in ([(False, email)], []) for service in opened)


@pytest.mark.parametrize(
    "phone", [None, "", "jane", f"{NUMBER},+12025550199", f"{NUMBER}/x", "+49 151", "+\uff14\uff19\uff11\uff15\uff11"]
)
def test_an_invalid_phone_number_is_refused(receiver: Receiver, phone: str | None) -> None:
    assert isinstance(failure(a_notifier(receiver), a_notice(phone=phone)), Refused)
    assert receiver.posts == []


def test_a_number_that_apprise_drops_is_refused_and_not_sent_to_the_sender() -> None:
    assert opened(TWILIO + "/{phone}", "+12").targets == []  # it would write to +12025550100
    error = failure(create({"url": TWILIO + "/{phone}"}), a_notice(phone="+12"))
    assert isinstance(error, Refused)
    assert "+12" not in str(error)


@pytest.mark.parametrize("message", [r"C:\new\temp \u0041 {phone}", ":smile: <b>&amp;</b> *x*", "x\n" * 50_000 + "."])
def test_a_message_is_sent_unchanged(receiver: Receiver, message: str) -> None:
    a_notifier(receiver).notify(a_notice(phone=NUMBER, message=message))
    [post] = receiver.posts
    assert json.loads(post.body)["message"] == message
    assert unquote(post.path) == f"/hooks/leads/{NUMBER}"
    assert post.headers["User-Agent"] == "leads"


def test_an_e_mail_has_the_subject_of_the_notice(receiver: Receiver) -> None:
    a_notifier(receiver, "/{email}").notify(a_notice(subject="Jane Roe: Call", message="Call"))
    a_notifier(receiver).notify(a_notice(phone=NUMBER, subject="Jane Roe: Call", message="Call"))
    sent = [json.loads(post.body) for post in receiver.posts]
    assert [(each["title"], each["message"]) for each in sent] == [("Jane Roe: Call", "Call"), ("", "Call")]


def test_an_e_mail_to_a_lead_ends_with_the_unsubscribe_link(receiver: Receiver) -> None:
    notice = a_notice(phone=NUMBER, message="Hello", unsubscribe_url="https://leads.example.com/unsubscribe/x")
    a_notifier(receiver, "/{email}").notify(notice)
    a_notifier(receiver).notify(notice)
    mail, text_message = (json.loads(post.body)["message"] for post in receiver.posts)
    assert mail.startswith("Hello\n\n-- \n")
    assert mail.endswith("\nhttps://leads.example.com/unsubscribe/x")
    assert text_message == "Hello"


def test_a_mail_of_apprise_has_the_subject_and_the_message_unchanged() -> None:
    with a_mail_server(auth_require_tls=False) as server:
        notifier = create({"url": f"mailto://localhost:{server.port}?from=sales@example.com&format=text&to={{email}}"})
        notifier.notify(a_notice(subject="Jane Roe: 打电话 =?utf-8?q?x=0D=0ABcc=3A_eve?=", message="Call\n<b>her</b>"))
    [mail] = server.mails
    assert mail.recipients == ["john@example.com"]
    assert mail.text == "Call\n<b>her</b>\n"
    assert mail.message["Subject"] == "Jane Roe: 打电话 =?utf-8?q?x=0D=0ABcc=3A_eve?="


@pytest.mark.parametrize("status", [301, 400, 401, 422, 429, 500, 503])
def test_an_error_of_the_gateway_is_retried_and_its_status_reported(receiver: Receiver, status: int) -> None:
    receiver.respond(status, Location="/elsewhere", X_Echo=TOKEN)
    error = failure(a_notifier(receiver))
    assert type(error) is TryAgain
    assert str(error) == f"The gateway did not accept the message: it responded with {status}."
    assert len(receiver.posts) == 1


def test_apprise_does_not_retry_even_if_the_url_asks(receiver: Receiver) -> None:
    receiver.respond(503)
    notifier = a_notifier(receiver, "/{phone}?optional=yes&retry=3&wait=0&cto=0.001&rto=0.001")
    assert isinstance(failure(notifier), TryAgain)
    assert len(receiver.posts) == 1


def test_an_unreachable_gateway_is_retried() -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure(create({"url": f"json://localhost:{port}/{{phone}}"}))
    assert type(error) is TryAgain
    assert "could not be reached" in str(error)


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_gateway_that_never_ends_its_response_times_out(response: bytes) -> None:
    left = Event()

    def dawdle(connection: socket) -> None:
        connection.sendall(response)
        while not left.wait(0.01):
            connection.sendall(b"x" if response else b"")

    with a_raw_server(dawdle) as server:
        started = time.monotonic()
        error = failure(create({"url": f"json://localhost:{server.port}/{{phone}}", "timeout": "0.3"}))
        took = time.monotonic() - started
        left.set()
    assert type(error) is TryAgain
    assert took < 5


def answer_oddly(connection: socket) -> None:
    """Accept a message with response headers that urllib3 warns about."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 500 Oh\r\nno header\r\nContent-Length: 0\r\n\r\n")


def test_logs_errors_and_reprs_have_no_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with a_raw_server(answer_oddly) as server:
        notifier = create({"url": f"json://leads:{TOKEN}@localhost:{server.port}/{TOKEN}/{{phone}}"})
        error: Any = failure(notifier)
    assert type(error) is TryAgain
    assert TOKEN not in f"{error!r} {error.__cause__!r} {notifier!r}"
    assert caplog.text + "".join(capfd.readouterr()) == ""
