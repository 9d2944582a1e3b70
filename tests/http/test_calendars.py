"""Test the resources /calendars and /calendar/{secret}.ics."""

import json
import re
from collections.abc import Callable, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event

from leads_adapters.http.rate_limit import RateLimit
from leads_domain.access import digest
from rest import JOHN, ON_BOTH_DATABASES, UNKNOWN_ID, Api, Response, Service

MIA = "mia@example.com"
HOUR = timedelta(hours=1)
TASK = {"text": "Call about the quote", "due_at": "2026-01-05T13:00:00Z"}


def create(api: Api, **values: object) -> Any:
    """Create a calendar of Mia and return the response body."""
    return api.post("/calendars", {"owner": MIA, **values}).expect(201).json


def path_of(calendar: Any) -> str:
    """Return the path in the URL of a calendar."""
    url: str = calendar["url"]
    return url.removeprefix("http://leads.example")


def a_lead_of_mia(api: Api, **fields: object) -> str:
    """Create John Doe with Mia as his owner and return his path."""
    return api.post("/leads", {**JOHN, "owner": MIA, **fields}).expect(201).headers["location"]


def events(response: Response) -> list[Event]:
    """Return the events of a calendar, read by another parser than the service's library."""
    [calendar] = IcsCalendarStream.from_ics(response.expect(200).body.decode()).calendars
    return calendar.events


def summaries(client: Api, path: str) -> list[str | None]:
    """Return the summaries of the events of a calendar."""
    return [event.summary for event in events(client.get(path))]


# Calendars


def test_the_url_of_a_new_calendar_is_shown_once(service: Service, api: Api) -> None:
    response = api.post("/calendars", {"owner": " Mia@Example.com ", "name": " My tasks "}).expect(201)
    made = response.json
    assert made == {
        "id": made["id"],
        "owner": "Mia@Example.com",
        "name": "My tasks",
        "created_at": "2026-01-05T12:00:00.000000Z",
        "revoked_at": None,
        "url": made["url"],
    }
    assert re.fullmatch(r"http://leads\.example/calendar/[A-Za-z0-9_-]{43}\.ics", made["url"])
    assert (response.headers["location"], response.headers["cache-control"]) == (
        f"/calendars/{made['id']}",
        "no-store",
    )
    known = {name: value for name, value in made.items() if name != "url"}
    assert api.get(response.headers["location"]).expect(200).json == known
    assert api.get("/calendars?count=true").json == {"items": [known], "next_cursor": None, "total": 1}


def test_the_url_begins_with_the_public_url(start: Callable[..., Service]) -> None:
    service = start(public_url="https://example.com/leads")
    assert create(service.client())["url"].startswith("https://example.com/leads/calendar/")


@pytest.mark.parametrize("host", ["crm.example.com:8443", "[::1]:8000"])
def test_without_a_public_url_it_begins_with_the_host_of_the_request(shared_client: Api, host: str) -> None:
    url = shared_client.post("/calendars", {"owner": MIA}, host=host).expect(201).json["url"]
    assert url.startswith(f"http://{host}/calendar/")


@pytest.mark.parametrize("host", ['a"b\\<script>', "x y", "/", "é"])
def test_an_invalid_host_is_refused_before_a_calendar_is_created(shared_client: Api, host: str) -> None:
    before = shared_client.get("/calendars?count=true").json
    shared_client.post("/calendars", {"owner": MIA}, host=host).expect_problem(400, "malformed-request")
    assert shared_client.get("/calendars?count=true").json == before


def test_a_repeated_request_shows_the_url_again(service: Service, api: Api) -> None:
    first, again = (api.post("/calendars", {"owner": MIA}, idempotency_key="1").expect(201) for _ in range(2))
    assert again.json == first.json
    assert len(api.get("/calendars").json["items"]) == 1
    service.anonymous().get(path_of(again.json)).expect(200)


def test_the_name_is_optional(shared_client: Api) -> None:
    for name in ({}, {"name": None}, {"name": " "}):
        assert create(shared_client, **name)["name"] is None


def test_calendars_are_listed_oldest_first_and_page_by_page(service: Service, api: Api) -> None:
    made = []
    for _ in range(3):
        service.clock.advance(HOUR)
        made.append(create(api)["id"])
    pages = [*api.pages("/calendars?limit=2")]
    assert [[each["id"] for each in page["items"]] for page in pages] == [made[:2], made[2:]]
    cursor = pages[0]["next_cursor"]
    service.client("admin").get(f"/api-keys?cursor={cursor}").expect_problem(400, "malformed-request")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/owner"}),
        ({"name": "x"}, {"/owner"}),
        ({"owner": "Mia", "name": "x" * 101}, {"/owner", "/name"}),
        ({"owner": None, "name": "a\nb"}, {"/owner", "/name"}),
        ({"owner": "", "name": "a\0b"}, {"/owner", "/name"}),
        ({"owner": 5, "name": 5}, {"/owner", "/name"}),
        ({"owner": MIA, "url": "x", "digest": "x"}, {"/url", "/digest"}),
    ],
)
def test_all_field_errors_of_a_calendar_are_reported_at_once(
    shared_client: Api, body: dict[str, object], pointers: set[str]
) -> None:
    before = shared_client.get("/calendars?count=true").json
    assert shared_client.post("/calendars", body).errors().keys() == pointers
    assert shared_client.get("/calendars?count=true").json == before


