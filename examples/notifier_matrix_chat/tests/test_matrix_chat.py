"""The Matrix notifier fulfils the contract, and distinguishes the responses of a homeserver."""

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any

import pytest

from homeserver import API, ROOM, TOKEN, Homeserver, Response, a_homeserver
from leads_domain.notifier import Refused, TryAgain
from leads_domain.testing import Behaviour, FollowUpNotifierContract, Received
from matrix_chat import MatrixNotifier, create

RESPONSES = {
    Behaviour.ACCEPTS: None,
    Behaviour.FAILS: Response(503, {"errcode": "M_UNKNOWN", "error": f"not now, {TOKEN}"}),
    Behaviour.REFUSES: Response(413, {"errcode": "M_TOO_LARGE", "error": f"too much, {TOKEN}"}),
    Behaviour.HANGS: Response(None),
}
OPTIONS = {"url": "https://matrix.example.com", "room": ROOM, "token": TOKEN}
NOTICE = FollowUpNotifierContract().make_notice()


@pytest.fixture
def homeserver() -> Iterator[Homeserver]:
    with a_homeserver() as server:
        yield server


@pytest.fixture
def notifier(homeserver: Homeserver) -> MatrixNotifier:
    return create(OPTIONS | {"url": homeserver.url})


class TestMatrixNotifier(FollowUpNotifierContract):
    secrets = (TOKEN,)
    time_limit_seconds = 10.0

    @pytest.fixture(autouse=True)
    def _with(self, homeserver: Homeserver) -> None:
        self.homeserver = homeserver

    def make_notifier(self) -> MatrixNotifier:
        return MatrixNotifier(self.homeserver.url, ROOM, TOKEN, timeout=1.0)

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self.homeserver.respond_with(RESPONSES[behaviour])

    def received(self) -> Sequence[Received]:
        return [
            Received(message=sent.content["body"], name=sent.content["body"], idempotency_key=sent.transaction)
            for sent in self.homeserver.sent
        ]


def test_the_message_is_plain_text_that_mentions_nobody(homeserver: Homeserver, notifier: MatrixNotifier) -> None:
    notifier.notify(replace(NOTICE, name="@room", message="Hello!"))
    assert homeserver.sent[0].content == {"msgtype": "m.text", "body": "@room: Hello!", "m.mentions": {}}


def test_a_repeat_is_the_same_event(homeserver: Homeserver, notifier: MatrixNotifier) -> None:
    first, second = notifier.notify(NOTICE), notifier.notify(replace(NOTICE, attempt=2))
    assert first.reference == second.reference == homeserver.events[NOTICE.idempotency_key]
    assert len(homeserver.events) == 1


def test_room_and_key_may_have_any_characters(homeserver: Homeserver) -> None:
    notice = replace(NOTICE, idempotency_key="a/b?c#d e%2F")
    create(OPTIONS | {"url": f"{homeserver.url}/"}).notify(notice)
    assert homeserver.sent[0].transaction == notice.idempotency_key


@pytest.mark.parametrize(
    ("status", "content", "headers", "delay"),
    [
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}, {}, timedelta(seconds=2.5)),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}, {"Retry-After": "7"}, timedelta(seconds=7)),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": "soon"}, {"Retry-After": "soon"}, None),
        (401, {"errcode": "M_UNKNOWN_TOKEN"}, {}, None),
        (403, {"errcode": "M_FORBIDDEN"}, {}, None),
        (408, {}, {}, None),
        (500, {"errcode": "M_UNKNOWN"}, {}, None),
        (502, {}, {"Retry-After": "60"}, timedelta(seconds=60)),
        (307, {}, {"Location": "/elsewhere"}, None),
    ],
)
def test_errors_that_can_be_corrected_are_retried(
    status: int,
    content: Mapping[str, Any],
    headers: Mapping[str, str],
    delay: timedelta | None,
    homeserver: Homeserver,
    notifier: MatrixNotifier,
) -> None:
    homeserver.respond_with(Response(status, content, headers))
    expected = re.escape(" ".join([str(status), *content.get("errcode", "").split()]))
    with pytest.raises(TryAgain, match=expected) as raised:
        notifier.notify(NOTICE)
    assert raised.value.delay == delay


@pytest.mark.parametrize(
    ("status", "code"), [(400, "M_BAD_JSON"), (404, "M_UNRECOGNIZED"), (413, "M_TOO_LARGE"), (422, None)]
)
def test_permanent_errors_are_refused(
    status: int, code: str | None, homeserver: Homeserver, notifier: MatrixNotifier
) -> None:
    homeserver.respond_with(Response(status, {"errcode": code, "error": NOTICE.message}))
    with pytest.raises(Refused) as raised:
        notifier.notify(NOTICE)
    assert str(raised.value) == f"The homeserver responded with {status}{f' {code}' if code else ''}."


def test_a_response_without_an_event_id_is_no_receipt(homeserver: Homeserver, notifier: MatrixNotifier) -> None:
    homeserver.respond_with(Response(200, {"welcome": "Please log in to the guest network."}))
    with pytest.raises(TryAgain, match="not that of a homeserver"):
        notifier.notify(NOTICE)


def test_an_unreachable_homeserver_is_retried() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        unreachable = create(OPTIONS | {"url": f"http://127.0.0.1:{unused.getsockname()[1]}"})
        with pytest.raises(TryAgain, match="ConnectionRefusedError"):
            unreachable.notify(NOTICE)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"token": "another"}, "401 M_UNKNOWN_TOKEN"),
        ({"room": "!another:matrix.example.com"}, "has not joined the room"),
    ],
)
def test_the_check_reports_an_invalid_token_or_room(
    options: dict[str, str], expected: str, homeserver: Homeserver
) -> None:
    with pytest.raises(TryAgain, match=expected):
        create(OPTIONS | {"url": homeserver.url} | options).check()


def test_the_check_follows_no_redirect(homeserver: Homeserver, notifier: MatrixNotifier) -> None:
    with a_homeserver() as other:
        homeserver.respond_with(Response(302, headers={"Location": f"{other.url}{API}/joined_rooms"}))
        with pytest.raises(TryAgain, match="302"):
            notifier.check()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"url": "matrix.example.org"}, "url must be"),
        ({"url": "file:///etc/passwd"}, "url must be"),
        ({"url": "https://matrix.example.com/\r\n"}, "url must be"),
        ({"room": "#leads:matrix.example.com"}, "room must be"),
        ({"token": "syt secret\n"}, "token must be"),
        ({"password": "secret"}, "remove password"),
    ],
)
def test_invalid_options_are_named_without_their_values(options: dict[str, str], expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as raised:
        create(OPTIONS | options)
    assert not [value for value in options.values() if value in str(raised.value)]


@pytest.mark.parametrize("option", OPTIONS)
def test_a_missing_option_is_named(option: str) -> None:
    with pytest.raises(KeyError, match=option):
        create({name: value for name, value in OPTIONS.items() if name != option})


def test_leads_finds_the_factory() -> None:
    [found] = entry_points(group="leads.notifiers", name="matrix")
    assert found.load() is create
