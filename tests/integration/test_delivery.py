"""From the database to the receiver: the dispatcher with real stores, channels and receivers, which have every trouble.

What is kept, told and received must agree, whatever happens on the way.
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
from leads_app.dispatcher import Dispatcher
from leads_domain.follow_up import FollowUp, FollowUpState, Lease
from leads_domain.notifier import FollowUpNotifier
from leads_domain.testing import Behaviour
from mail_server import MailServer, a_mail_server
from webhook_receiver import SECRET, Receiver, a_receiver

MOMENT = timedelta(microseconds=1)
FIRST_WAIT = RETRY.first / 2
"""After the first attempt: the random source always returns one half."""
ENOUGH = "10"
"""Seconds for an attempt that is to end well, however busy the machine is."""

Server = MailServer | Receiver


@dataclass(frozen=True)
class Channel:
    """A channel and its receiver; what is kept as `last_error` for each trouble."""

    name: str
    serve: Callable[..., AbstractContextManager[Server]]
    notifier: Callable[[int, str], FollowUpNotifier]
    """Given the receiver's port and a time-out in seconds."""
    received: Callable[[Any], list[str]]
    """The ids of the follow-ups that came, accepted or not."""
    accepted: Callable[[Any], list[str]]
    hang_up: Callable[[Any], None]
    """Have the receiver take the next notice, and hang up instead of answering."""
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
    """One follow-up that is due, and all that it passes on its way."""

    app: Application
    channel: Channel
    server: Server
    port: int
    follow_up: FollowUp = field(init=False)

    def __post_init__(self) -> None:
        self.lead = self.app.register().lead
        self.follow_up = self.app.trigger(self.lead, channel=self.channel.name, message="Hello John!")

    def dispatcher(self, *, owner: str = "here", timeout: str = ENOUGH) -> Dispatcher:
        """A dispatcher that has just been started."""
        return Dispatcher(
            self.app.database.database,
            self.app.clock,
            self.app.claim_due,
            self.app.record_outcome,
            {self.channel.name: self.channel.notifier(self.port, timeout)},
            owner=owner,
        )

    def dispatch(self, **members: str) -> int:
        """Send what is due; how many attempts there were."""
        return self.app.database.run(self.dispatcher(**members).run_once())

    def dispatch_again(self) -> None:
        """The next attempt, which is not made before its time."""
        at = self.kept.next_attempt_at
        assert at is not None
        self.app.clock.time = at - MOMENT
        assert self.dispatch() == 0
        self.app.clock.time = at
        assert self.dispatch() == 1

    @property
    def kept(self) -> FollowUp:
        """The follow-up as the database has it."""
        return self.app.follow_up(self.follow_up)

    @property
    def story(self) -> list[tuple[object, ...]]:
        """What the timeline tells of the attempts: what became of each, and why."""
        told = [entry for entry in reversed(self.app.timeline(self.lead)) if "follow_up_id" in entry.data]
        return [(entry.type.value, *map(entry.data.get, ("attempt", "error"))) for entry in told[1:]]

    @property
    def accepted(self) -> int:
        """How often the receiver has accepted it. It was given nothing else."""
        assert set(self.channel.received(self.server)) <= {self.follow_up.id}
        return len(self.channel.accepted(self.server))

    @property
    def received(self) -> int:
        """How often it came to the receiver, accepted or not."""
        return len(self.channel.received(self.server))

    def assert_waiting(self, *errors: str) -> None:
        """So many attempts have failed, the last one right now; there will be another one."""
        kept = self.kept
        assert (kept.state, kept.attempts, kept.last_error) == (FollowUpState.SCHEDULED, len(errors), errors[-1])
        assert (kept.lease, kept.sent_at, kept.due_at) == (None, None, self.follow_up.due_at)
        assert kept.next_attempt_at == self.app.clock.time + FIRST_WAIT * 2 ** (len(errors) - 1)
        assert self.story == failures(*errors)
        assert self.app.lead(self.lead).next_follow_up_at == kept.due_at

    def assert_sent(self, *errors: str) -> None:
        """It was sent right now, after attempts that failed, and is never sent again."""
        kept = self.kept
        assert (kept.state, kept.attempts, kept.last_error) == (FollowUpState.SENT, len(errors) + 1, None)
        assert (kept.lease, kept.sent_at, kept.next_attempt_at) == (None, self.app.clock.time, None)
        assert self.story == [*failures(*errors), ("follow_up.sent", len(errors) + 1, None)]
        self.assert_over()

    def assert_failed(self, *errors: str) -> None:
        """It has failed for good, and is not tried again."""
        kept = self.kept
        assert (kept.state, kept.attempts, kept.last_error) == (FollowUpState.FAILED, len(errors), errors[-1])
        assert (kept.lease, kept.sent_at, kept.next_attempt_at) == (None, None, None)
        assert self.story == [*failures(*errors), ("follow_up.failed", None, errors[-1])]
        self.assert_over()

    def assert_over(self) -> None:
        received = self.received
        assert self.app.lead(self.lead).next_follow_up_at is None
        self.app.clock.advance(timedelta(days=365))
        assert (self.dispatch(), self.received) == (0, received)


