"""Test digests from the database to the mail server, with several dispatchers on each database."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from application import RETRY, Application
from databases import DATABASES
from digests import MORNING, Digests
from leads_adapters.notifiers import smtp
from leads_app.dispatcher import Dispatcher, Queue
from leads_domain.testing import Behaviour
from leads_domain.use_cases.dispatch_digests import CLAIMED_MAX
from mail_server import MailServer, a_mail_server

DISPATCHERS = 4
COLLEAGUES = DISPATCHERS * CLAIMED_MAX + 5


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with a_mail_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def digests(request: pytest.FixtureRequest, tmp_path: Path, server: MailServer) -> Iterator[Digests]:
    server.accepted.clear()
    server.mails.clear()
    with DATABASES[request.param](tmp_path) as database:
        yield Digests(Application(database))


def dispatcher(digests: Digests, server: MailServer, owner: str = "one") -> Dispatcher:
    """Return a new dispatcher of digests and follow-ups."""
    app = digests.app
    notifier = smtp.create({"url": f"smtp://localhost:{server.port}", "sender": "sales@example.com", "timeout": "10"})
    queues = [Queue(digests.claim_due, digests.record_digest), Queue(app.claim_due, app.record_outcome)]
    return Dispatcher(app.database.database, app.clock, queues, {"smtp": notifier}, owner=owner)


def test_several_dispatchers_send_each_digest_once(digests: Digests, server: MailServer) -> None:
    lead = digests.task("0@example.com")
    for number in range(1, COLLEAGUES):
        digests.task(f"{number}@example.com", lead)
    digests.app.trigger(lead, channel="smtp")

    async def dispatch_at_once() -> list[int]:
        dispatchers = (dispatcher(digests, server, str(number)) for number in range(DISPATCHERS))
        return await asyncio.gather(*(each.run_once() for each in dispatchers))

    attempts = digests.app.database.run(dispatch_at_once())
    assert sum(attempts) == COLLEAGUES + 1
    recipients = [mail.message["To"] for mail in server.accepted if "due today" in mail.message["Subject"]]
    assert sorted(recipients) == sorted(f"{number}@example.com" for number in range(COLLEAGUES))
    assert digests.app.database.run(dispatch_at_once()) == [0] * DISPATCHERS


def test_a_digest_is_retried_with_the_same_message_id(digests: Digests, server: MailServer) -> None:
    digests.task()
    server.behaviour = Behaviour.FAILS
    with capture_logs() as log:
        assert digests.app.database.run(dispatcher(digests, server).run_once()) == 1
    (line,) = log
    server.behaviour = Behaviour.ACCEPTS
    assert digests.app.database.run(dispatcher(digests, server).run_once()) == 0
    digests.app.clock.time = digests.next_attempts()["smtp"]
    assert MORNING < digests.app.clock.time < MORNING + RETRY.first
    assert digests.app.database.run(dispatcher(digests, server).run_once()) == 1

    first, second = (mail.message for mail in server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert second["Subject"] == "1 task due today"
    assert (line["event"], line["digest_id"]) == ("digest_not_sent", first["Message-ID"].strip("<>").split("@")[0])
    digests.app.clock.advance(timedelta(days=1))
    assert digests.app.database.run(dispatcher(digests, server).run_once()) == 1
    assert server.mails[-1].message["Message-ID"] != first["Message-ID"]
    assert server.mails[-1].message["Subject"] == "1 task overdue"
