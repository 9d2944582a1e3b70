"""Test that a request with an Idempotency-Key runs once and that its response is replayed."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from leads_adapters.database import Database
from leads_adapters.http import sealing
from leads_domain.events import rfc3339
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from rest import JOHN, ON_BOTH_DATABASES, UNKNOWN_ID, Api, Response, Service

pytestmark = ON_BOTH_DATABASES

JANE = {"name": "Jane Doe", "email": "jane@example.com"}
CALL = {"text": "Call", "due_at": "2030-01-15T09:30:00Z", "assignee": "mia@example.com"}
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
KEYS = ["k", "K" * 255, f'"{"k" * 255}"', '"a b, c"', r'"say \"k\\"', "a;b=c:/+=@~!"]
NO_KEYS = ['""', "k" * 256, f'"{"k" * 256}"', "a b", '"', 'a"b', '"a""b"', '"a', r'"\a"', "a,b", '"a", "b"', "é", '"é"']
CLIENTS = 20

OF_AN_ATTEMPT = {"x-request-id", "idempotency-replayed"}


def replayable(response: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return the parts of a response that a replay repeats."""
    return (
        response.status,
        response.body,
        {name: response.headers[name] for name in response.headers.keys() - OF_AN_ATTEMPT},
    )


def is_replayed(response: Response) -> bool:
    """Return whether a response is a replay."""
    return response.headers.get("idempotency-replayed") == "true"


def emails(api: Api) -> list[str]:
    """Return the e-mail addresses of all leads, oldest first."""
    return [lead["email"] for lead in api.get("/leads?sort=created_at").expect(200).json["items"]]


def stored(service: Service, api: Api, key: str) -> IdempotencyRecord | None:
    """Return the idempotency record of a client's key."""
    database: Database = service.container.database()
    principal = service.run(database.read(service.container.authenticate(), api.headers["x-api-key"]))
    assert principal is not None
    return service.run(database.write(lambda work: work.idempotency.claim(principal.id, key)))


def erase_record(service: Service, lead: str) -> None:
    """Erase the idempotency records of a lead, as its erasure does."""

    def erase(work: UnitOfWork) -> None:
        work.idempotency.erase(LeadId(lead.rpartition("/")[2]))

    service.run(service.container.database().write(erase))


# Every operation


def a_failed_follow_up(service: Service, api: Api, lead: str) -> str:
    service.channels["log"].fail_with(*[ValueError()] * 100)
    path = api.post(f"{lead}/follow-up").expect(202).headers["location"]
    for _ in range(100):
        if api.get(path).json["state"] == "failed":
            break
        service.dispatch()
        service.clock.advance(timedelta(hours=12))
    service.channels["log"]._errors.clear()
    return path


Ask = Callable[[Service, Api, str], tuple[str, Any]]
"""A function that returns the target and body of a successful request, for a service, a client and a lead's path."""

POSTS: dict[str, Ask] = {
    "/leads": lambda _service, _api, _lead: ("/leads", JANE),
    "/enquiries": lambda _service, _api, _lead: ("/enquiries", {**JOHN, "message": "Hello!"}),
    "/leads/{id}/follow-up": lambda _service, _api, lead: (f"{lead}/follow-up", {"message": "Hello!"}),
    "/leads/{id}/notes": lambda _service, _api, lead: (f"{lead}/notes", {"text": "Call in the morning."}),
    "/leads/{id}/merge": lambda _service, api, lead: (
        f"{lead}/merge",
        {"duplicate_id": api.post("/leads", JANE).expect(201).json["id"]},
    ),
    "/leads/{id}/distinct": lambda _service, api, lead: (
        f"{lead}/distinct",
        {"lead_id": api.post("/leads", JANE).expect(201).json["id"]},
    ),
    "/follow-ups/{id}/cancel": lambda _service, api, lead: (
        api.post(f"{lead}/follow-up").headers["location"] + "/cancel",
        None,
    ),
    "/follow-ups/{id}/retry": lambda service, api, lead: (a_failed_follow_up(service, api, lead) + "/retry", None),
    "/leads/{id}/tasks": lambda _service, _api, lead: (f"{lead}/tasks", CALL),
    "/tasks/{id}/complete": lambda _service, api, lead: (
        api.post(f"{lead}/tasks", CALL).headers["location"] + "/complete",
        {"outcome": "Reached", "status": "contacted", "next": CALL},
    ),
    "/tasks/{id}/cancel": lambda _service, api, lead: (
        api.post(f"{lead}/tasks", CALL).headers["location"] + "/cancel",
        None,
    ),
    "/submissions/{id}/accept": lambda service, _api, _lead: (service.receive() + "/accept", None),
    "/submissions/{id}/discard": lambda service, _api, _lead: (service.receive() + "/discard", None),
    "/leads/import": lambda _service, _api, _lead: ("/leads/import", b"name,email\nJane Doe,jane@example.com\n"),
    "/calendars": lambda _service, _api, _lead: ("/calendars", {"owner": "mia@example.com"}),
    "/api-keys": lambda _service, _api, _lead: ("/api-keys", {"name": "Web form", "role": "capture"}),
}
"""A request for each POST operation that needs an API key. Add new operations here."""

