"""Test the lists of tasks: of a lead, and of all leads."""

from datetime import timedelta
from typing import Any

import pytest

from rest import JOHN, UNKNOWN_ID, Api, Service

MIA, NOAH = "mia@example.com", "noah@example.com"


@pytest.fixture
def leads(api: Api) -> list[str]:
    """Create two leads and return their paths."""
    return [
        api.post("/leads", {**JOHN, "email": f"{name}@example.com"}).expect(201).headers["location"]
        for name in ("john", "jane")
    ]


@pytest.fixture
def tasks(service: Service, api: Api, leads: list[str]) -> list[Any]:
    """Create a done, an overdue, a cancelled and several later tasks; return them by due time."""
    john, jane = leads
    created = [
        api.post(f"{lead}/tasks", {"text": "Call", "assignee": assignee, "due_at": f"2026-01-{day}T12:00:00Z"})
        for lead, assignee, day in (
            (john, MIA, "03"),
            (jane, "Mia@EXAMPLE.com", "04"),
            (john, NOAH, "05"),
            (jane, MIA, "06"),
            (john, NOAH, "07"),
        )
    ]
    ids = [each.expect(201).json["id"] for each in created]
    api.post(f"/tasks/{ids[0]}/complete", {"outcome": "Reached"}).expect(200)
    api.post(f"/tasks/{ids[2]}/cancel").expect(200)
    service.clock.advance(timedelta(hours=12))
    return [api.get(f"/tasks/{id}").json for id in ids]


QUERIES: list[tuple[str, list[int]]] = [
    ("", [0, 1, 2, 3, 4]),
    ("state=open", [1, 3, 4]),
    ("state=done&state=cancelled", [0, 2]),
    ("state=open&state=open", [1, 3, 4]),
    (f"assignee={MIA}", [0, 1, 3]),
    ("assignee=MIA@example.com&state=open", [1, 3]),
    ("assignee=other@example.com", []),
    ("overdue=true", [1]),
    (f"overdue=true&assignee={MIA}", [1]),
    (f"overdue=true&assignee={NOAH}", []),
    ("overdue=true&state=open&due_before=2030-01-01T00:00:00Z", [1]),
    ("overdue=true&due_before=2026-01-04T12:00:00Z", []),
    ("overdue=true&state=done", []),
    ("overdue=false", [0, 1, 2, 3, 4]),
    ("due_from=2026-01-05T12:00:00Z", [2, 3, 4]),
    ("due_from=2026-01-05T12:00:00.000001Z", [3, 4]),
    ("due_before=2026-01-05T12:00:00Z", [0, 1]),
    ("due_from=2026-01-04T13:00:00%2B01:00&due_before=2026-01-06T13:00:00.000001%2B01:00", [1, 2, 3]),
    ("due_from=2026-01-07T00:00:00Z&due_before=2026-01-06T00:00:00Z", []),
]


def test_tasks_are_listed_by_due_time(api: Api, leads: list[str], tasks: list[Any]) -> None:
    for path, listed in (
        ("/tasks", tasks),
        (f"{leads[0]}/tasks", [each for each in tasks if each["lead_id"] == leads[0].removeprefix("/leads/")]),
    ):
        for query, indexes in QUERIES:
            expected = [tasks[index] for index in indexes if tasks[index] in listed]
            page = api.get(f"{path}?{query}&count=true").expect(200).json
            assert page == {"items": expected, "next_cursor": None, "total": len(expected)}, query
            for limit in (1, 2):
                pages = list(api.pages(f"{path}?{query}&limit={limit}"))
                assert [item for page in pages for item in page["items"]] == expected, query


@pytest.mark.parametrize("path", ["/tasks", "{lead}/tasks"])
@pytest.mark.parametrize(
    "query",
    [
        "state=due",
        "state=",
        "state=open,done",
        "overdue=yes",
        "overdue",
        "assignee=",
        "assignee=mia",
        f"assignee={MIA}&assignee={NOAH}",
        "assignee=%00",
        "due_before=tomorrow",
        "due_before=2026-01-05",
        "due_from=2026-01-05T18:00:00",
        "due_before=9999-12-31T23:59:59-00:01",
        "due_from=0001-01-01T00:00:00%2B00:01",
        "channel=log",
        "lead_id=1",
        "limit=0",
        "cursor=x",
    ],
)
def test_an_invalid_query_of_tasks_is_refused(shared_client: Api, shared_lead: str, path: str, query: str) -> None:
    shared_client.get(f"{path.format(lead=shared_lead)}?{query}").expect_problem(400, "malformed-request")


def test_a_cursor_belongs_to_its_list_and_filters(api: Api, leads: list[str], tasks: list[Any]) -> None:
    john, jane = leads
    cursor = api.get(f"{john}/tasks?state=open&state=done&limit=1").json["next_cursor"]
    assert cursor
    api.get(f"{john}/tasks?state=open&state=done&cursor={cursor}").expect(200)
    for other in (
        f"{jane}/tasks?state=open&state=done",
        "/tasks?state=open&state=done",
        f"{john}/tasks?state=open",
        f"{john}/tasks?state=open&state=done&overdue=true",
        f"{john}/tasks?state=open&state=done&assignee={MIA}",
        f"{john}/tasks?state=open&state=done&due_from=2026-01-01T00:00:00Z",
        f"{john}/follow-ups?limit=1",
    ):
        api.get(f"{other}&cursor={cursor}").expect_problem(400, "malformed-request")


def test_an_unknown_lead_has_no_list_of_tasks(shared_client: Api) -> None:
    for path in (f"/leads/{UNKNOWN_ID}", "/leads/john"):
        for query in ("", "?overdue=true&state=done", "?count=true"):
            shared_client.get(f"{path}/tasks{query}").expect_problem(404, "not-found")


def test_leads_with_tasks_count_as_followed_up(service: Service, api: Api, leads: list[str]) -> None:
    john, jane = leads
    task = {"text": "Call", "assignee": MIA, "due_at": "2026-01-06T12:00:00Z", "remind": False}
    api.post(f"{john}/tasks", task).expect(201)

    def found(follow_up: str) -> list[str]:
        return [f"/leads/{lead['id']}" for lead in api.get(f"/leads?follow_up={follow_up}").json["items"]]

    assert (found("overdue"), found("scheduled"), found("none")) == ([], [john], [jane])
    service.clock.advance(timedelta(days=2))
    assert (found("overdue"), found("scheduled"), found("none")) == ([john], [john], [jane])
