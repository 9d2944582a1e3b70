"""Test the resource /events."""

from urllib.parse import quote

import pytest

from leads_domain.notifier import Refused
from rest import JOHN, ON_BOTH_DATABASES, UNKNOWN_ID, Api, Service

JANE = {"name": "Jane Roe", "email": "jane@example.com"}

pytestmark = ON_BOTH_DATABASES


def test_events_of_all_leads_are_listed_oldest_first(service: Service, api: Api) -> None:
    john = api.post("/leads", JOHN).json["id"]
    jane = api.post("/leads", JANE).json["id"]
    api.patch(f"/leads/{john}", {"status": "contacted"}).expect(200)
    service.channels["log"].fail_with(Refused("no such mailbox"))
    api.post(f"/leads/{jane}/follow-up").expect(202)
    service.dispatch()

    events = api.get("/events").expect(200).json["items"]
    assert [(each["type"], each["lead_id"]) for each in events] == [
        ("lead.created", john),
        ("lead.created", jane),
        ("lead.status_changed", john),
        ("follow_up.scheduled", jane),
        ("follow_up.attempt_failed", jane),
        ("follow_up.failed", jane),
    ]


def test_an_event_is_a_timeline_entry_with_its_lead_id(api: Api, john: str) -> None:
    (event,) = api.get("/events").json["items"]
    (entry,) = api.get(f"{john}/timeline").json["items"]
    assert event == {**entry, "lead_id": john.removeprefix("/leads/")}


def test_there_is_a_cursor_while_there_are_items_and_an_empty_page_at_the_end(api: Api, john: str) -> None:
    page = api.get("/events").expect(200)
    cursor = page.json["next_cursor"]
    assert page.headers["link"] == f'</events?after={cursor}>; rel="next"'
    for _ in range(2):
        end = api.get(f"/events?after={cursor}").expect(200)
        assert end.json == {"items": [], "next_cursor": None}
        assert "link" not in end.headers

    api.patch(john, {"name": "Johnny"}).expect(200)
    assert [each["type"] for each in api.get(f"/events?after={cursor}").json["items"]] == ["lead.updated"]


def test_links_lead_from_the_first_page_to_the_end(api: Api, john: str) -> None:
    for number in range(6):
        api.patch(john, {"name": f"John {number}"}).expect(200)
    pages = [page["items"] for page in api.pages("/events?limit=3")]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    everything = api.get("/events?limit=200").json["items"]
    assert [each for page in pages for each in page] == everything
    assert len({each["id"] for each in everything}) == 7


def test_a_client_can_start_at_the_end(api: Api, john: str) -> None:
    start = api.get("/events?from=now").expect(200)
    cursor = start.json["next_cursor"]
    assert start.json == {"items": [], "next_cursor": cursor}
    assert start.headers["link"] == f'</events?from=now&after={cursor}>; rel="next"'
    assert api.get(f"/events?after={cursor}").expect(200).json == {"items": [], "next_cursor": None}

    api.patch(john, {"name": "Johnny"}).expect(200)
    pages = list(api.pages(f"/events?from=now&after={cursor}"))
    assert [each["type"] for page in pages for each in page["items"]] == ["lead.updated"]


def test_an_empty_feed_has_an_end(api: Api) -> None:
    cursor = api.get("/events?from=now").expect(200).json["next_cursor"]
    api.post("/leads", JOHN).expect(201)
    assert [each["type"] for each in api.get(f"/events?after={cursor}").json["items"]] == ["lead.created"]


def test_an_empty_feed_has_no_events(api: Api) -> None:
    assert api.get("/events").expect(200).json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("cursor", ["", "null", "0", UNKNOWN_ID, "W10", "...", "é"])
def test_an_invalid_cursor_is_refused(shared_client: Api, cursor: str) -> None:
    refused = shared_client.get(f"/events?after={quote(cursor)}").expect_problem(400, "malformed-request")
    assert "cursor" in refused["detail"]


def test_a_cursor_of_another_list_is_refused(api: Api, john: str) -> None:
    api.patch(john, {"name": "Johnny"}).expect(200)
    timeline = api.get(f"{john}/timeline?limit=1").json["next_cursor"]
    feed = api.get("/events?limit=1").json["next_cursor"]
    api.get(f"/events?after={timeline}").expect_problem(400, "malformed-request")
    api.get(f"{john}/timeline?cursor={feed}").expect_problem(400, "malformed-request")


@pytest.mark.parametrize(
    "query", ["cursor=x", "limit=0", "limit=201", "limit=x", "after=x&after=y", "type=x", "from=then", "from="]
)
def test_an_unknown_parameter_is_refused(shared_client: Api, query: str) -> None:
    shared_client.get(f"/events?{query}").expect_problem(400, "malformed-request")


def test_reading_events_needs_the_role_read(service: Service) -> None:
    service.client("capture").get("/events").expect_problem(403, "forbidden")
    service.anonymous().get("/events").expect_problem(401, "unauthorized")
    for role in ("read", "agent", "admin"):
        service.client(role).get("/events").expect(200)
