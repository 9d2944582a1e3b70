"""Test the adapter `webhook` against real receivers."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from socket import create_server, socket
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from standardwebhooks import WebhookVerificationError

from builders import NOON, a_digest_notice, a_notice
from certificates import server_context, trust
from leads_adapters.notifiers.webhook import WebhookNotifier, create
from leads_domain.notifier import FollowUpNotice, NotificationError, Refused, TryAgain
from raw_server import a_raw_server, read_forever, send_forever
from strategies import texts
from webhook_receiver import SECRET, Receiver, a_receiver


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    shared.posts.clear()
    shared.responses.clear()
    return shared


@pytest.fixture
def notifier(receiver: Receiver) -> WebhookNotifier:
    return a_notifier(receiver.url)


def a_notifier(url: str, **options: str) -> WebhookNotifier:
    return create({"url": url, "secret": SECRET, "timeout": "10", **options})


def failure(notifier: WebhookNotifier) -> NotificationError:
    with pytest.raises(NotificationError) as raised:
        notifier.notify(a_notice())
    return raised.value


def test_a_notice_is_posted_as_json_that_the_official_verifier_accepts(
    receiver: Receiver, notifier: WebhookNotifier
) -> None:
    notice = a_notice(attempt=3, lead={"name": "Jane Roe", "source": None}, details="Name: Jane Roe")
    notifier.notify(notice)
    [post] = receiver.posts
    event = post.verify()
    assert event["type"] == "follow_up.due"
    assert abs(datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])) < timedelta(minutes=5)
    assert event["data"] == {
        "follow_up_id": notice.follow_up_id,
        "lead_id": notice.lead_id,
        "attempt": 3,
        "channel": notice.channel,
        "name": notice.name,
        "email": notice.email,
        "phone": notice.phone,
        "message": notice.message,
        "lead": {"name": "Jane Roe", "source": None},
        "subject": notice.subject,
        "details": "Name: Jane Roe",
        "unsubscribe_url": None,
    }
    assert (post.path, post.headers["Content-Type"]) == ("/hooks/leads", "application/json")
    assert (post.headers["webhook-id"], post.headers["Connection"]) == (notice.idempotency_key, "close")


def test_a_digest_is_posted_without_a_lead(receiver: Receiver, notifier: WebhookNotifier) -> None:
    digest = a_digest_notice()
    notifier.notify(digest)
    event = receiver.posts[0].verify()
    assert event["type"] == "digest.due"
    assert event["data"] == {
        "digest_id": digest.follow_up_id,
        "attempt": 1,
        "channel": digest.channel,
        "name": digest.name,
        "email": digest.email,
        "subject": digest.subject,
        "message": digest.message,
    }


@pytest.mark.parametrize(
    ("type", "name", "notices"),
    [
        (
            "follow_up.due",
            "DueFollowUp",
            [
                a_notice(lead={"name": "Jane Roe", "source": None}, details="Name: Jane Roe"),
                a_notice(email=None, phone=None),
                a_notice(unsubscribe_url="https://leads.example.com/unsubscribe/x"),
            ],
        ),
        ("digest.due", "DueDigest", [a_digest_notice()]),
    ],
)
def test_the_posted_body_matches_the_openapi_document(
    receiver: Receiver, notifier: WebhookNotifier, type: str, name: str, notices: list[FollowUpNotice]
) -> None:
    document = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))
    webhook = document["webhooks"][type]["post"]
    schema = {**webhook["requestBody"]["content"]["application/json"]["schema"], "components": document["components"]}
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for notice in notices:
        notifier.notify(notice)
    for post in receiver.posts:
        assert list(validator.iter_errors(post.verify())) == []
        assert post.verify()["data"].keys() == document["components"]["schemas"][name]["properties"].keys()
        assert all(post.headers[parameter["name"]] for parameter in webhook["parameters"])
    assert list(validator.iter_errors({**receiver.posts[0].verify(), "type": "other"}))


def test_the_verifier_refuses_a_changed_body(receiver: Receiver, notifier: WebhookNotifier) -> None:
    notifier.notify(a_notice(message="Call Jane."))
    [post] = receiver.posts
    forged = type(post)(post.path, post.headers, post.body.replace(b"Jane", b"Eve"))
    with pytest.raises(WebhookVerificationError):
        forged.verify()


def test_a_retry_has_the_same_id_and_a_new_signature(receiver: Receiver) -> None:
    times = iter([NOON.timestamp(), NOON.timestamp() + 60.9])
    key = b"k" * 24
    notifier = WebhookNotifier(httpx.URL(receiver.url), key, 10, clock=lambda: next(times))
    notifier.notify(a_notice())
    notifier.notify(a_notice())
    first, second = (post.headers for post in receiver.posts)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != second["webhook-signature"]
    assert json.loads(receiver.posts[0].body)["timestamp"] == "2026-01-05T12:00:00Z"


@given(members=st.fixed_dictionaries({name: texts(max_size=200) for name in ("name", "message", "channel", "subject")}))
def test_any_text_arrives_unchanged(
    shared: Receiver, shared_notifier: WebhookNotifier, members: dict[str, str]
) -> None:
    shared.posts.clear()
    shared_notifier.notify(a_notice(**members))
    data = shared.posts[0].verify()["data"]
    assert {name: data[name] for name in members} == members


@pytest.fixture(scope="module")
def shared_notifier(shared: Receiver) -> WebhookNotifier:
    return a_notifier(shared.url)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(receiver: Receiver, notifier: WebhookNotifier, status: int) -> None:
    receiver.respond(status)
    notifier.notify(a_notice())


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 422])
def test_permanent_errors_of_the_receiver_are_refusals(
    receiver: Receiver, notifier: WebhookNotifier, status: int
) -> None:
    receiver.respond(status)
    error = failure(notifier)
    assert type(error) is Refused
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [301, 304, 308, 401, 407, 408, 409, 425, 429, 500, 502, 503, 504])
def test_temporary_errors_of_the_receiver_are_retried(
    receiver: Receiver, notifier: WebhookNotifier, status: int
) -> None:
    receiver.respond(status)
    error = failure(notifier)
    assert type(error) is TryAgain
    assert error.delay is None
    assert str(status) in str(error)
    notifier.notify(a_notice())
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, notifier: WebhookNotifier, status: int) -> None:
    receiver.respond(status, Location="/elsewhere")
    assert isinstance(failure(notifier), TryAgain)
    assert [post.path for post in receiver.posts] == ["/hooks/leads"]


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta()),
        (format_datetime(NOON + timedelta(hours=1), usegmt=True), timedelta(hours=1)),
        (format_datetime(NOON - timedelta(hours=1), usegmt=True), timedelta()),
        ("soon", None),
        ("-5", None),
        ("9" * 5000, None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_the_receiver_is_honoured(
    receiver: Receiver, status: int, retry_after: str, delay: timedelta | None
) -> None:
    receiver.respond(status, Retry_After=retry_after)
    error = failure(WebhookNotifier(httpx.URL(receiver.url), b"k" * 24, 10, clock=NOON.timestamp))
    assert isinstance(error, TryAgain)
    assert error.delay == delay


def test_cookies_are_not_sent_back(receiver: Receiver, notifier: WebhookNotifier) -> None:
    receiver.respond(200, Set_Cookie="session=jane")
    notifier.notify(a_notice())
    notifier.notify(a_notice())
    assert "cookie" not in {name.lower() for name in receiver.posts[1].headers}


def test_https_requires_a_trusted_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver(server_context()) as receiver:
        error = failure(a_notifier(receiver.url))
        assert isinstance(error, TryAgain)
        assert receiver.posts == []
        trust(tmp_path, monkeypatch)
        a_notifier(receiver.url).notify(a_notice())
    assert len(receiver.posts) == 1


def test_an_unreachable_receiver_is_retried() -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure(a_notifier(f"http://localhost:{port}"))
    assert isinstance(error, TryAgain)
    assert "ConnectError" in str(error)


def test_a_proxy_is_used_if_the_environment_names_one(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", receiver.url.removesuffix("/hooks/leads"))
    a_notifier("http://hooks.invalid/leads").notify(a_notice())
    assert [post.path for post in receiver.posts] == ["http://hooks.invalid/leads"]


def hear(connection: socket) -> None:
    """Read a request."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65536)
    head, _, body = heard.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)