WITHOUT_LEAD = {"/leads/import", "/calendars", "/api-keys", "/submissions/{id}/discard"}
"""Operations with responses that are not about one lead: erasure does not delete them."""


def test_every_post_with_a_key_has_a_test_request(service: Service) -> None:
    document = service.anonymous().get("/openapi.json").json
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    assert {path for path, post in posts.items() if post.get("security") != []} == POSTS.keys()


@pytest.mark.parametrize("path", POSTS)
def test_every_post_runs_once_and_its_response_is_replayed(service: Service, path: str) -> None:
    admin = service.client("admin")
    john = admin.post("/leads", JOHN).headers["location"]
    target, body = POSTS[path](service, admin, john)
    sent = {"content_type": "text/csv"} if isinstance(body, bytes) else {}
    admin.post(target, body, idempotency_key="\x00", **sent).expect_problem(400, "malformed-request")
    first = admin.post(target, body, idempotency_key=KEY, **sent)
    assert first.status < 300, first
    assert not is_replayed(first)
    before = admin.get(f"{john}/timeline").body, emails(admin)

    service.clock.advance(timedelta(hours=23, minutes=59))
    for key in (KEY, f'"{KEY}"', f' "{KEY}" '):
        again = admin.post(target, body, idempotency_key=key, **sent)
        assert is_replayed(again)
        assert replayable(again) == replayable(first)
    assert (admin.get(f"{john}/timeline").body, emails(admin)) == before
    admin.post("/leads", {**JANE, "name": "Another"}, idempotency_key=KEY).expect_problem(422, "idempotency-key-reused")

    record = stored(service, admin, KEY)
    assert record is not None
    assert (record.lead_id is None) == (path in WITHOUT_LEAD)
    if record.lead_id is not None:
        erase_record(service, record.lead_id)
        gone = admin.post(target, body, idempotency_key=KEY)
        assert f"{record.lead_id} was erased" in gone.expect_problem(404, "not-found")["detail"]


# Keys


@pytest.mark.parametrize("key", KEYS)
def test_all_valid_idempotency_keys_are_accepted(api: Api, key: str) -> None:
    first = api.post("/leads", JOHN, idempotency_key=key).expect(201)
    assert replayable(api.post("/leads", JOHN, idempotency_key=key)) == replayable(first)


def test_a_quoted_key_equals_only_its_bare_form(api: Api) -> None:
    api.post("/leads", JOHN, idempotency_key=r'"k\\k"').expect(201)
    assert is_replayed(api.post("/leads", JOHN, idempotency_key=r'"k\\k"'))
    api.post("/leads", JANE, idempotency_key="k").expect(201)
    assert is_replayed(api.post("/leads", JANE, idempotency_key='"k"'))
    api.post("/leads", {**JANE, "email": "third@example.com"}, idempotency_key="K").expect(201)


@pytest.mark.parametrize("key", NO_KEYS)
def test_an_invalid_idempotency_key_is_refused_and_nothing_is_stored(api: Api, key: str) -> None:
    assert (
        "Idempotency-Key"
        in api.post("/leads", JOHN, idempotency_key=key).expect_problem(400, "malformed-request")["detail"]
    )
    assert emails(api) == []


