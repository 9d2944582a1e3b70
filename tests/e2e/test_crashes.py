"""Test that killed processes lose nothing that a client got a response for, over many kills of one database.

`make crash` kills 200 times for each deployment, with a new seed in each run: CRASH_SEED repeats
an earlier run.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Event, Semaphore
from typing import Any
from uuid import UUID

import click
import httpx
import pytest

from e2e.databases import Database, database_of
from e2e.service import TIMEOUT_SECONDS, Running, Service, Site, eventually
from leads_app.dispatcher import SLOTS as IN_FLIGHT_MAX
from webhook_receiver import SECRET, Receiver, a_receiver

CRASHES = int(os.environ.get("CRASHES", "2"))
CLIENTS = 4

WAYS = ["in the service, SQLite", "apart, SQLite", "in the service, PostgreSQL", "apart, PostgreSQL"]

# Ends the leases of killed processes, instead of waiting a minute.
END_LEASES = """
    UPDATE follow_ups SET lease_until = created_at WHERE state = 'scheduled' AND lease_until > created_at RETURNING id
"""
INTERRUPTED = "All attempts were interrupted."
"""The error of a follow-up with every attempt interrupted by a kill."""

NEVER_TRIED = "SELECT id FROM follow_ups WHERE state = 'scheduled' AND last_error IS NULL AND task_id IS NULL"


RULE = '[[follow_up_rules]]\nwhen = "new"\nafter = "520w"\ntask = "Call {name}"\n'
COMPLETION = {
    "outcome": "They buy.",
    "status": "contacted",
    "next": {"text": "Send the offer", "due_at": "2050-01-01T00:00:00Z"},
}

UNPROCESSED_SECONDS = 10
"""The time after a restart in which interrupted submissions are processed."""

UNPROCESSED = "SELECT id FROM submissions WHERE state = 'received'"

SUBMISSIONS: Mapping[str, tuple[Mapping[str, str], int]] = {
    "accepted": ({"email": "form-{}@example.com", "message": "Hello!"}, 303),
    "needs_review": ({"email": "nonsense {}"}, 422),
    "spam": ({"email": "form-{}@example.com", "message": "https://spam.example " * 6}, 303),
}
"""The fields of a form by the state that its submission must reach, and the status code of the response."""


@dataclass(frozen=True)
class Acknowledged:
    """The leads, follow-ups, completed tasks and submissions that clients got a response for.

    `made` is released for each. `submissions` has the expected states by the number in the content.
    """

    leads: set[str] = field(default_factory=set)
    follow_ups: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    submissions: dict[str, str] = field(default_factory=dict)
    made: Semaphore = field(default_factory=lambda: Semaphore(0))
    numbers: Iterator[int] = field(default_factory=count)

    def collect(self, service: Service, enough: Event) -> None:
        """Write and record the acknowledged ids until `enough` is set or the service is gone."""
        try:
            while not enough.is_set():
                email = f"lead-{next(self.numbers)}@example.com"
                fields = {"name": "John Doe", "email": email, "owner": "mia@example.com"}
                lead = service.post("/leads", fields).expect(201).json["id"]
                self.leads.add(lead)
                self.made.release()
                follow_up = service.post(f"/leads/{lead}/follow-up").expect(202).json["id"]
                self.follow_ups.add(follow_up)
                self.made.release()
                self.submit_form(service)
                [task] = service.items(f"/leads/{lead}/tasks")
                service.post(f"/tasks/{task['id']}/complete", COMPLETION).expect(200)
                self.completed.add(task["id"])
                self.made.release()
        except httpx.TransportError:
            return

    def submit_form(self, service: Service) -> None:
        """Submit a form as a browser does, and record the acknowledged submission."""
        number = str(next(self.numbers))
        state = list(SUBMISSIONS)[int(number) % len(SUBMISSIONS)]
        fields, status = SUBMISSIONS[state]
        content = {name: value.format(number) for name, value in {**fields, "number": "{}"}.items()}
        response = service.client.post("/forms/contact", data=content)
        assert response.status_code == status, response.text
        self.submissions[number] = state
        self.made.release()

    @contextmanager
    def while_clients_write(self, service: Service) -> Iterator[None]:
        """Let clients write during the block."""
        enough = Event()
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self.collect, service, enough) for _ in range(CLIENTS)]
            try:
                yield
            finally:
                enough.set()
                for client in clients:
                    client.result()  # raise the error of the client


class Deployment:
    """A service with a dispatcher, in its own process if `apart`, on a database."""

    def __init__(self, site: Site, database: Database, apart: bool) -> None:
        self.site, self.database, self.apart = site, database, apart
        self.service: Service | None = None
        self.dispatcher: Running | None = None

    @property
    def sends(self) -> bool:
        """Return whether a process that dispatches is running."""
        return self._dispatches() if self.apart else self._serves()

    def start(self) -> Service:
        """Start what is not running and return the service when it is ready."""
        service = self.begin()
        eventually(service.is_ready)
        service.client.headers["X-API-Key"] = self.site.key
        return service

    def begin(self) -> Service:
        """Start what is not running and return the service at once."""
        if self.apart and not self._dispatches():
            self.dispatcher = Running(self.site, [self.site.command, "dispatch"], self.database.of_dispatcher)
            self.dispatcher.begin()
        if self.service is None or not self._serves():
            self.end_service()
            self.service = self._new_service()
            self.service.begin()
        return self.service

    def kill_service(self) -> None:
        """Kill the service."""
        if self.service is not None:
            self.service.kill()

    def kill_dispatcher(self) -> None:
        """Kill the dispatcher, which may be the service."""
        if not self.apart:
            self.kill_service()
        elif self.dispatcher is not None:
            self.dispatcher.kill()

    def kill(self) -> None:
        """Kill all processes."""
        self.kill_dispatcher()
        self.kill_service()

    def end_service(self) -> None:
        """End the service and close its client."""
        if self.service is not None:
            self.service.end()

    def _serves(self) -> bool:
        return self.service is not None and self.service.process.poll() is None

    def _dispatches(self) -> bool:
        return self.dispatcher is not None and self.dispatcher.process.poll() is None

    def _new_service(self) -> Service:
        return self.site.serve("--no-dispatch") if self.apart else self.site.serve(**self.database.of_dispatcher)


@pytest.fixture(params=WAYS)
def deployment(request: pytest.FixtureRequest, site: Site, receiver: Receiver) -> Iterator[Deployment]:
    """Run each deployment, with a first key and the receiver as its channel."""
    dispatcher_place, kind = request.param.split(", ")
    channel = f'[channels.hook]\nadapter = "webhook"\nurl = "{receiver.url}"\nsecret = "{SECRET}"\n'
    form = '[forms.contact]\nredirect = "https://example.com/thanks"\nrate_limit = "off"\n'
    site.write("leads.toml", channel + form + RULE)
    site.configure(LEADS_DEFAULT_CHANNEL="hook", LEADS_RATE_LIMIT="off")
    with ExitStack() as used:
        database = used.enter_context(database_of(site, kind))
        with site.serve():
            assert site.key
        deployment = Deployment(site, database, apart=dispatcher_place == "apart")
        used.callback(deployment.end_service)
        used.callback(deployment.kill)
        yield deployment


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver of follow-ups."""
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def random() -> Random:
    """Return the random numbers; pytest shows the seed when a test fails, `make crash` always."""
    seed = int(os.environ.get("CRASH_SEED", "1"))
    click.echo(f"CRASH_SEED={seed}")
    return Random(seed)