def say_nothing(connection: socket) -> None:
    """Read a request and send nothing."""
    read_forever(connection)


def drip_headers(connection: socket) -> None:
    """Send an endless response."""
    hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    send_forever(connection, b"x")


@pytest.mark.parametrize("behave", [say_nothing, drip_headers])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_never_ends_its_response_times_out(
    behave: Callable[[socket], None], scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_tls(connection: socket) -> None:
        with server_context().wrap_socket(connection, server_side=True) as encrypted:
            behave(encrypted)

    trust(tmp_path, monkeypatch)
    with a_raw_server(behave if scheme == "http" else by_tls) as server:
        started = time.monotonic()
        error = failure(a_notifier(f"{scheme}://localhost:{server.port}", timeout="0.3"))
        took = time.monotonic() - started
        assert server.disconnected.wait(10)
    assert isinstance(error, TryAgain)
    assert "in time" in str(error)
    assert took < 5


def test_an_endless_response_is_not_read() -> None:
    def flood(connection: socket) -> None:
        hear(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        send_forever(connection, b"x" * 65536)

    with a_raw_server(flood) as server:
        a_notifier(f"http://localhost:{server.port}").notify(a_notice())
        assert server.disconnected.wait(10)


def test_a_broken_connection_is_retried() -> None:
    with a_raw_server(hear) as server:
        assert isinstance(failure(a_notifier(f"http://localhost:{server.port}")), TryAgain)


def test_errors_and_reprs_do_not_show_the_secret_or_the_url(receiver: Receiver) -> None:
    notifier = a_notifier(f"{receiver.url}/hunter2-hunter2")
    receiver.respond(400, X_Echo="hunter2-hunter2")
    refused: Any = failure(notifier)
    assert "hunter2" not in f"{refused!r} {refused.__cause__!r} {notifier!r}"