def test_the_document_has_the_pattern_of_an_idempotency_key(service: Service) -> None:
    pattern = service.parameter("post", "/leads", "Idempotency-Key")["schema"]["pattern"]
    assert all(re.search(pattern, key) for key in KEYS)
    assert not any(re.search(pattern, key) for key in NO_KEYS)


def test_requests_without_an_idempotency_key_run_each_time(api: Api, john: str) -> None:
    follow_ups = {api.post(f"{john}/follow-up").expect(202).json["id"] for _ in range(2)}
    assert len(follow_ups) == 2


def test_idempotency_keys_of_two_clients_are_independent(service: Service) -> None:
    ann, bob = service.client("agent", "Ann"), service.client("agent", "Bob")
    ann.post("/leads", JOHN, idempotency_key=KEY).expect(201)
    assert not is_replayed(bob.post("/leads", JANE, idempotency_key=KEY).expect(201))
    assert is_replayed(ann.post("/leads", JOHN, idempotency_key=KEY).expect(201))


def test_another_request_with_the_same_idempotency_key_is_refused(api: Api, john: str) -> None:
    api.post("/leads", JANE, idempotency_key=KEY).expect(201)
    for target, body in (
        ("/leads", {**JANE, "email": "third@example.com"}),
        ("/leads", b" " + json.dumps(JANE).encode()),
        ("/leads?on_duplicate=return", JANE),
        (f"{john}/follow-up", None),
    ):
        problem = api.post(target, body, idempotency_key=KEY).expect_problem(422, "idempotency-key-reused")
        assert KEY in problem["detail"]
    assert emails(api) == [JOHN["email"], JANE["email"]]
    assert api.get(f"{john}/follow-ups").json["items"] == []


def test_other_methods_ignore_the_idempotency_key(api: Api, john: str) -> None:
    api.patch(john, {"name": "Jane Doe"}, idempotency_key=KEY).expect(200)
    assert not is_replayed(api.patch(john, {"name": "Joan Doe"}, idempotency_key="\x00").expect(200))
    assert not is_replayed(api.get(john, idempotency_key=KEY).expect(200))


# Stored responses


def test_a_response_is_stored_for_a_day(api: Api, service: Service) -> None:
    first = api.post("/leads", JOHN, idempotency_key=KEY).expect(201)
    service.clock.advance(timedelta(hours=24) - timedelta(microseconds=1))
    assert replayable(api.post("/leads", JOHN, idempotency_key=KEY)) == replayable(first)
    service.clock.advance(timedelta(microseconds=1))
    api.post("/leads", JOHN, idempotency_key=KEY).expect_problem(409, "duplicate-lead")
    assert not is_replayed(api.post("/leads", JANE, idempotency_key=KEY).expect(201))


def test_a_refused_request_can_be_corrected_with_the_same_idempotency_key(api: Api, john: str) -> None:
    api.post("/leads", {"name": ""}, idempotency_key=KEY).expect_problem(422, "validation-failed")
    api.post("/leads", b"{", idempotency_key=KEY).expect_problem(400, "malformed-request")
    api.post("/leads", JOHN, idempotency_key=KEY).expect_problem(409, "duplicate-lead")
    api.post(f"/leads/{UNKNOWN_ID}/follow-up", idempotency_key=KEY).expect_problem(404, "not-found")
    api.post(f"{john}/follow-up", {"recipient": "owner"}, idempotency_key=KEY).expect_problem(422, "validation-failed")
    assert not is_replayed(api.post("/leads", JANE, idempotency_key=KEY).expect(201))


def test_a_response_is_replayed_after_the_lead_was_changed(api: Api) -> None:
    first = api.post("/leads", JOHN, idempotency_key=KEY).expect(201)
    api.patch(first.headers["location"], {"name": "Jane Doe", "email": "jane@example.com"}).expect(200)
    assert replayable(api.post("/leads", JOHN, idempotency_key=KEY)) == replayable(first)


@pytest.mark.parametrize("on_duplicate", ["return", "update"])
def test_the_response_for_an_existing_lead_is_replayed(api: Api, john: str, on_duplicate: str) -> None:
    target, body = f"/leads?on_duplicate={on_duplicate}", {**JOHN, "name": "Johnny"}
    first = api.post(target, body, idempotency_key=KEY).expect(200)
    api.patch(john, {"name": "Jane Doe"}).expect(200)
    assert replayable(api.post(target, body, idempotency_key=KEY)) == replayable(first)
    assert api.get(john).json["name"] == "Jane Doe"


