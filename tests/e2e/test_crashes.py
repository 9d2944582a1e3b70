"""Processes are killed while clients write and follow-ups are sent, again and again, on the same database.

`make crash` does so 200 times for each way of running the service, with other choices in each run: CRASH_SEED repeats
those of an earlier one.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Event, Semaphore
from typing import Any
from uuid import UUID

import click
import httpx
import pytest
from sqlalchemy import URL

from e2e.service import TIMEOUT_SECONDS, Running, Service, Site, eventually
from leads_adapters.sql.sqlite.driver import driver as sqlite
from leads_app.dispatcher import SLOTS as IN_FLIGHT_MAX
from postgres import connect, postgres_url
from webhook_receiver import SECRET, Receiver, a_receiver

CRASHES = int(os.environ.get("CRASHES", "2"))
CLIENTS = 4

WAYS = ["in the service, SQLite", "apart, SQLite", "in the service, PostgreSQL", "apart, PostgreSQL"]

# What waits for a process that is gone; to end it is to let the minute go by for which it is nobody else's.
END_LEASES = """
    UPDATE follow_ups SET lease_until = created_at WHERE state = 'scheduled' AND lease_until > created_at RETURNING id
"""
CUT_OFF = "All attempts were interrupted."
"""Why a follow-up failed that was under way at as many kills as it may have attempts."""

NEVER_TRIED = "SELECT id FROM follow_ups WHERE state = 'scheduled' AND last_error IS NULL"


@dataclass(frozen=True)
class Promises:
    """What clients were told is kept. `made` is released for each."""

    leads: set[str] = field(default_factory=set)
    follow_ups: set[str] = field(default_factory=set)
    made: Semaphore = field(default_factory=lambda: Semaphore(0))
    numbers: Iterator[int] = field(default_factory=count)

    def collect(self, service: Service, enough: Event) -> None:
        """Write, and note what is promised, until it is enough or the service is gone."""
        try:
            while not enough.is_set():
                email = f"lead-{next(self.numbers)}@example.com"
                lead = service.post("/leads", {"name": "John Doe", "email": email}).expect(201).json["id"]
                self.leads.add(lead)
                self.made.release()
                follow_up = service.post(f"/leads/{lead}/follow-up").expect(202).json["id"]
                self.follow_ups.add(follow_up)
                self.made.release()
        except httpx.TransportError:
            return

    @contextmanager
    def being_made(self, service: Service) -> Iterator[None]:
        """Clients write all the time."""
        enough = Event()
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self.collect, service, enough) for _ in range(CLIENTS)]
            try:
                yield
            finally:
                enough.set()
                for client in clients:
                    client.result()  # what ended a client explains what was waited for in vain


class Database:
    """SQLite in the site's folder. `of_dispatcher` is what a process that sends is told of it."""

    of_dispatcher: Mapping[str, str] = {}

    def __init__(self, site: Site) -> None:
        self._file = site.folder / "leads.db"

    def rows(self, statement: str) -> Sequence[Sequence[Any]]:
        """What the database answers."""
        with closing(sqlite.connect(self._file, timeout=TIMEOUT_SECONDS, isolation_level=None)) as connection:
            found: Sequence[Sequence[Any]] = connection.execute(statement).fetchall()
            return found

    def forget_dispatcher(self) -> None:
        """Return when nothing that a killed dispatcher had begun can still come into force."""

    def check(self) -> None:
        """The file is sound."""
        assert self.rows("PRAGMA integrity_check") == [("ok",)]


