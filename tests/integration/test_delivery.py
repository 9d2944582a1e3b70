"""Test delivery from the database to the receiver, with real stores, channels and failing receivers.

The stored follow-up, its timeline and the received notices must agree.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from application import LEASE, RETRY, Application
from databases import DATABASES, TIMEOUT_SECONDS
from leads_adapters.notifiers import smtp, webhook
from leads_app.dispatcher import Dispatcher, Queue
from leads_domain.follow_up import FollowUp, FollowUpState, Lease
from leads_domain.notifier import FollowUpNotifier
from leads_domain.testing import Behaviour
from mail_server import MailServer, a_mail_server
from webhook_receiver import SECRET, Receiver, a_receiver

MOMENT = timedelta(microseconds=1)
FIRST_WAIT = RETRY.first / 2
"""The delay after the first attempt: the random source always returns 0.5."""
ENOUGH = "10"
"""The time-out in seconds of an attempt that must succeed, even on a busy machine."""

Server = MailServer | Receiver


@dataclass(frozen=True)
class Channel:
    """A channel, its receiver, and the `last_error` of each kind of failure."""

    name: str
    serve: Callable[..., AbstractContextManager[Server]]
    notifier: Callable[[int, str], FollowUpNotifier]
    """A function of the receiver's port and a time-out in seconds."""
    received: Callable[[Any], list[str]]
    """A function that returns the ids of the received follow-ups, accepted or not."""
    accepted: Callable[[Any], list[str]]
    hang_up: Callable[[Any], None]
    """A function that lets the receiver accept the next notice and disconnect without a response."""
    down: str
    fails: str
    refuses: str
    hung_up: str
    late: str


def smtp_notifier(port: int, timeout: str) -> FollowUpNotifier:
    return smtp.create({"url": f"smtp://localhost:{port}", "sender": "sales@example.com", "timeout": timeout})


def webhook_notifier(port: int, timeout: str) -> FollowUpNotifier:
    return webhook.create({"url": f"http://localhost:{port}", "secret": SECRET, "timeout": timeout})


SMTP = Channel(
    "smtp",
    a_mail_server,
    smtp_notifier,
    received=lambda server: [mail.message["Message-ID"].strip("<>").split("@")[0] for mail in server.mails],
    accepted=lambda server: [mail.message["Message-ID"].strip("<>").split("@")[0] for mail in server.accepted],
    hang_up=lambda server: server.reply("DATA", None),
    down="The mail server could not be reached: ConnectionRefusedError.",
    fails="The mail server refused the message with 451 4.3.0.",
    refuses="The mail server refused the message with 550 5.7.1.",
    hung_up="The mail server could not be reached: SMTPServerDisconnected.",
    late="The mail server did not respond in time.",
)
WEBHOOK = Channel(
    "webhook",
    a_receiver,
    webhook_notifier,
    received=lambda receiver: [post.headers["webhook-id"] for post in receiver.posts],
    accepted=lambda receiver: [post.headers["webhook-id"] for post in receiver.accepted],
    hang_up=lambda receiver: receiver.respond(None),
    down="The receiver could not be reached: ConnectError.",
    fails="The receiver responded with 503.",
    refuses="The receiver responded with 422.",
    hung_up="The receiver could not be reached: RemoteProtocolError.",
    late="The receiver did not respond in time.",
)