def test_a_revoked_calendar_is_not_found_and_stays_listed(service: Service, api: Api) -> None:
    made, other = create(api), create(api)
    service.anonymous().get(path_of(made)).expect(200)
    service.clock.advance(HOUR)
    for _ in range(2):
        assert api.request("DELETE", f"/calendars/{made['id']}").expect(204).body == b""
        service.clock.advance(HOUR)
    service.anonymous().get(path_of(made)).expect_problem(404, "not-found")
    service.anonymous().get(path_of(other)).expect(200)
    assert [each["revoked_at"] for each in api.get("/calendars").json["items"]] == ["2026-01-05T13:00:00.000000Z", None]


@pytest.mark.parametrize("id", [UNKNOWN_ID, "1", "%00", "%F0%9F%92%A9"])
def test_an_unknown_calendar_id_is_not_found(shared_client: Api, id: str) -> None:
    for method in ("GET", "DELETE"):
        shared_client.request(method, f"/calendars/{id}").expect_problem(404, "not-found")


# What a calendar shows


@ON_BOTH_DATABASES
def test_a_calendar_shows_tasks_and_messages_until_they_are_done(service: Service, api: Api) -> None:
    lead = a_lead_of_mia(api)
    task = api.post(f"{lead}/tasks", {**TASK, "remind": True}).expect(201).json
    message = api.post(f"{lead}/follow-up", {"message": "Hello!", "due_at": "2026-01-06T12:00:00+01:00"}).json
    path = path_of(create(api))
    calendar_program = service.anonymous()

    found = {event.uid: event for event in events(calendar_program.get(path))}
    assert {uid: event.summary for uid, event in found.items()} == {
        task["id"]: "John Doe: Call about the quote",
        message["id"]: "Message: John Doe: Hello!",
    }
    assert f"{found[message['id']].start:%Y-%m-%d %H:%M %Z}" == "2026-01-06 11:00 UTC"

    api.patch(f"/follow-ups/{message['id']}", {"due_at": "2026-01-07T12:00:00Z"}).expect(200)
    api.patch(f"/tasks/{task['id']}", {"due_at": "2026-01-08T12:00:00Z"}).expect(200)
    moved = {event.uid: event for event in events(calendar_program.get(path))}
    assert moved.keys() == found.keys()
    assert all((moved[uid].sequence or 0) > (found[uid].sequence or 0) for uid in moved)
    assert [event.start.day for event in moved.values()] == [7, 8]

    api.post(f"/tasks/{task['id']}/complete", {"outcome": "They agreed."}).expect(200)
    api.post(f"/follow-ups/{message['id']}/cancel").expect(200)
    assert events(calendar_program.get(path)) == []


@ON_BOTH_DATABASES
def test_the_entries_of_an_erased_lead_vanish(service: Service, api: Api) -> None:
    lead = a_lead_of_mia(api)
    api.post(f"{lead}/tasks", TASK).expect(201)
    path = path_of(create(api))
    assert summaries(service.anonymous(), path) == ["John Doe: Call about the quote"]
    service.client("admin").request("DELETE", lead).expect(204)
    response = service.anonymous().get(path)
    assert (events(response), b"John" in response.body) == ([], False)


def test_the_name_of_an_entry_follows_the_lead(service: Service, api: Api) -> None:
    lead = a_lead_of_mia(api)
    api.post(f"{lead}/tasks", TASK).expect(201)
    path = path_of(create(api))
    before = service.anonymous().get(path)
    api.patch(lead, {"name": "Jane Roe"}).expect(200)
    after = service.anonymous().get(path)
    assert summaries(service.anonymous(), path) == ["Jane Roe: Call about the quote"]
    assert (events(after)[0].sequence or 0) > (events(before)[0].sequence or 0)
    assert after.headers["etag"] != before.headers["etag"]


def test_a_feed_is_a_private_file_in_utf_8(service: Service, api: Api) -> None:
    response = service.anonymous().get(path_of(create(api))).expect(200)
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert response.headers["cache-control"] == "private"
    assert response.body.startswith(b"BEGIN:VCALENDAR\r\n")