def test_a_repeated_request_does_not_recreate_an_erased_lead(api: Api, service: Service) -> None:
    lead = api.post("/leads", JOHN, idempotency_key=KEY).expect(201).headers["location"]
    api.patch(lead, {"email": "somebody.else@example.com"}).expect(200)
    erase_record(service, lead)
    for body in (JOHN, JANE):
        problem = api.post("/leads", body, idempotency_key=KEY).expect_problem(404, "not-found")
        assert problem["detail"] == f"The lead {lead.removeprefix('/leads/')} was erased."
    assert len(emails(api)) == 1


# Public forms


def test_a_form_gets_the_same_response_for_new_and_existing_leads(service: Service) -> None:
    form = service.client("capture")
    service.client("agent").post("/leads", JOHN).expect(201)
    known = [form.post("/leads", JOHN, idempotency_key="1") for _ in range(3)]
    new = [form.post("/leads", JANE, idempotency_key="2") for _ in range(3)]
    assert {response.status for response in known + new} == {202}
    assert list(map(replayable, known)) == list(map(replayable, new))
    assert list(map(is_replayed, known)) == list(map(is_replayed, new)) == [False, True, True]


def test_a_form_does_not_learn_that_a_lead_was_erased(service: Service) -> None:
    form, agent = service.client("capture"), service.client("agent")
    form.post("/leads", JOHN, idempotency_key=KEY).expect(202)
    erase_record(service, agent.get("/leads").json["items"][0]["id"])
    assert is_replayed(form.post("/leads", JOHN, idempotency_key=KEY).expect(202))
    assert len(emails(agent)) == 1


# Encryption


def test_the_idempotency_record_has_no_readable_request_or_response(api: Api, service: Service) -> None:
    body = {**JOHN, "phone": "+49123456789", "attributes": {"company": "ACME"}}
    lead = api.post("/leads", body, idempotency_key=KEY).expect(201)
    record = stored(service, api, KEY)
    assert record is not None
    assert record.sealed is not None
    assert (record.key, record.lead_id) == (KEY, lead.json["id"])
    assert rfc3339(record.created_at) == lead.json["created_at"]
    seal = sealing.Seal(api.headers["x-api-key"])
    assert lead.body in seal.open(record.sealed)
    assert record.fingerprint == seal.fingerprint(b"POST", b"/leads", b"", json.dumps(body).encode())
    text = repr(record)
    assert not [secret for secret in ("John", "example", "4912345", "ACME", "name") if secret in text]


# Concurrent requests


def at_once(api: Api, target: str, body: object = None, **headers: str) -> list[Response]:
    """Send the same request many times concurrently and return the responses."""

    async def all_of_them() -> list[Response]:
        requests = [api.send("POST", target, body, headers=headers) for _ in range(CLIENTS)]
        return await asyncio.gather(*requests)

    return api.runner.run(all_of_them())


def test_one_of_many_concurrent_requests_with_one_key_runs(api: Api, john: str) -> None:
    responses = at_once(api, f"{john}/follow-up", idempotency_key=KEY)
    (done,) = (response for response in responses if response.status == 202)
    for response in responses:
        if response is not done:
            assert KEY in response.expect_problem(409, "request-in-progress")["detail"]
            assert response.headers["retry-after"] == "1"
    assert replayable(api.post(f"{john}/follow-up", idempotency_key=KEY)) == replayable(done)
    assert len(api.get(f"{john}/follow-ups").json["items"]) == 1


def test_a_client_that_disconnects_can_repeat_its_request(api: Api, service: Service) -> None:
    async def hang_up() -> None:
        asking = asyncio.ensure_future(api.send("POST", "/leads", JOHN, headers={"idempotency-key": KEY}))
        while not service.container.idempotent_writes()._running:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not service.container.idempotent_writes()._running

    service.run(hang_up())
    for _ in range(500):
        response = api.post("/leads", JOHN, idempotency_key=KEY)
        if response.status == 201:
            break
        response.expect_problem(409, "request-in-progress")
    assert is_replayed(response.expect(201))
    assert emails(api) == [JOHN["email"]]