def test_crashes_lose_nothing_that_was_acknowledged(deployment: Deployment, receiver: Receiver, random: Random) -> None:
    acknowledged = Acknowledged()
    interrupted: Counter[str] = Counter()
    for _ in range(CRASHES):
        receiver.respond(random.choice([422, 503]))
        crash_at_any_moment(deployment, receiver, acknowledged, random)
        if not deployment.sends:
            interrupted_now = end_leases(deployment.database)
            assert len(interrupted_now) <= IN_FLIGHT_MAX
            interrupted.update(interrupted_now)
    deployment.kill()
    interrupted.update(end_leases(deployment.database))
    deployment.database.check()
    receiver.responses.clear()

    service = deployment.start()
    eventually(lambda: not deployment.database.rows(UNPROCESSED), within=UNPROCESSED_SECONDS)
    assert_submissions_are_processed_once(service, acknowledged)
    assert_tasks_are_complete(service, acknowledged)
    eventually(
        lambda: not deployment.database.rows(NEVER_TRIED), within=TIMEOUT_SECONDS + len(acknowledged.follow_ups) / 50
    )
    assert acknowledged.leads <= {lead["id"] for lead in service.items("/leads")}
    follow_ups = [service.get(f"/follow-ups/{id}").expect(200).json for id in acknowledged.follow_ups]
    accepted = Counter(post.headers["webhook-id"] for post in receiver.accepted)
    repeated = accepted - Counter(accepted.keys())
    click.echo(
        f"{CRASHES} kills, {len(acknowledged.leads)} leads and {len(acknowledged.follow_ups)} follow-ups promised,"
    )
    click.echo(f"{len(acknowledged.submissions)} submissions and {len(acknowledged.completed)} completions promised,")
    click.echo(f"{interrupted.total()} notices cut off, {repeated.total()} repeated")

    assert acknowledged.follow_ups <= {post.headers["webhook-id"] for post in receiver.posts}
    assert [follow_up for follow_up in follow_ups if not is_accounted_for(follow_up, accepted)] == []
    assert len(acknowledged.follow_ups) > CRASHES
    assert len(acknowledged.submissions) > CRASHES
    assert_repeats_are_of_what_was_cut_off(receiver, repeated, interrupted)