def test_an_unchanged_feed_is_not_sent_again(service: Service, api: Api) -> None:
    lead = a_lead_of_mia(api)
    path, client = path_of(create(api)), service.anonymous()
    first = client.get(path).expect(200)
    tag = first.headers["etag"]
    service.clock.advance(HOUR)
    for sent in (tag, f"W/{tag}", f'"1", {tag}', "*"):
        response = client.get(path, if_none_match=sent).expect(304)
        assert (response.body, response.headers["etag"]) == (b"", tag)
    api.post(f"{lead}/tasks", TASK).expect(201)
    assert client.get(path, if_none_match=tag).expect(200).headers["etag"] != tag
    client.get(path, if_match=tag).expect_problem(412, "precondition-failed")
    client.get(path, if_none_match="x").expect_problem(400, "malformed-request")


def test_head_has_the_headers_of_get_and_no_body(service: Service, api: Api) -> None:
    path, client = path_of(create(api)), service.anonymous()
    headers = client.get(path).headers
    response = client.request("HEAD", path).expect(200)
    assert (response.body, response.headers["etag"]) == (b"", headers["etag"])
    assert client.request("OPTIONS", path).expect(204).headers["allow"] == "GET, HEAD, OPTIONS"


# The secret


def variants(path: str) -> list[str]:
    """Return paths that do not lead to a calendar, most of them with its secret."""
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    return [
        f"/calendar/{secret}",
        f"/calendar/{secret}.ICS",
        f"/calendar/{secret}.ics.ics",
        f"/calendar/{secret}.ics/",
        f"/calendar/{secret}.ics/x",
        f"//calendar/{secret}.ics",
        f"/calendar/%20{secret}.ics",
        f"/calendar/{secret}%0A.ics",
        f"/calendar/{digest(secret)}.ics",
        f"/calendar/{secret[:-1]}.ics",
        f"/calendar/{secret.swapcase()}.ics",
        "/calendar/.ics",
        "/calendar/",
        "/calendar/%00.ics",
        "/calendar/%ED%A0%80.ics",
        f"/calendar/{'x' * 10_000}.ics",
    ]


def test_only_the_whole_url_leads_to_a_calendar(service: Service, api: Api) -> None:
    path = path_of(create(api))
    for variant in variants(path):
        if service.anonymous().get(variant).status == 200:  # a server normalises these
            assert variant.strip("/").removeprefix("/") == path.strip("/")
        else:
            service.anonymous().get(variant).expect_problem(404, "not-found")


def test_a_calendar_ignores_query_parameters(service: Service, api: Api) -> None:
    path, client = path_of(create(api)), service.anonymous()
    assert client.get(f"{path}?nocache=1").expect(200).body == client.get(path).body


def test_the_secret_is_never_logged_counted_or_repeated(
    start: Callable[..., Service], log: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start(rate_limit=RateLimit(300, 60))
    made = create(service.client())
    path, client = path_of(made), service.anonymous()
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    responses = [client.request(method, path) for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE")]
    responses += [client.get(f"{path}?x={secret}"), *map(client.get, variants(path)), client.get(path, if_match="x")]
    responses += [client.get(path) for _ in range(30)]

    def fail() -> None:
        raise RuntimeError(secret)

    with monkeypatch.context() as patch:
        patch.setattr(service.clock, "now", fail)
        responses.append(service.client_with(address="192.0.2.2").get(path))
    statuses = {response.status for response in responses}
    assert statuses >= {200, 204, 400, 404, 405, 429, 500}

    agent = service.client_with(address="192.0.2.3", x_api_key=service.new_key()[1])
    responses += [agent.get("/metrics"), agent.get("/calendars"), agent.get(f"/calendars/{made['id']}")]
    assert "/calendar/{secret}" in agent.get("/metrics").body.decode()
    shown = [response.body.decode() + repr(response.headers) for response in responses]
    assert [text for text in [*shown, json.dumps(log, default=str)] if secret in text] == []
    assert len(log) > len(responses)


@ON_BOTH_DATABASES
def test_the_secret_is_not_stored(service: Service, api: Api) -> None:
    made = create(api)
    secret = path_of(made).removeprefix("/calendar/").removesuffix(".ics")
    calendar = service.run(service.container.database().read(lambda work: work.calendars.get(made["id"])))
    assert (calendar.digest, secret in repr(calendar)) == (digest(secret), False)


def test_the_rate_of_requests_for_unknown_calendars_is_limited(start: Callable[..., Service]) -> None:
    client = start(rate_limit=RateLimit(30, 60)).anonymous()
    statuses = [client.get(f"/calendar/{number}.ics").status for number in range(4)]
    assert statuses == [404, 404, 404, 429]


def test_the_rate_of_requests_for_one_calendar_is_limited(start: Callable[..., Service]) -> None:
    service = start(rate_limit=RateLimit(30, 60))
    agent = service.client()
    first, second = path_of(create(agent)), path_of(create(agent))
    clients = [service.client_with(address=f"192.0.2.{number}") for number in range(4)]
    assert [client.get(first).status for client in clients] == [200, 200, 200, 429]
    assert clients[3].get(second).expect(200)
    assert "retry-after" in service.client_with(address="192.0.2.9").get(first).headers
