"""Test that each colleague gets exactly one digest a day, however often dispatchers are killed around the hour.

`make crash` kills on 50 days for each database, with a new seed in each run: CRASH_SEED repeats an earlier run.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import click
import pytest

from e2e.databases import Database, Postgres, database_of
from e2e.service import Running, Site, eventually
from webhook_receiver import SECRET, Receiver, a_receiver

DAYS = max(1, int(os.environ.get("CRASHES", "8")) // 4)
COLLEAGUES = 12

# The next day begins: what was planned counts as planned two days ago.
BEGIN_DAY = "UPDATE digest_plan SET planned_at = {} RETURNING id"
# Ends the leases of killed dispatchers, instead of waiting a minute.
END_LEASES = """
    UPDATE digests SET lease_until = planned_at WHERE state = 'scheduled' AND lease_until > planned_at RETURNING id
"""
TWO_DAYS_AGO = {
    Database: "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-2 days')",
    Postgres: "now() - interval '2 days'",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver of digests."""
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest, site: Site, receiver: Receiver) -> Iterator[Database]:
    """Create a task for each colleague, and configure digests that are due now."""
    configure(site, receiver)
    with database_of(site, request.param) as database:
        with site.serve("--no-dispatch") as service:
            lead = service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201).json["id"]
            for number in range(COLLEAGUES):
                task = {"text": "Call", "due_at": "2020-01-01T09:00:00Z", "assignee": f"{number}@example.com"}
                service.post(f"/leads/{lead}/tasks", task).expect(201)
        yield database


def configure(site: Site, receiver: Receiver) -> None:
    """Configure a webhook and digests at midnight, in a zone where it is about noon, so that no day ends meanwhile."""
    offset = datetime.now(UTC).hour - 12
    site.write(
        "leads.toml",
        f"""
[channels.hook]
adapter = "webhook"
url = "{receiver.url}"
secret = "{SECRET}"

[digest]
channel = "hook"
at = "00:00"
time_zone = "Etc/GMT{offset:+d}"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
""",
    )


def test_killed_dispatchers_send_one_digest_a_day_to_each_colleague(
    site: Site, database: Database, receiver: Receiver
) -> None:
    seed = int(os.environ.get("CRASH_SEED", "1"))
    click.echo(f"CRASH_SEED={seed}")
    random = Random(seed)
    interrupted: Counter[str] = Counter()
    for day in range(1, DAYS + 1):
        interrupted.update(kill_two_dispatchers(site, database, receiver, random))
        site.leads("dispatch", "--once").expect(0)
        digests = database.rows("SELECT id, recipient, state FROM digests ORDER BY id")
        assert len(digests) == day * COLLEAGUES
        assert {state for _, _, state in digests} == {"sent"}
        assert {*Counter(recipient for _, recipient, _ in digests).values()} == {day}
        database.rows(BEGIN_DAY.format(TWO_DAYS_AGO[type(database)]))

    accepted = Counter(post.headers["webhook-id"] for post in receiver.accepted)
    assert accepted.keys() == {str(UUID(str(id))) for id, _, _ in digests}
    assert accepted - Counter(accepted.keys()) <= interrupted
    posts = [json.loads(post.body) for post in receiver.posts]
    assert {post["type"] for post in posts} == {"digest.due"}
    click.echo(f"{DAYS} days, {interrupted.total()} digests cut off, {accepted.total() - len(accepted)} repeated")


def kill_two_dispatchers(site: Site, database: Database, receiver: Receiver, random: Random) -> Sequence[str]:
    """Start two dispatchers, kill them during their start or while they send, and return what they had claimed."""
    posts = len(receiver.posts) + random.randint(1, COLLEAGUES)
    dispatchers = [Running(site, [site.command, "dispatch"], database.of_dispatcher) for _ in range(2)]
    try:
        for dispatcher in dispatchers:
            dispatcher.begin()
        if random.random() < 0.5:
            time.sleep(random.uniform(0, 1))  # a random time during the start
        else:
            eventually(lambda: len(receiver.posts) >= posts)
        for dispatcher in random.sample(dispatchers, 2):
            dispatcher.kill()
            time.sleep(random.uniform(0, 0.02))
    finally:
        for dispatcher in dispatchers:
            dispatcher.end()
    database.forget_dispatcher()
    return [str(UUID(str(id))) for (id,) in database.rows(END_LEASES)]