@dataclass
class Delivery:
    """A due follow-up with its application, channel and receiver."""

    app: Application
    channel: Channel
    server: Server
    port: int
    follow_up: FollowUp = field(init=False)

    def __post_init__(self) -> None:
        self.lead = self.app.register().lead
        self.follow_up = self.app.trigger(self.lead, channel=self.channel.name, message="Hello John!")

    def dispatcher(self, *, owner: str = "here", timeout: str = ENOUGH) -> Dispatcher:
        """Return a new dispatcher."""
        return Dispatcher(
            self.app.database.database,
            self.app.clock,
            [Queue(self.app.claim_due, self.app.record_outcome)],
            {self.channel.name: self.channel.notifier(self.port, timeout)},
            owner=owner,
        )

    def dispatch(self, **members: str) -> int:
        """Send due follow-ups and return the number of attempts."""
        return self.app.database.run(self.dispatcher(**members).run_once())

    def dispatch_again(self) -> None:
        """Make the next attempt; check that it is not made before its time."""
        at = self.stored.next_attempt_at
        assert at is not None
        self.app.clock.time = at - MOMENT
        assert self.dispatch() == 0
        self.app.clock.time = at
        assert self.dispatch() == 1

    @property
    def stored(self) -> FollowUp:
        """The follow-up as stored."""
        return self.app.follow_up(self.follow_up)

    @property
    def attempts_in_timeline(self) -> list[tuple[object, ...]]:
        """The type, attempt and error of each timeline entry about an attempt, oldest first."""
        entries = [entry for entry in reversed(self.app.timeline(self.lead)) if "follow_up_id" in entry.data]
        return [(entry.type.value, *map(entry.data.get, ("attempt", "error"))) for entry in entries[1:]]

    @property
    def accepted(self) -> int:
        """The number of accepted notices, all of which must be of this follow-up."""
        assert set(self.channel.received(self.server)) <= {self.follow_up.id}
        return len(self.channel.accepted(self.server))

    @property
    def received(self) -> int:
        """The number of received notices, accepted or not."""
        return len(self.channel.received(self.server))

    def assert_waiting(self, *errors: str) -> None:
        """Check that these attempts failed, the last one now, and that the next is scheduled."""
        stored = self.stored
        assert (stored.state, stored.attempts, stored.last_error) == (FollowUpState.SCHEDULED, len(errors), errors[-1])
        assert (stored.lease, stored.sent_at, stored.due_at) == (None, None, self.follow_up.due_at)
        assert stored.next_attempt_at == self.app.clock.time + FIRST_WAIT * 2 ** (len(errors) - 1)
        assert self.attempts_in_timeline == failures(*errors)
        assert self.app.lead(self.lead).next_follow_up_at == stored.due_at

    def assert_sent(self, *errors: str) -> None:
        """Check that the follow-up was sent now, after these failed attempts, and is not sent again."""
        stored = self.stored
        assert (stored.state, stored.attempts, stored.last_error) == (FollowUpState.SENT, len(errors) + 1, None)
        assert (stored.lease, stored.sent_at, stored.next_attempt_at) == (None, self.app.clock.time, None)
        assert self.attempts_in_timeline == [*failures(*errors), ("follow_up.sent", len(errors) + 1, None)]
        self.assert_over()

    def assert_failed(self, *errors: str) -> None:
        """Check that the follow-up has failed and is not retried."""
        stored = self.stored
        assert (stored.state, stored.attempts, stored.last_error) == (FollowUpState.FAILED, len(errors), errors[-1])
        assert (stored.lease, stored.sent_at, stored.next_attempt_at) == (None, None, None)
        assert self.attempts_in_timeline == [*failures(*errors), ("follow_up.failed", None, errors[-1])]
        self.assert_over()

    def assert_over(self) -> None:
        received = self.received
        assert self.app.lead(self.lead).next_follow_up_at is None
        self.app.clock.advance(timedelta(days=365))
        assert (self.dispatch(), self.received) == (0, received)


def failures(*errors: str) -> list[tuple[object, ...]]:
    """Return the timeline entries of failed attempts."""
    return [("follow_up.attempt_failed", attempt, error) for attempt, error in enumerate(errors, 1)]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture(scope="module", params=[SMTP, WEBHOOK], ids=lambda channel: channel.name)
def channel_and_server(request: pytest.FixtureRequest) -> Iterator[tuple[Channel, Server]]:
    with request.param.serve() as server:
        yield request.param, server


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database)