class Postgres(Database):
    """PostgreSQL, which ends what a killed process had asked for by and by."""

    def __init__(self, url: URL) -> None:
        self._url = url
        named = url.update_query_dict({"application_name": "dispatcher"})
        self.of_dispatcher = {"LEADS_DATABASE_URL": named.render_as_string(hide_password=False)}

    def rows(self, statement: str) -> Sequence[Sequence[Any]]:
        """What the database answers."""
        with connect(self._url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def forget_dispatcher(self) -> None:
        """Return when its connections are gone."""
        left = "SELECT pid FROM pg_stat_activity WHERE application_name = 'dispatcher' AND datname = current_database()"
        eventually(lambda: not self.rows(left))

    def check(self) -> None:
        """PostgreSQL looks after itself."""


class Desk:
    """A service, and a dispatcher that is `apart` from it or a part of it, on a database."""

    def __init__(self, site: Site, database: "Database", apart: bool) -> None:
        self.site, self.database, self.apart = site, database, apart
        self.service: Service | None = None
        self.dispatcher: Running | None = None

    @property
    def sends(self) -> bool:
        """Whether a process that sends is running."""
        return self._dispatches() if self.apart else self._serves()

    def start(self) -> Service:
        """Begin whatever does not run; the service, which now answers."""
        service = self.begin()
        eventually(service.is_ready)
        service.client.headers["X-API-Key"] = self.site.key
        return service

    def begin(self) -> Service:
        """The same without waiting for an answer."""
        if self.apart and not self._dispatches():
            self.dispatcher = Running(self.site, [self.site.command, "dispatch"], self.database.of_dispatcher)
            self.dispatcher.begin()
        if self.service is None or not self._serves():
            self.end_service()
            self.service = self._new_service()
            self.service.begin()
        return self.service

    def kill_service(self) -> None:
        """End the service with no time to do anything."""
        if self.service is not None:
            self.service.kill()

    def kill_dispatcher(self) -> None:
        """End the dispatcher with no time to do anything; it may be the service."""
        if not self.apart:
            self.kill_service()
        elif self.dispatcher is not None:
            self.dispatcher.kill()

    def kill(self) -> None:
        """End everything with no time to do anything."""
        self.kill_dispatcher()
        self.kill_service()

    def end_service(self) -> None:
        """Let nothing be left of the service, nor of its client."""
        if self.service is not None:
            self.service.end()

    def _serves(self) -> bool:
        return self.service is not None and self.service.process.poll() is None

    def _dispatches(self) -> bool:
        return self.dispatcher is not None and self.dispatcher.process.poll() is None

    def _new_service(self) -> Service:
        return self.site.serve("--no-dispatch") if self.apart else self.site.serve(**self.database.of_dispatcher)


@pytest.fixture(params=WAYS)
def desk(request: pytest.FixtureRequest, site: Site, receiver: Receiver) -> Iterator[Desk]:
    """Every way of running the service, with a first key and the receiver as its channel."""
    place, kind = request.param.split(", ")
    site.write("leads.toml", f'[channels.hook]\nadapter = "webhook"\nurl = "{receiver.url}"\nsecret = "{SECRET}"\n')
    site.configure(LEADS_DEFAULT_CHANNEL="hook", LEADS_RATE_LIMIT="off")
    with ExitStack() as used:
        database = Database(site)
        if kind == "PostgreSQL":
            url = used.enter_context(postgres_url())
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
            database = Postgres(url)
        with site.serve():
            assert site.key
        desk = Desk(site, database, apart=place == "apart")
        used.callback(desk.end_service)
        used.callback(desk.kill)
        yield desk


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where follow-ups go."""
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def random() -> Random:
    """What chooses; pytest shows its seed when a test fails, and `make crash` always."""
    seed = int(os.environ.get("CRASH_SEED", "1"))
    click.echo(f"CRASH_SEED={seed}")
    return Random(seed)


def test_crashes_lose_nothing_that_was_promised(desk: Desk, receiver: Receiver, random: Random) -> None:
    promises = Promises()
    interrupted: Counter[str] = Counter()
    for _ in range(CRASHES):
        receiver.respond(random.choice([422, 503]))
        crash_at_any_moment(desk, receiver, promises, random)
        if not desk.sends:
            cut_off = end_leases(desk.database)
            assert len(cut_off) <= IN_FLIGHT_MAX
            interrupted.update(cut_off)
    desk.kill()
    interrupted.update(end_leases(desk.database))
    desk.database.check()
    receiver.responses.clear()

    service = desk.start()
    eventually(lambda: not desk.database.rows(NEVER_TRIED), within=TIMEOUT_SECONDS + len(promises.follow_ups) / 50)
    assert promises.leads <= {lead["id"] for lead in service.items("/leads")}
    told = [service.get(f"/follow-ups/{id}").expect(200).json for id in promises.follow_ups]
    accepted = Counter(post.headers["webhook-id"] for post in receiver.accepted)
    repeated = accepted - Counter(accepted.keys())
    click.echo(f"{CRASHES} kills, {len(promises.leads)} leads and {len(promises.follow_ups)} follow-ups promised,")
    click.echo(f"{interrupted.total()} notices cut off, {repeated.total()} repeated")

    assert promises.follow_ups <= {post.headers["webhook-id"] for post in receiver.posts}
    assert [follow_up for follow_up in told if not is_accounted_for(follow_up, accepted)] == []
    assert len(promises.follow_ups) > CRASHES
    assert_repeats_are_of_what_was_cut_off(receiver, repeated, interrupted)


def crash_at_any_moment(desk: Desk, receiver: Receiver, promises: Promises, random: Random) -> None:
    """Kill the service, the dispatcher or both: while they start, or in the middle of whatever they do."""
    victims = random.choice([desk.kill_service, desk.kill_dispatcher, desk.kill])
    if random.random() < 0.2:
        desk.begin()
        time.sleep(random.uniform(0, 1))  # a moment of a start is nothing but a time
        victims()
        return
    with promises.being_made(desk.start()):
        posts = len(receiver.posts) + random.randint(1, 50)
        if random.random() < 0.5:
            eventually(lambda: len(receiver.posts) >= posts or not desk.sends)
            assert desk.sends
        else:
            for _ in range(random.randint(1, 100)):
                assert promises.made.acquire(timeout=TIMEOUT_SECONDS)
        time.sleep(random.uniform(0, 0.02))  # so that no kill is bound to what was waited for
        victims()


def end_leases(database: Database) -> Sequence[str]:
    """What the dispatcher that was killed had under way, and let the minute go by for which it is nobody else's."""
    database.forget_dispatcher()
    return [str(UUID(str(id))) for (id,) in database.rows(END_LEASES)]


def is_accounted_for(follow_up: Mapping[str, Any], accepted: Mapping[str, int]) -> bool:
    """Whether it was received as it says, or says why not."""
    match follow_up["state"]:
        case "sent":
            return follow_up["id"] in accepted
        case "failed":
            return follow_up["last_error"] in ("The receiver responded with 422.", CUT_OFF)
        case "scheduled":
            return bool(follow_up["next_attempt_at"] and follow_up["last_error"] == "The receiver responded with 503.")
    return False


def assert_repeats_are_of_what_was_cut_off(
    receiver: Receiver, repeated: Counter[str], interrupted: Counter[str]
) -> None:
    """A notice comes again under its own key, once at the most for each kill that found it under way."""
    assert repeated <= interrupted
    posts = [(json.loads(post.body)["data"], post.headers["webhook-id"]) for post in receiver.posts]
    assert {key for data, key in posts if key != data["follow_up_id"]} == set()
    assert len({(key, data["attempt"]) for data, key in posts}) == len(posts)
