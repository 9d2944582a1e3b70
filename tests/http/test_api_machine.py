"""Test that the HTTP API behaves as a plain model, for any sequence of requests.

`test_application_machine.py` drives the use cases with the same model. Here, the requests go through decoding,
authentication, idempotency, conditions and pagination as well, and the service is restarted in between. `make fuzz`
adds PostgreSQL, whose responses must be equal.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from dependency_injector import providers
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import URL

from application import RETRY
from builders import NOON, a_rule
from contracts.application_model import CHANNELS, RULES, ApplicationModel, ModelError, Record
from databases import database_url
from fakes import CountingIds, RecordingNotifier
from leads_app.dispatcher import LEASE
from leads_app.settings import Settings
from leads_domain.follow_up import Recipient
from leads_domain.notifier import Address, Refused, TryAgain
from leads_domain.rules import FollowUpRules
from rest import Api, Response, Service

# PostgreSQL is equal by the contract suites and the model test of the use cases.
STORES = ("sqlite", "postgresql") if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else ("sqlite",)

FOLLOW_UP_RULES = [
    a_rule(**{**rule, "text": "Hello {name}!", "recipient": Recipient(rule["recipient"])}) for rule in RULES
]
EMAILS = st.sampled_from(["a@example.com", "A@Example.com", "b@example.com", None])
PHONES = st.sampled_from([None, "+12025550100", "+12025550199"])
LEADS = st.fixed_dictionaries(
    {"name": st.sampled_from(["Ann", "Боб", ""]), "email": EMAILS, "phone": PHONES},
    optional={"attributes": st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, 1.0, True, "1"]))},
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann", "Боб"]),
        "email": EMAILS,
        "phone": PHONES,
        "owner": st.sampled_from([None, "ann@example.com"]),
        "do_not_contact": st.booleans(),
        "status": st.sampled_from(["new", "contacted", "qualified", "converted", "lost", "won"]),
        "status_reason": st.sampled_from([None, "No budget"]),
    },
)
ASSIGNEES = st.sampled_from([None, "mia@example.com", "noah@example.com"])
NEW_TASKS = st.fixed_dictionaries(
    {"text": st.sampled_from(["Call", "Call", ""]), "assignee": ASSIGNEES, "remind": st.booleans()}
)
NEXT_TASKS = st.fixed_dictionaries({"text": st.just("Write"), "assignee": ASSIGNEES, "remind": st.booleans()})
TASK_CHANGES = st.fixed_dictionaries(
    {}, optional={"text": st.sampled_from(["Write", "Meet", ""]), "assignee": st.sampled_from(["noah@example.com"])}
)
INDEXES = st.integers(min_value=0, max_value=20)
KEYS = st.sampled_from([None, "first", "second"])
"""Idempotency keys."""
CONDITIONS = st.sampled_from(["none", "none", "current", "stale"])
MICROSECOND = timedelta(microseconds=1)


class Sent(NamedTuple):
    """A request with an Idempotency-Key, its response, and the lead whose data the response has."""

    target: str
    body: Any
    response: Response
    lead_id: str | None


class Running:
    """A service on one database. `restart` drops everything that it has in memory, as a crash does."""

    def __init__(self, url: URL, closing: ExitStack) -> None:
        self.url = url
        self.closing = closing
        self.ids = CountingIds()
        self.key = ""
        self.restart()

    def restart(self) -> None:
        """Start another service on the database. The earlier one is not stopped."""
        service = Service(
            Settings(database_url=self.url, rate_limit=None), self.closing.enter_context(asyncio.Runner())
        )
        self.closing.callback(lambda: service.run(service.container.database().close()))
        channels = {
            "log": RecordingNotifier(),
            "smtp": RecordingNotifier(needs=Address.EMAIL),
            "sms": RecordingNotifier(needs=Address.PHONE),
        }
        service.channels = channels
        container = service.container
        container.ids.override(providers.Object(self.ids))
        container.notifiers.override(providers.Object(channels))
        container.retry.override(providers.Object(RETRY))
        container.rules.override(providers.Object(FollowUpRules(self.ids, "log", FOLLOW_UP_RULES)))
        self.key = self.key or service.new_key("admin")[1]
        self.service = service
        self.api: Api = service.client_with(x_api_key=self.key, x_request_id="machine")

    def send(self, now: datetime, method: str, target: str, body: Any, headers: Mapping[str, str]) -> Response:
        """Send a request at this time."""
        self.service.clock.time = now
        return self.api.request(method, target, body, headers=headers)


class HttpApi(RuleBasedStateMachine):
    """The API on each database, and a model. Each request advances the clock, so all times differ."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.model = ApplicationModel()
        self.now = NOON
        self.sent: dict[str, Sent] = {}
        self.erased_keys: set[str] = set()
        self.has_crashed = False

    @initialize()
    def start(self) -> None:
        """Start with two leads and a task, so that every rule applies."""
        folder = Path(self.closing.enter_context(TemporaryDirectory()))
        urls = [self.closing.enter_context(database_url(store, folder)) for store in STORES]
        self.running = [Running(url, self.closing) for url in urls if url]
        self.create({"name": "Ann", "email": "a@example.com", "phone": None}, "error", None)
        self.create({"name": "Боб", "email": None, "phone": "+12025550100"}, "error", None)
        self.create_task(0, 60, {"text": "Call", "assignee": "mia@example.com", "remind": True}, None)

    def teardown(self) -> None:
        self.closing.close()

    # Requests

    @rule(values=LEADS, on_duplicate=st.sampled_from(["error", "return", "update"]), key=KEYS)
    def create(self, values: Record, on_duplicate: str, key: str | None) -> None:
        response = self.post(f"/leads?on_duplicate={on_duplicate}", values, key)
        if response is None:
            return
        new_id = response.json.get("id", "")
        expected = self.expect(
            lambda: self.model.register(
                values,
                on_duplicate,
                now=self.now,
                new_id=new_id,
                rule_follow_up_ids=self.new_follow_up_ids(new_id),
            )
        )
        self.compare(response, expected, lambda: (lead_json(self.model.leads[new_id]), new_id))
        assert (response.status == 201) == (expected == (new_id, "created"))

    @rule(values=LEADS, key=KEYS)
    def enquire(self, values: Record, key: str | None) -> None:
        response = self.post("/enquiries", values, key)
        if response is None:
            return
        new_id = response.json.get("lead", {}).get("id", "")
        expected = self.expect(
            lambda: self.model.enquire(
                values, now=self.now, new_id=new_id, rule_follow_up_ids=self.new_follow_up_ids(new_id)
            )
        )
        if response.status == 422:
            assert problem_values(response) == expected
        else:
            assert (new_id, response.json["outcome"]) == expected
            assert response.json["lead"] == lead_json(self.model.leads[new_id])

    @rule(index=INDEXES, changes=CHANGES, condition=CONDITIONS)
    def change(self, index: int, changes: Record, condition: str) -> None:
        id = self.lead_at(index)
        response = self.send("PATCH", f"/leads/{id}", changes, **self.condition(id, condition))
        is_valid = changes.get("status") != "won"
        if is_valid and self.is_refused(response, id, condition):
            return
        new_ids = self.new_follow_up_ids(id)
        expected = self.expect(lambda: self.model.change(id, changes, now=self.now, rule_follow_up_ids=new_ids))
        self.compare(response, expected, lambda: (lead_json(self.model.leads[id]), id))

    @rule(index=INDEXES, status=st.sampled_from(["contacted", "qualified", "converted", "lost"]), condition=CONDITIONS)
    def change_status(self, index: int, status: str, condition: str) -> None:
        self.change(index, {"status": status, "status_reason": "No budget"}, condition)

    @rule(index=INDEXES, key=KEYS)
    def add_note(self, index: int, key: str | None) -> None:
        id = self.lead_at(index)
        if response := self.post(f"/leads/{id}/notes", {"text": "Call in the morning."}, key, id):
            expected = self.expect(lambda: self.model.note(id))
            assert expected == (None if response.status == 201 else problem_values(response))

    @rule(index=INDEXES, other=INDEXES, key=KEYS)
    def merge(self, index: int, other: int, key: str | None) -> None:
        id, duplicate = self.lead_at(index), self.lead_at(other)
        response = self.post(f"/leads/{id}/merge", {"duplicate_id": duplicate}, key, id)
        if response is not None:
            expected = self.expect(lambda: self.model.merge(id, duplicate, now=self.now))
            self.compare(response, expected, lambda: (lead_json(self.model.leads[id]), id))

    @rule(index=INDEXES, condition=CONDITIONS)
    def erase(self, index: int, condition: str) -> None:
        id = self.lead_at(index)
        response = self.send("DELETE", f"/leads/{id}", **self.condition(id, condition))
        if self.is_refused(response, id, condition):
            return
        affected = {id, *(old for old, into in self.model.merged.items() if into == id)}
        expected = self.expect(lambda: self.model.erase(id))
        assert expected == (None if response.status == 204 else problem_values(response))
        if response.status == 204:
            self.erased_keys |= {key for key, sent in self.sent.items() if sent.lead_id in affected}

    @rule(
        index=INDEXES,
        minutes=st.sampled_from([0, 0, 1, 60]),
        channel=st.sampled_from(["log", "log", "smtp", "sms", "pigeon"]),
        recipient=st.sampled_from(["lead", "lead", "owner"]),
        key=KEYS,
    )
    def schedule(self, index: int, minutes: int, channel: str, recipient: str, key: str | None) -> None:
        id = self.lead_at(index)
        due_at = self.now + timedelta(minutes=minutes)
        body = {"channel": channel, "message": "Hello!", "due_at": due_at.isoformat(), "recipient": recipient}
        response = self.post(f"/leads/{id}/follow-up", body, key, id)
        if response is not None:
            new_id = response.json.get("id", "")
            values = {**body, "due_at": due_at}
            expected = self.expect(lambda: self.model.trigger(id, values, now=self.now, new_id=new_id))
            self.compare(response, expected, lambda: (follow_up_json(self.model.follow_ups[new_id]), new_id))

    @rule(index=INDEXES, minutes=st.sampled_from([1, 60]))
    def postpone(self, index: int, minutes: int) -> None:
        due_at = self.now + timedelta(minutes=minutes)
        change = partial(self.model.reschedule, values={"due_at": due_at})
        self.change_follow_up(index, "PATCH", "", {"due_at": due_at.isoformat()}, change)

    @rule(index=INDEXES)
    def cancel(self, index: int) -> None:
        self.change_follow_up(index, "POST", "/cancel", None, self.model.cancel)

    @rule(index=INDEXES)
    def retry(self, index: int) -> None:
        self.change_follow_up(index, "POST", "/retry", None, self.model.retry)

    def change_follow_up(self, index: int, method: str, path: str, body: Any, change: Callable[..., None]) -> None:
        """Change a follow-up, and compare it with the model."""
        if ids := list(self.model.follow_ups):
            id = ids[index % len(ids)]
            response = self.send(method, f"/follow-ups/{id}{path}", body)
            expected = self.expect(lambda: change(id, now=self.now))
            self.compare(response, expected, lambda: (follow_up_json(self.model.follow_ups[id]), id))

    # Tasks

    @rule(index=INDEXES, minutes=st.sampled_from([-60, 1, 60]), values=NEW_TASKS, key=KEYS)
    def create_task(self, index: int, minutes: int, values: Record, key: str | None) -> None:
        id = self.lead_at(index)
        due_at = self.now + timedelta(minutes=minutes)
        response = self.post(f"/leads/{id}/tasks", {**values, "due_at": due_at.isoformat()}, key, id)
        if response is not None:
            new_id, ids = response.json.get("id", ""), self.new_follow_up_ids(id)
            task = {**values, "due_at": due_at}
            expected = self.expect(
                lambda: self.model.create_task(id, task, now=self.now, new_id=new_id, reminder_ids=ids)
            )
            self.compare(response, expected, lambda: (task_json(self.model.tasks[new_id]), new_id))

    @precondition(lambda self: self.model.tasks)
    @rule(index=INDEXES, minutes=st.sampled_from([None, None, -60, 60]), changes=TASK_CHANGES, condition=CONDITIONS)
    def change_task(self, index: int, minutes: int | None, changes: Record, condition: str) -> None:
        id, lead_id = self.task_at(index)
        body, values = dict(changes), dict(changes)
        if minutes is not None:
            values["due_at"] = self.now + timedelta(minutes=minutes)
            body["due_at"] = values["due_at"].isoformat()
        response = self.send("PATCH", f"/tasks/{id}", body, **self.condition(id, condition))
        if changes.get("text") != "" and self.is_refused(response, id, condition):
            return
        ids = self.new_follow_up_ids(lead_id)
        expected = self.expect(lambda: self.model.change_task(id, values, now=self.now, reminder_ids=ids))
        self.compare(response, expected, lambda: (task_json(self.model.tasks[id]), id))

    @precondition(lambda self: self.model.tasks)
    @rule(index=INDEXES, condition=CONDITIONS)
    def cancel_task(self, index: int, condition: str) -> None:
        id, _ = self.task_at(index)
        response = self.send("POST", f"/tasks/{id}/cancel", **self.condition(id, condition))
        if not self.is_refused(response, id, condition):
            expected = self.expect(lambda: self.model.cancel_task(id, now=self.now))
            self.compare(response, expected, lambda: (task_json(self.model.tasks[id]), id))

    @precondition(lambda self: self.model.tasks)
    @rule(
        index=INDEXES,
        values=st.fixed_dictionaries(
            {
                "outcome": st.sampled_from(["Reached", "Reached", "Reached", ""]),
                "status": st.sampled_from([None, None, "contacted", "qualified", "converted", "lost", "won"]),
                "status_reason": st.sampled_from([None, "No budget"]),
            }
        ),
        next=st.none() | NEXT_TASKS,
        key=KEYS,
    )
    def complete_task(self, index: int, values: Record, next: Record | None, key: str | None) -> None:
        id, lead_id = self.task_at(index)
        due_at = self.now + timedelta(minutes=60)
        body = {**values, "next": next and {**next, "due_at": due_at.isoformat()}}
        response = self.post(f"/tasks/{id}/complete", body, key, lead_id)
        if response is None:
            return
        ids = self.new_follow_up_ids(lead_id)
        new_task = response.json.get("next") or {"id": ""}
        completion = {**values, "next": next and {**next, "due_at": due_at}}
        expected = self.expect(
            lambda: self.model.complete_task(id, completion, now=self.now, next_id=new_task["id"], follow_up_ids=ids)
        )
        if response.status >= 300:
            assert problem_values(response) == expected
            return
        assert response.json == {
            "task": task_json(self.model.tasks[id]),
            "lead": lead_json(self.model.leads[lead_id]),
            "next": task_json(self.model.tasks[new_task["id"]]) if next else None,
        }

    @rule(
        state=st.sampled_from([None, "open", "done"]),
        assignee=st.sampled_from([None, "mia@example.com"]),
        overdue=st.booleans(),
        limit=st.integers(1, 3),
    )
    def find_tasks(self, state: str | None, assignee: str | None, overdue: bool, limit: int) -> None:
        filters = {"state": state, "assignee": assignee, "overdue": "true" if overdue else None}
        query = "".join(f"&{name}={value}" for name, value in filters.items() if value)
        found = self.all_items(f"/tasks?limit={limit}{query}")
        expected = self.model.find_tasks([state] if state else [], assignee, self.now if overdue else None)
        assert found == [task_json(each) for each in expected]

    # The dispatcher, time and crashes

    @rule(minutes=st.sampled_from([0, 1, 5, 60]), outcome=st.sampled_from(["sent", "busy", "refused"]))
    def dispatch(self, minutes: int, outcome: str) -> None:
        """Send all due follow-ups, with the same outcome for each."""
        self.advance(minutes)
        all_errors: dict[str, list[Exception]] = {"busy": [TryAgain("busy")] * 99, "refused": [Refused("refused")] * 99}
        errors = all_errors.get(outcome, [])
        for each in self.running:
            for channel in each.service.channels.values():
                channel.notices.clear()
                channel._errors.clear()
                channel.fail_with(*errors)
        attempts = {each.service.dispatch() for each in self.running}
        notices = {frozenset(self.notices(each)) for each in self.running}
        # The order of the outcomes decides how often the next due time of a lead changes, and so its version.
        claimed = [each for channel in sorted(CHANNELS) for each in self.claim(channel)]
        assert attempts == {len(claimed)}
        assert notices == {frozenset(each["id"] for each in claimed if self.recipient_error(each) is None)}
        for follow_up in claimed:
            error = self.recipient_error(follow_up)
            token, message = follow_up["claims"], follow_up["message"]
            self.model.record(follow_up["id"], token, message, "refused" if error else outcome, now=self.now)
            if error:
                follow_up["last_error"] = error

    @precondition(lambda self: not self.has_crashed)  # once in each example: it takes as long as 20 requests
    @rule(minutes=st.sampled_from([0, 1, 5]))
    def crash_while_sending(self, minutes: int) -> None:
        """Claim the due follow-ups, then crash: they are sent again after the lease."""
        self.has_crashed = True
        self.advance(minutes)
        for each in self.running:
            container = each.service.container
            limits = dict.fromkeys(each.service.channels, 99)
            claim = container.database().write(container.claim_due_follow_ups(), owner="crashed", limits=limits)
            each.service.run(claim)
            each.restart()
        for channel in CHANNELS:
            self.claim(channel)

    def claim(self, channel: str) -> list[Record]:
        """Claim the due follow-ups of a channel in the model."""
        return self.model.claim(channel, "", 99, now=self.now, lease=LEASE)

    def recipient_error(self, follow_up: Record) -> str | None:
        """Return why a follow-up cannot be sent to its recipient, by the documented rules."""
        lead = self.model.leads[follow_up["lead_id"]]
        needs = {"log": "", "smtp": "e-mail address", "sms": "phone number"}[follow_up["channel"]]
        if follow_up["attempts"] > RETRY.attempts:
            return "All attempts were interrupted."
        is_owner = follow_up["recipient"] == "owner"
        if is_owner and lead["owner"] is None:
            return "The lead has no owner."
        email, phone = (lead["owner"], None) if is_owner else (lead["email"], lead["phone"])
        if (needs == "e-mail address" and email is None) or (needs == "phone number" and phone is None):
            article = "an" if needs == "e-mail address" else "a"
            return f"The channel {follow_up['channel']} needs {article} {needs}, and the recipient has none."
        return None

    @staticmethod
    def notices(running: Running) -> list[str]:
        """Return the ids of the follow-ups that the channels got."""
        return [notice.follow_up_id for channel in running.service.channels.values() for notice in channel.notices]

    # Repeated requests

    @precondition(lambda self: self.sent)
    @rule(index=INDEXES)
    def repeat(self, index: int) -> None:
        """Send a request with a key again: it has no effect, and gets the same response."""
        key = list(self.sent)[index % len(self.sent)]
        target, body, response, _ = self.sent[key]
        repeated = self.send("POST", target, body, idempotency_key=key)
        if key in self.erased_keys:
            repeated.expect_problem(404, "not-found")
        else:
            assert (repeated.status, repeated.body) == (response.status, response.body)
            assert repeated.headers["idempotency-replayed"] == "true"

    # What can be read

    @rule(index=INDEXES, condition=st.sampled_from(["none", "current", "stale"]))
    def read(self, index: int, condition: str) -> None:
        id = self.lead_at(index)
        headers = {"if_none_match": "".join(self.condition(id, condition).values())}
        response = self.send("GET", f"/leads/{id}", **headers)
        if condition == "current" and id in self.model.leads:
            response.expect(304)
        else:
            error = None if id in self.model.leads else self.expect(lambda: self.model.lead(id))
            self.compare(response, error, lambda: (lead_json(self.model.leads[id]), id))

    @rule(
        status=st.sampled_from(["new", "contacted", "lost"]),
        limit=st.integers(1, 3),
        sort=st.sampled_from(["created_at", "-created_at"]),
    )
    def find(self, status: str, limit: int, sort: str) -> None:
        found = self.all_items(f"/leads?status={status}&limit={limit}&sort={sort}")
        expected = self.model.find_leads([status], newest_first=sort.startswith("-"))
        assert found == [lead_json(each) for each in expected]

    @invariant()
    def the_apis_agree_with_the_model(self) -> None:
        leads = self.all_items("/leads?sort=created_at&limit=1")
        assert leads == [lead_json(each) for each in self.model.find_leads([], newest_first=False)]
        follow_ups = self.all_items("/follow-ups?limit=3")
        expected = self.model.find_follow_ups([], None, None, overdue=False, now=self.now)
        assert follow_ups == [follow_up_json(each) for each in expected]
        assert self.all_items("/tasks?limit=3") == [task_json(each) for each in self.model.find_tasks()]

    @invariant()
    def the_feed_has_every_event_once(self) -> None:
        for each in self.running:
            events, after = [], ""
            while items := (page := each.api.get(f"/events?limit=200{after}").expect(200).json)["items"]:
                events += items
                after = f"&after={page['next_cursor']}"
            assert len({event["id"] for event in events}) == len(events)
            found = Counter((event["lead_id"], event["type"]) for event in events)
            assert found == Counter((id, type) for id, types in self.model.timelines.items() for _, type in types)

    # How requests are sent and compared

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> Response:
        """Send a request to the API on each database, and return the response, which must be equal."""
        self.now += MICROSECOND
        responses = [each.send(self.now, method, target, body, headers) for each in self.running]
        self.align_ids()
        first, *others = responses
        for other in others:
            assert (other.status, other.body, dict(other.headers)) == (first.status, first.body, dict(first.headers))
        return first

    def post(self, target: str, body: Any, key: str | None, lead_id: str | None = None) -> Response | None:
        """Send a POST; return its response, or None if its key was used before, so that it has no effect."""
        if key is None:
            return self.send("POST", target, body)
        response = self.send("POST", target, body, idempotency_key=key)
        if key in self.erased_keys:
            response.expect_problem(404, "not-found")
            return None
        if key in self.sent:
            earlier = self.sent[key]
            if (earlier.target, json.dumps(earlier.body)) == (target, json.dumps(body)):  # the order counts, too
                assert response.body == earlier.response.body
            else:
                response.expect_problem(422, "idempotency-key-reused")
            return None
        if response.status < 300:
            id = lead_id or response.json.get("id") or response.json["lead"]["id"]
            self.sent[key] = Sent(target, body, response, id)
        return response

    def align_ids(self) -> None:
        """Give all services the same next id. A database that repeats a unit of work uses more ids."""
        given_out = max(each.ids.given_out for each in self.running)
        for each in self.running:
            each.ids.given_out = given_out

    def advance(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes) + MICROSECOND
        for each in self.running:
            each.service.clock.time = self.now

    def lead_at(self, index: int) -> str:
        """Return the id of a lead that exists or existed."""
        return self.model.ids[index % len(self.model.ids)]

    def task_at(self, index: int) -> tuple[str, str]:
        """Return the ids of a task and of its lead."""
        task = [*self.model.tasks.values()][index % len(self.model.tasks)]
        return task["id"], task["lead_id"]

    def condition(self, id: str, condition: str) -> dict[str, str]:
        """Return the header `If-Match` with the current version of a lead or task, or with an older one."""
        if condition == "none":
            return {}
        version = (self.model.leads | self.model.tasks).get(id, {"version": 1})["version"]
        return {"if_match": f'"{version if condition == "current" else version + 1}"'}

    def is_refused(self, response: Response, id: str, condition: str) -> bool:
        """Return whether a change must be refused because of its condition; check the response."""
        if condition != "stale" or id not in self.model.leads | self.model.tasks:
            return False
        response.expect_problem(412, "precondition-failed")
        return True

    def new_follow_up_ids(self, lead_id: str) -> list[str]:
        """Return the ids of a lead's follow-ups that the model does not contain yet, oldest first."""
        found = self.all_items("/follow-ups?limit=200")
        return sorted({each["id"] for each in found if each["lead_id"] == lead_id} - self.model.follow_ups.keys())

    def all_items(self, target: str) -> list[Any]:
        """Return the items of all pages of a list, which must be equal on each database."""
        found = [[item for page in each.api.pages(target) for item in page["items"]] for each in self.running]
        assert all(items == found[0] for items in found)
        return found[0]

    def expect(self, function: Callable[[], object]) -> Any:
        """Return the result of the model; an error as a tuple of its values."""
        try:
            return function()
        except ModelError as error:
            return error.values

    def compare(self, response: Response, expected: Any, content: Callable[[], tuple[Record, str]]) -> None:
        """Compare a response with the error that the model expects, else with this content."""
        if response.status < 300:
            record, id = content()
            assert response.json == record
            assert response.json["id"] == id
        else:
            assert problem_values(response) == expected


