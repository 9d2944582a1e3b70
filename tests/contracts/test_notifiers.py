"""Test the included notifiers against the contract."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from structlog.testing import capture_logs

from fakes import RecordingNotifier
from leads_adapters.notifiers import apprise, smtp, webhook
from leads_adapters.notifiers.log import create
from leads_domain.notifier import FollowUpNotifier, Refused, TryAgain
from leads_domain.testing import Behaviour, FollowUpNotifierContract, Received
from mail_server import PASSWORD, USER, a_mail_server
from webhook_receiver import SECRET, Post, a_receiver


class TestLoggingNotifier(
    FollowUpNotifierContract,
    without=[
        # A log has no receiver that can fail, refuse, hang or recognise a repeated notice.
        "test_keeps_no_state_between_notices",
        "test_raises_try_again_when_the_receiver_fails",
        "test_raises_refused_when_the_receiver_refuses",
        "test_returns_no_receipt_before_the_receiver_accepts",
        "test_raises_try_again_in_time_when_the_receiver_hangs",
        "test_shows_no_secret",
        "test_lets_the_receiver_recognise_a_repeated_notice",
        # It logs ids instead of names and messages.
        "test_sends_any_name_and_message_or_raises_an_error",
    ],
):
    """The notifier that logs the ids of notices."""

    @pytest.fixture(autouse=True)
    def _log(self) -> Iterator[None]:
        with capture_logs() as self._lines:
            yield

    def make_notifier(self) -> FollowUpNotifier:
        return create({})

    def received(self) -> Sequence[Received]:
        notices: dict[Any, str] = {notice.follow_up_id: notice.message for notice in map(self.make_notice, range(10))}
        ids = [line["digest_id" if line["event"] == "digest" else "follow_up_id"] for line in self._lines]
        return [Received(message=notices[id], idempotency_key=None) for id in ids]


class TestRecordingNotifier(FollowUpNotifierContract):
    """The fake notifier of the tests."""

    def make_notifier(self) -> FollowUpNotifier:
        self._notifier = RecordingNotifier()
        return self._notifier

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        if behaviour is not Behaviour.ACCEPTS:
            self._notifier.fail_with(Refused("no") if behaviour is Behaviour.REFUSES else TryAgain("not now"))

    def received(self) -> Sequence[Received]:
        return [
            Received(message=notice.message, idempotency_key=notice.idempotency_key, name=notice.name)
            for notice in self._notifier.accepted
        ]


class TestSmtpNotifier(FollowUpNotifierContract):
    secrets = (PASSWORD,)
    time_limit_seconds = 10

    @pytest.fixture(autouse=True)
    def _mail_server(self) -> Iterator[None]:
        with a_mail_server(auth_require_tls=False) as self._server:
            yield

    def make_notifier(self) -> FollowUpNotifier:
        url = f"smtp://{USER}:{PASSWORD}@localhost:{self._server.port}"
        return smtp.create({"url": url, "sender": "Sales <sales@example.com>", "timeout": "2"})

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self._server.behaviour = behaviour

    def received(self) -> Sequence[Received]:
        return [
            Received(
                message=mail.text,
                idempotency_key=mail.message["Message-ID"],
                address=mail.recipients[0],
                subject=mail.message["Subject"],
            )
            for mail in self._server.accepted
        ]


class TestWebhookNotifier(FollowUpNotifierContract):
    secrets = (SECRET, "hooks/leads")
    time_limit_seconds = 10

    @pytest.fixture(autouse=True)
    def _webhook_receiver(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("NO_PROXY", "localhost")
        with a_receiver() as self._receiver:
            yield

    def make_notifier(self) -> FollowUpNotifier:
        return webhook.create({"url": self._receiver.url, "secret": SECRET, "timeout": "2"})

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self._receiver.behaviour = behaviour

    def received(self) -> Sequence[Received]:
        return [self._received(post) for post in self._receiver.accepted]

    def _received(self, post: Post) -> Received:
        data = post.verify()["data"]
        return Received(
            message=data["message"],
            idempotency_key=post.headers["webhook-id"],
            address=data["email"],
            name=data["name"],
            subject=data["subject"],
        )


UNSUPPORTED_BY_APPRISE = [
    # Apprise sends no idempotency key, and its errors do not tell refusals from temporary failures.
    "test_lets_the_receiver_recognise_a_repeated_notice",
    "test_raises_refused_when_the_receiver_refuses",
]


class AppriseContract(FollowUpNotifierContract, without=UNSUPPORTED_BY_APPRISE):
    """The contract for services of Apprise that post to any address."""

    secrets = ("hunter2", "hooks/leads")
    time_limit_seconds = 10
    url: str

    @pytest.fixture(autouse=True)
    def _gateway(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("NO_PROXY", "localhost")
        with a_receiver() as self._receiver:
            yield

    def make_notifier(self) -> FollowUpNotifier:
        address = self._receiver.url.removeprefix("http://")
        return apprise.create({"url": self.url.replace("ADDRESS", address), "timeout": "2"})

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self._receiver.behaviour = behaviour

    def received(self) -> Sequence[Received]:
        return [self._received(post) for post in self._receiver.accepted]

    def _received(self, post: Post) -> Received:
        raise NotImplementedError


class TestAppriseWithPhoneNumbers(AppriseContract):
    url = "json://leads:hunter2@ADDRESS/{phone}"

    def _received(self, post: Post) -> Received:
        number = unquote(post.path.rpartition("/")[2])
        return Received(message=json.loads(post.body)["message"], idempotency_key=None, address=number)


class TestAppriseWithEmailAddresses(AppriseContract):
    url = "form://leads:hunter2@ADDRESS?-to={email}"

    def _received(self, post: Post) -> Received:
        [message] = parse_qs(post.body.decode())["message"]
        [address] = parse_qs(urlsplit(post.path).query)["to"]
        return Received(message=message, idempotency_key=None, address=address)


class TestAppriseWithoutAnAddress(AppriseContract):
    url = "json://leads:hunter2@ADDRESS"

    def _received(self, post: Post) -> Received:
        return Received(message=json.loads(post.body)["message"], idempotency_key=None)