def failures(*errors: str) -> list[tuple[object, ...]]:
    """What the timeline tells of failed attempts."""
    return [("follow_up.attempt_failed", attempt, error) for attempt, error in enumerate(errors, 1)]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture(scope="module", params=[SMTP, WEBHOOK], ids=lambda channel: channel.name)
def line(request: pytest.FixtureRequest) -> Iterator[tuple[Channel, Server]]:
    with request.param.serve() as server:
        yield request.param, server


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database)


@pytest.fixture
def delivery(app: Application, line: tuple[Channel, Server]) -> Delivery:
    channel, server = line
    server.accepted.clear()
    (server.mails if isinstance(server, MailServer) else server.posts).clear()
    server.behaviour = Behaviour.ACCEPTS
    return Delivery(app, channel, server, server.port)


def test_what_is_due_is_sent_once(delivery: Delivery) -> None:
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (1, 1)
    delivery.assert_sent()


def test_what_could_not_be_sent_while_the_receiver_was_down_is_sent_when_it_is_up(
    app: Application, line: tuple[Channel, Server]
) -> None:
    channel, _ = line
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


def test_what_the_receiver_puts_off_is_sent_at_the_next_attempt(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.FAILS
    assert delivery.dispatch() == 1
    delivery.assert_waiting(delivery.channel.fails)

    delivery.server.behaviour = Behaviour.ACCEPTS
    delivery.dispatch_again()
    assert (delivery.received, delivery.accepted) == (2, 1)
    delivery.assert_sent(delivery.channel.fails)


def test_what_the_receiver_puts_off_each_time_fails_after_the_last_attempt(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.FAILS
    assert delivery.dispatch() == 1
    for attempt in range(2, RETRY.attempts + 1):
        delivery.assert_waiting(*[delivery.channel.fails] * (attempt - 1))
        delivery.dispatch_again()
    assert (delivery.received, delivery.accepted) == (RETRY.attempts, 0)
    delivery.assert_failed(*[delivery.channel.fails] * RETRY.attempts)


def test_what_the_receiver_refuses_fails_at_once_and_can_be_retried(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.REFUSES
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (1, 0)
    delivery.assert_failed(delivery.channel.refuses)

    delivery.server.behaviour = Behaviour.ACCEPTS
    delivery.app.retry(delivery.follow_up)
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (2, 1)
    assert delivery.kept.state is FollowUpState.SENT


def test_what_the_receiver_has_taken_without_an_answer_comes_again_under_the_same_id(delivery: Delivery) -> None:
    delivery.channel.hang_up(delivery.server)
    assert delivery.dispatch() == 1
    assert (delivery.received, delivery.accepted) == (1, 0)
    delivery.assert_waiting(delivery.channel.hung_up)

    delivery.dispatch_again()
    assert (delivery.received, delivery.accepted) == (2, 1)
    delivery.assert_sent(delivery.channel.hung_up)


def test_what_a_slow_receiver_is_at_is_left_alone_by_other_dispatchers(delivery: Delivery) -> None:
    delivery.server.is_paused = True
    database = delivery.app.database
    attempt = database.runner.get_loop().create_task(delivery.dispatcher(owner="here").run_once())
    database.run(until(lambda: delivery.received == 1))
    assert delivery.dispatch(owner="there") == 0
    assert delivery.kept.lease == Lease(owner="here", until=delivery.app.clock.time + LEASE)

    delivery.server.is_paused = False
    assert database.run(asyncio.wait_for(attempt, TIMEOUT_SECONDS)) == 1
    assert (delivery.received, delivery.accepted) == (1, 1)
    delivery.assert_sent()


def test_a_receiver_that_does_not_answer_in_time_is_tried_again(delivery: Delivery) -> None:
    delivery.server.behaviour = Behaviour.HANGS
    assert delivery.dispatch(timeout="0.2") == 1
    delivery.assert_waiting(delivery.channel.late)

    delivery.server.behaviour = Behaviour.ACCEPTS
    delivery.dispatch_again()
    assert delivery.accepted == 1
    delivery.assert_sent(delivery.channel.late)


async def until(reached: Callable[[], bool]) -> None:
    """Wait for something, but not for ever."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not reached():
            await asyncio.sleep(0.001)