def problem_values(response: Response) -> tuple[object, ...]:  # noqa: PLR0911 - a table of errors
    """Return the error of a response as the model names it."""
    if response.status == 301:
        return ("Merged", response.request.split("/")[2], response.json["merged_into"])
    problem = response.json
    match problem["type"].removeprefix("/problems/"):
        case "validation-failed":
            return ("ValidationFailed", *(error["pointer"] for error in problem["errors"]))
        case "do-not-contact":
            return ("DoNotContact",)
        case "duplicate-lead":
            return ("DuplicateLead", problem["existing_lead_id"])
        case "illegal-transition":
            return ("IllegalTransition", problem["from"], problem["to"])
        case "illegal-follow-up-state" | "illegal-task-state" as name:
            return (name.title().replace("-", ""), problem["state"])
        case "not-found":
            path = response.request.split("/")
            return ("NotFound", {"leads": "lead", "follow-ups": "follow-up", "tasks": "task"}[path[1]], path[2])
    raise AssertionError(response)


def lead_json(lead: Record) -> Record:
    """Return a lead of the model as the API shows it."""
    phone = lead["phone"] and lead["phone"]["e164"]
    email, owner = (lead[name] and lead[name]["address"] for name in ("email", "owner"))
    shown = {name: value for name, value in lead.items() if name != "email_bounced"}
    return _with_times({**shown, "email": email, "owner": owner, "phone": phone})


def follow_up_json(follow_up: Record) -> Record:
    """Return a follow-up of the model as the API shows it."""
    return _with_times({name: value for name, value in follow_up.items() if name not in ("lease", "claims", "by_rule")})


def task_json(task: Record) -> Record:
    """Return a task of the model as the API shows it."""
    shown = {name: value for name, value in task.items() if name != "remind"}
    return _with_times({**shown, "assignee": task["assignee"] and task["assignee"]["address"]})


def _with_times(record: Record) -> Record:
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in record.items()
    }


TestHttpApi = HttpApi.TestCase
# Each example sends some hundred requests.
TestHttpApi.settings = settings(stateful_step_count=40, max_examples=settings().max_examples // 3)