def assert_submissions_are_processed_once(service: Service, acknowledged: Acknowledged) -> None:
    """Check that each acknowledged submission is stored once and in its state, and each accepted one is one enquiry."""
    submissions = service.items("/submissions")
    numbers = [submission["content"]["number"] for submission in submissions]
    assert len(numbers) == len({*numbers})
    states = {submission["content"]["number"]: submission["state"] for submission in submissions}
    assert {number: states.get(number) for number in acknowledged.submissions} == acknowledged.submissions
    accepted = [submission["lead_id"] for submission in submissions if submission["state"] == "accepted"]
    assert service.get("/statistics").expect(200).json["enquiries"] == len(accepted) == len({*accepted})


def assert_tasks_are_complete(service: Service, acknowledged: Acknowledged) -> None:
    """Check that each lead has its task with a reminder, and each completion its transition and its next task."""
    tasks = service.items("/tasks")
    called = {task["lead_id"]: task for task in tasks if task["text"].startswith("Call ")}
    completed = {lead for lead, task in called.items() if task["state"] == "done"}
    leads = service.items("/leads")
    assert called.keys() == {lead["id"] for lead in leads}
    assert len(tasks) == len(called) + len(completed)
    assert {task["lead_id"] for task in tasks if task["text"] == "Send the offer"} == completed
    assert {lead["id"] for lead in leads if lead["status"] == "contacted"} == completed
    assert acknowledged.completed <= {called[lead]["id"] for lead in completed}
    assert len(acknowledged.completed) > CRASHES
    reminders = [each for each in service.items("/follow-ups") if each["task_id"]]
    assert len(reminders) == len(called)
    assert {each["lead_id"] for each in reminders if each["state"] == "cancelled"} == completed


def crash_at_any_moment(deployment: Deployment, receiver: Receiver, acknowledged: Acknowledged, random: Random) -> None:
    """Kill the service, the dispatcher or both, during their start or later."""
    victims = random.choice([deployment.kill_service, deployment.kill_dispatcher, deployment.kill])
    if random.random() < 0.2:
        deployment.begin()
        time.sleep(random.uniform(0, 1))  # a random time during the start
        victims()
        return
    with acknowledged.while_clients_write(deployment.start()):
        posts = len(receiver.posts) + random.randint(1, 50)
        if random.random() < 0.5:
            eventually(lambda: len(receiver.posts) >= posts or not deployment.sends)
            assert deployment.sends
        else:
            for _ in range(random.randint(1, 100)):
                assert acknowledged.made.acquire(timeout=TIMEOUT_SECONDS)
        time.sleep(random.uniform(0, 0.02))  # so that kills do not always follow the same event
        victims()


def end_leases(database: Database) -> Sequence[str]:
    """End the leases of the killed dispatcher and return the ids of its follow-ups."""
    database.forget_dispatcher()
    return [str(UUID(str(id))) for (id,) in database.rows(END_LEASES)]


def is_accounted_for(follow_up: Mapping[str, Any], accepted: Mapping[str, int]) -> bool:
    """Return whether the state of a follow-up agrees with what the receiver accepted."""
    match follow_up["state"]:
        case "sent":
            return follow_up["id"] in accepted
        case "failed":
            return follow_up["last_error"] in ("The receiver responded with 422.", INTERRUPTED)
        case "scheduled":
            return bool(follow_up["next_attempt_at"] and follow_up["last_error"] == "The receiver responded with 503.")
    return False


def assert_repeats_are_of_what_was_cut_off(
    receiver: Receiver, repeated: Counter[str], interrupted: Counter[str]
) -> None:
    """Check that each notice was repeated at most once for each kill during its attempt, with the same key."""
    assert repeated <= interrupted
    posts = [(json.loads(post.body)["data"], post.headers["webhook-id"]) for post in receiver.posts]
    assert {key for data, key in posts if key != data["follow_up_id"]} == set()
    assert len({(key, data["attempt"]) for data, key in posts}) == len(posts)
