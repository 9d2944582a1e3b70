"""Test that cursors are opaque, valid only for their list, and harmless when damaged."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rest import JOHN, UNKNOWN_ID, Api

LISTS = [
    *("/leads?limit=1", "{john}/timeline?limit=1", "{john}/follow-ups?limit=1", "/follow-ups?limit=1"),
    *("{john}/tasks?limit=1", "/tasks?limit=1"),
]
TASK = {"text": "Call", "due_at": "2030-01-15T09:30:00Z", "assignee": "mia@example.com"}


@pytest.fixture
def jane(api: Api, john: str) -> str:
    """Create another lead with two follow-ups and two tasks and return its path."""
    jane = api.post("/leads", {"name": "Jane Roe", "email": "jane@example.com"}).headers["location"]
    for lead in (john, john, jane, jane):
        api.post(f"{lead}/follow-up").expect(202)
        api.post(f"{lead}/tasks", TASK).expect(201)
    return jane


@pytest.fixture(scope="session")
def lists(shared_client: Api) -> list[str]:
    """Return the targets of one list of each kind, each with a second page."""
    api = shared_client
    john = api.post("/leads", {**JOHN, "email": "cursor@example.com"}).headers["location"]
    api.post("/leads", {**JOHN, "email": "cursor2@example.com"}).expect(201)
    for _ in range(2):
        api.post(f"{john}/follow-up").expect(202)
        api.post(f"{john}/tasks", TASK).expect(201)
    return [each.replace("{john}", john) for each in LISTS]


def next_cursor(api: Api, target: str) -> str:
    """Return the cursor of the second page of a list."""
    cursor: str = api.get(target).expect(200).json["next_cursor"]
    return cursor


def assert_refused(api: Api, target: str, cursor: str) -> None:
    """Check that a list refuses a cursor."""
    problem = api.get(f"{target}{'&' if '?' in target else '?'}cursor={quote(cursor)}").expect_problem(
        400, "malformed-request"
    )
    assert "cursor" in problem["detail"]


def test_a_cursor_needs_no_escaping_in_a_url(api: Api, john: str, jane: str) -> None:
    for each in LISTS:
        cursor = next_cursor(api, each.format(john=john))
        assert quote(cursor, safe="") == cursor


def test_a_cursor_may_be_used_again_and_with_another_limit(api: Api, john: str, jane: str) -> None:
    target = f"/leads?limit=1&cursor={next_cursor(api, '/leads?limit=1')}"
    assert api.get(target).json == api.get(target).json
    assert api.get(target.replace("limit=1", "limit=2")).expect(200).json["items"]


@pytest.mark.parametrize(
    "other",
    [
        "/leads?sort=created_at",
        "/leads?status=new",
        "/leads?status=new&status=lost",
        "/leads?email=john@example.com",
        "{john}/timeline",
        "{john}/follow-ups",
        "/follow-ups",
    ],
)
def test_a_cursor_of_leads_is_refused_by_other_lists(api: Api, john: str, jane: str, other: str) -> None:
    assert_refused(api, other.format(john=john), next_cursor(api, "/leads?limit=1"))


@pytest.mark.parametrize("other", ["/leads", "{jane}/timeline", "{john}/follow-ups", "{jane}/follow-ups"])
def test_a_cursor_of_a_timeline_is_refused_by_other_lists(api: Api, john: str, jane: str, other: str) -> None:
    assert_refused(api, other.format(john=john, jane=jane), next_cursor(api, f"{john}/timeline?limit=1"))


@pytest.mark.parametrize("other", ["/leads", "/follow-ups", "{john}/timeline", "{jane}/follow-ups"])
def test_a_cursor_of_the_follow_ups_of_a_lead_is_refused_by_other_lists(
    api: Api, john: str, jane: str, other: str
) -> None:
    assert_refused(api, other.format(john=john, jane=jane), next_cursor(api, f"{john}/follow-ups?limit=1"))


def test_a_cursor_is_refused_with_other_filters(api: Api, john: str, jane: str) -> None:
    cursor = next_cursor(api, "/leads?limit=1&status=new&sort=created_at")
    for other in ("/leads", "/leads?sort=created_at", "/leads?status=lost&sort=created_at", "/leads?status=new"):
        assert_refused(api, other, cursor)
    api.get(f"/leads?status=new&sort=created_at&cursor={cursor}").expect(200)


def test_a_cursor_of_follow_ups_is_refused_with_other_filters(api: Api, john: str, jane: str) -> None:
    filters = ["state=scheduled", "channel=log", "due_before=2027-01-01T00:00:00Z", "overdue=false"]
    target = "/follow-ups?" + "&".join(filters)
    cursor = next_cursor(api, target + "&limit=1")
    for others in (*(filters[:n] + filters[n + 1 :] for n in range(3)), [*filters[:3], "overdue=true"]):
        assert_refused(api, "/follow-ups?" + "&".join(others), cursor)
    api.get(f"{target}&cursor={cursor}").expect(200)


@pytest.mark.parametrize("cursor", ["", "null", "0", "MA", "e30", "W10", "=", "...", "\0", "é", "%", "a" * 10_000])
def test_an_invalid_cursor_is_refused(shared_client: Api, lists: list[str], cursor: str) -> None:
    for target in lists:
        assert_refused(shared_client, target, cursor)


@given(data=st.data(), garbage=st.text(max_size=80))
def test_any_text_as_a_cursor_is_refused(
    shared_client: Api, lists: list[str], data: st.DataObject, garbage: str
) -> None:
    assert_refused(shared_client, data.draw(st.sampled_from(lists)), garbage.encode(errors="ignore").decode())


@given(data=st.data())
def test_a_truncated_cursor_is_refused(shared_client: Api, lists: list[str], data: st.DataObject) -> None:
    api, target = shared_client, data.draw(st.sampled_from(lists))
    cursor = next_cursor(api, target)
    assert_refused(api, target, cursor[: data.draw(st.integers(min_value=0, max_value=len(cursor) - 2))])


@given(data=st.data())
def test_a_damaged_cursor_does_no_harm(shared_client: Api, lists: list[str], data: st.DataObject) -> None:
    api, target = shared_client, data.draw(st.sampled_from(lists))
    raw = bytearray(_raw(next_cursor(api, target)))
    for _ in range(data.draw(st.integers(min_value=1, max_value=3))):
        raw[data.draw(st.integers(min_value=0, max_value=len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    response = api.get(f"{target}&cursor={_cursor(bytes(raw))}")
    assert response.status in (200, 400), (bytes(raw), response)


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-05T12:00:00",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-01-05",
        "",
        0,
        None,
        [],
    ],
)
def test_a_forged_cursor_with_an_impossible_time_is_refused(shared_client: Api, lists: list[str], at: object) -> None:
    all_leads, _, *follow_ups = lists
    for target in (all_leads, *follow_ups):
        fingerprint, (_, id) = json.loads(_raw(next_cursor(shared_client, target)))
        assert_refused(shared_client, target, _cursor(json.dumps([fingerprint, [at, id]]).encode()))


@pytest.mark.parametrize(
    "id", ["", "john", "\0", "x" * 10_000, "' OR 1=1", UNKNOWN_ID + "\n", UNKNOWN_ID[:-1], None, 1]
)
def test_a_forged_cursor_with_an_impossible_id_is_refused(shared_client: Api, lists: list[str], id: object) -> None:
    fingerprint, (at, _) = json.loads(_raw(next_cursor(shared_client, lists[0])))
    assert_refused(shared_client, lists[0], _cursor(json.dumps([fingerprint, [at, id]]).encode()))


@pytest.mark.parametrize("position", [2**63, -(2**63) - 1, 10**30, 1.5, "1", None, True, [], {}])
def test_a_forged_cursor_with_an_impossible_position_is_refused(
    shared_client: Api, lists: list[str], position: object
) -> None:
    _, timeline, *_ = lists
    fingerprint, _ = json.loads(_raw(next_cursor(shared_client, timeline)))
    assert_refused(shared_client, timeline, _cursor(json.dumps([fingerprint, position]).encode()))


def _raw(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _cursor(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