@pytest.fixture
def delivery(app: Application, channel_and_server: tuple[Channel, Server]) -> Delivery:
    channel, server = channel_and_server
    server.accepted.clear()
    (server.mails if isinstance(server, MailServer) else server.posts).clear()
    server.behaviour = Behaviour.ACCEPTS
    return Delivery(app, channel, server, server.port)


def test_a_due_follow_up_is_sent_once(delivery: Delivery) -> None:
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (1, 1)
    delivery.assert_sent()


def test_a_follow_up_is_sent_when_the_receiver_is_reachable_again(
    app: Application, channel_and_server: tuple[Channel, Server]
) -> None:
    channel, _ = channel_and_server
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    delivery = Delivery(app, channel, MailServer() if channel is SMTP else Receiver(), port)
    assert delivery.dispatch() == 1
    delivery.assert_waiting(channel.down)
    delivery.dispatch_again()
    delivery.assert_waiting(channel.down, channel.down)
    with channel.serve(port=port) as delivery.server:
        delivery.dispatch_again()
        assert (delivery.received, delivery.accepted) == (1, 1)
        delivery.assert_sent(channel.down, channel.down)


def test_a_temporary_error_of_the_receiver_is_retried(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.FAILS
    assert delivery.dispatch() == 1
    delivery.assert_waiting(delivery.channel.fails)

    delivery.server.behaviour = Behaviour.ACCEPTS
    delivery.dispatch_again()
    assert (delivery.received, delivery.accepted) == (2, 1)
    delivery.assert_sent(delivery.channel.fails)


def test_repeated_temporary_errors_fail_after_the_last_attempt(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.FAILS
    assert delivery.dispatch() == 1
    for attempt in range(2, RETRY.attempts + 1):
        delivery.assert_waiting(*[delivery.channel.fails] * (attempt - 1))
        delivery.dispatch_again()
    assert (delivery.received, delivery.accepted) == (RETRY.attempts, 0)
    delivery.assert_failed(*[delivery.channel.fails] * RETRY.attempts)


def test_a_refusal_of_the_receiver_fails_at_once_and_can_be_retried(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.REFUSES
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (1, 0)
    delivery.assert_failed(delivery.channel.refuses)

    delivery.server.behaviour = Behaviour.ACCEPTS
    delivery.app.retry(delivery.follow_up)
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (2, 1)
    assert delivery.stored.state is FollowUpState.SENT


def test_an_accepted_notice_without_a_response_is_repeated_with_the_same_id(delivery: Delivery) -> None:
    delivery.channel.hang_up(delivery.server)
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (1, 0)
    delivery.assert_waiting(delivery.channel.hung_up)

    delivery.dispatch_again()
    assert (delivery.received, delivery.accepted) == (2, 1)
    delivery.assert_sent(delivery.channel.hung_up)


def test_a_running_attempt_is_not_claimed_by_other_dispatchers(delivery: Delivery) -> None:
    delivery.server.is_paused = True
    database = delivery.app.database
    attempt = database.runner.get_loop().create_task(delivery.dispatcher(owner="here").run_once())
    database.run(wait_until(lambda: delivery.received == 1))
    assert delivery.dispatch(owner="there") == 0
    assert delivery.stored.lease == Lease(owner="here", until=delivery.app.clock.time + LEASE)

    delivery.server.is_paused = False
    assert database.run(asyncio.wait_for(attempt, TIMEOUT_SECONDS)) == 1
    assert (delivery.received, delivery.accepted) == (1, 1)
    delivery.assert_sent()


def test_a_receiver_that_times_out_is_retried(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.HANGS
    assert delivery.dispatch(timeout="0.2") == 1
    delivery.assert_waiting(delivery.channel.late)

    delivery.server.behaviour = Behaviour.ACCEPTS
    delivery.dispatch_again()
    assert delivery.accepted == 1
    delivery.assert_sent(delivery.channel.late)


async def wait_until(reached: Callable[[], bool]) -> None:
    """Wait until a condition is true; fail after a time-out."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not reached():
            await asyncio.sleep(0.001)
