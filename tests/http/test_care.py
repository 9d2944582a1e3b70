"""Test notes, merges, personal data export and erasure."""

from collections.abc import Callable
from typing import Any

import pytest

from builders import a_task
from leads_domain.lead import LeadId
from leads_domain.use_cases.add_note import NOTE_MAX
from rest import JOHN, UNKNOWN_ID, Api, Service

JON = {"name": "Jon Do", "email": "jon@example.com", "phone": "+4930123456", "source": "fair"}


@pytest.fixture
def admin(service: Service) -> Api:
    """Return a client with the role `admin`."""
    return service.client("admin")


@pytest.fixture
def jon(api: Api, john: str) -> str:
    """Create a duplicate of John with another e-mail address and return its path."""
    return api.post("/leads", JON).expect(201).headers["location"]


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def merge(api: Api, path: str, duplicate: str) -> Any:
    """Merge a duplicate and return the target."""
    return api.post(f"{path}/merge", {"duplicate_id": id_of(duplicate)}).expect(200).json


def event_types(api: Api, path: str) -> list[str]:
    """Return the types of a lead's timeline entries, newest first."""
    return [entry["type"] for entry in api.get(f"{path}/timeline").expect(200).json["items"]]


# Notes


def test_the_response_to_a_note_is_its_timeline_entry(api: Api, john: str) -> None:
    response = api.post(f"{john}/notes", {"text": " Prefers to be called.\n"}).expect(201)
    assert response.headers["location"] == f"{john}/timeline"
    (note, _) = api.get(response.headers["location"]).json["items"]
    assert response.json == note
    assert (note["type"], note["actor"], note["data"]) == (
        "lead.note_added",
        "agent",
        {"text": "Prefers to be called."},
    )


def test_a_note_does_not_change_the_version(api: Api, john: str) -> None:
    before = api.get(john)
    api.post(f"{john}/notes", {"text": "He moved."}).expect(201)
    after = api.get(john)
    assert (after.json, after.headers["etag"]) == (before.json, before.headers["etag"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": 5}, "/text"),
        ({"text": None}, "/text"),
        ({"text": " "}, "/text"),
        ({"text": "a\0"}, "/text"),
        ({"text": "\ud800"}, "/text"),
        ({"text": "x" * (NOTE_MAX + 1)}, "/text"),
        ({"text": "x", "note": "y"}, "/note"),
        ([], ""),
    ],
)
def test_a_note_is_validated_strictly(api: Api, john: str, body: object, pointer: str) -> None:
    response = api.post(f"{john}/notes", body)
    if body == {"text": "\ud800"}:
        response.expect_problem(400, "malformed-request")
    else:
        assert [*response.errors()] == [pointer]
    assert event_types(api, john) == ["lead.created"]


def test_a_note_on_an_unknown_lead_is_not_found(api: Api) -> None:
    api.post(f"/leads/{UNKNOWN_ID}/notes", {"text": "Who?"}).expect_problem(404, "not-found")
    api.post("/leads/john/notes", {"text": "Who?"}).expect_problem(404, "not-found")


# Merges


def test_a_merge_fills_empty_fields_of_the_target_and_joins_the_timelines(api: Api, john: str, jon: str) -> None:
    api.post(f"{jon}/follow-up", {"due_at": "2027-01-01T00:00:00Z"}).expect(202)
    response = api.post(f"{john}/merge", {"duplicate_id": id_of(jon).upper()}).expect(200)
    lead = response.json
    assert (lead["id"], lead["name"], lead["email"]) == (id_of(john), "John Doe", "john@example.com")
    assert (lead["phone"], lead["source"], lead["version"]) == ("+4930123456", "fair", 2)
    assert lead["next_follow_up_at"] == "2027-01-01T00:00:00.000000Z"
    assert response.headers["etag"] == '"2"'
    assert api.get(john).json == lead
    expected = ["lead.updated", "lead.merged", "follow_up.scheduled", "lead.created", "lead.created"]
    assert event_types(api, john) == expected
    assert [each["lead_id"] for each in api.get(f"{john}/follow-ups").json["items"]] == [id_of(john)]
    assert [each["id"] for each in api.get("/leads").json["items"]] == [id_of(john)]
    merged = api.get(f"{john}/timeline").json["items"][1]["data"]
    assert merged["duplicate_id"] == id_of(jon)
    assert {"name": "Jon Do", "email": "jon@example.com"}.items() <= merged["duplicate"].items()


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("GET", "", None),
        ("HEAD", "", None),
        ("PATCH", "", {"name": "Jon"}),
        ("DELETE", "", None),
        ("GET", "/timeline?limit=5", None),
        ("GET", "/follow-ups?limit=5", None),
        ("POST", "/follow-up", None),
        ("GET", "/tasks?limit=5", None),
        ("POST", "/tasks", {"text": "Call", "due_at": "2030-01-15T09:30:00Z", "assignee": "mia@example.com"}),
        ("POST", "/notes", {"text": "He moved."}),
        ("POST", "/merge", {"duplicate_id": UNKNOWN_ID}),
        ("GET", "/similar", None),
        ("POST", "/distinct", {"lead_id": UNKNOWN_ID}),
        ("GET", "/export", None),
    ],
)
def test_the_path_of_the_duplicate_redirects_to_the_target(
    admin: Api, john: str, jon: str, method: str, rest: str, body: object
) -> None:
    merge(admin, john, jon)
    before = admin.get(f"{john}/export").json
    response = admin.request(method, f"/leads/{id_of(jon).upper()}{rest}", body).expect(301)
    assert response.headers["location"] == f"{john}{rest}"
    assert method == "HEAD" or response.json == {"merged_into": id_of(john)}
    assert admin.get(f"{john}/export").json == before


def test_a_merge_is_not_revealed_without_permission(service: Service, john: str, jon: str) -> None:
    merge(service.client(), john, jon)
    service.client("capture").get(jon).expect_problem(403, "forbidden")
    service.client("agent").request("DELETE", jon).expect_problem(403, "forbidden")
    service.anonymous().get(jon).expect_problem(401, "unauthorized")


def test_the_redirect_keeps_the_query_and_cannot_inject_a_header(api: Api, john: str, jon: str) -> None:
    merge(api, john, jon)
    assert api.get(f"{jon}/timeline?limit=%31").expect(301).headers["location"] == f"{john}/timeline?limit=%31"
    api.get(f"{jon}?a=\r\nx: y").expect_problem(400, "malformed-request")


def test_a_chain_of_merges_redirects_to_the_last_target(api: Api, john: str, jon: str) -> None:
    jane = api.post("/leads", {**JOHN, "email": "jane@example.com"}).headers["location"]
    merge(api, jon, john)
    merge(api, jane, jon)
    for each in (john, jon):
        assert api.get(each).expect(301).headers["location"] == jane
    assert sorted(event_types(api, jane)) == ["lead.created"] * 3 + ["lead.merged"] * 2 + ["lead.updated"]


def test_repeating_a_merge_has_no_effect(api: Api, john: str, jon: str) -> None:
    lead = merge(api, john, jon)
    assert merge(api, john, jon) == lead


def test_an_invalid_merge_is_refused(api: Api, john: str, jon: str) -> None:
    jane = api.post("/leads", {**JOHN, "email": "jane@example.com"}).headers["location"]
    merge(api, jane, jon)
    for duplicate, message in (
        (id_of(john), "into itself"),
        (UNKNOWN_ID, f"No lead has the id {UNKNOWN_ID}"),
        (id_of(jon), f"was merged into the lead {id_of(jane)}"),
        ("jon", "is not an id"),
        ("\0", "is not an id"),
        (5, "Expected a string"),
        (None, "Expected a string"),
    ):
        errors = api.post(f"{john}/merge", {"duplicate_id": duplicate}).errors()
        assert [*errors] == ["/duplicate_id"]
        assert message in errors["/duplicate_id"]
    assert [*api.post(f"{john}/merge", {}).errors()] == ["/duplicate_id"]
    api.post(f"{john}/merge").expect_problem(400, "malformed-request")
    api.post(f"/leads/{UNKNOWN_ID}/merge", {"duplicate_id": id_of(john)}).expect_problem(404, "not-found")
    assert event_types(api, john) == ["lead.created"]


def test_the_email_of_a_merged_duplicate_can_be_registered_again(api: Api, john: str, jon: str) -> None:
    merge(api, john, jon)
    assert api.get("/leads?email=jon@example.com").json["items"] == []
    api.post("/leads", JON).expect(201)


# Erasure


def test_an_erasure_leaves_only_a_tombstone_entry(admin: Api, john: str) -> None:
    follow_up = admin.post(f"{john}/follow-up", {"due_at": "2027-01-01T00:00:00Z"}).headers["location"]
    response = admin.request("DELETE", john).expect(204)
    assert response.body == b""
    admin.get(john).expect_problem(404, "not-found")
    admin.request("DELETE", john).expect_problem(404, "not-found")
    for rest in ("/export", "/follow-ups"):
        admin.get(f"{john}{rest}").expect_problem(404, "not-found")
    admin.get(follow_up).expect_problem(404, "not-found")
    (tombstone,) = admin.get(f"{john}/timeline").expect(200).json["items"]
    assert (tombstone["type"], tombstone["actor"], tombstone["data"]) == ("lead.erased", "admin", {})
    assert admin.get("/leads").json["items"] == []
    assert admin.get("/follow-ups").json["items"] == []


def test_the_email_of_an_erased_lead_is_free_at_once(admin: Api, john: str) -> None:
    admin.request("DELETE", john).expect(204)
    again = admin.post("/leads", JOHN).expect(201).headers["location"]
    assert again != john
    assert event_types(admin, again) == ["lead.created"]


def test_erasure_also_erases_the_ids_of_merged_duplicates(admin: Api, john: str, jon: str) -> None:
    merge(admin, john, jon)
    admin.request("DELETE", jon).expect(301)
    admin.request("DELETE", john).expect(204)
    admin.get(jon).expect_problem(404, "not-found")
    admin.get(f"{jon}/timeline").expect_problem(404, "not-found")


def test_no_follow_up_is_sent_to_an_erased_lead(service: Service, admin: Api, john: str) -> None:
    admin.post(f"{john}/follow-up").expect(202)
    admin.request("DELETE", john).expect(204)
    assert service.dispatch() == 0
    assert service.channels["log"].notices == []


def test_an_erasure_during_an_attempt_records_no_outcome(
    service: Service, admin: Api, john: str, log: list[Any]
) -> None:
    admin.post(f"{john}/follow-up").expect(202)
    container = service.container
    (claimed,) = service.run(
        container.database().write(container.claim_due_follow_ups(), owner="another process", limits={"log": 1})
    )
    admin.request("DELETE", john).expect(204)
    assert service.run(container.database().write(container.record_outcome(), claimed.item, None)) is False
    assert event_types(admin, john) == ["lead.erased"]
    assert not [line for line in log if line["log_level"] == "error"]


@pytest.mark.parametrize("role", ["capture", "read", "agent"])
def test_only_administrators_can_erase_and_export(service: Service, john: str, role: str) -> None:
    client = service.client(role)
    assert client.request("DELETE", john).expect_problem(403, "forbidden")["role"] == "admin"
    assert client.get(f"{john}/export").expect_problem(403, "forbidden")["role"] == "admin"


def test_erasing_an_unknown_lead_is_not_found(admin: Api) -> None:
    admin.request("DELETE", f"/leads/{UNKNOWN_ID}").expect_problem(404, "not-found")
    admin.get(f"/leads/{UNKNOWN_ID}/timeline").expect_problem(404, "not-found")


def test_erasure_also_erases_idempotency_records_of_the_lead_and_its_duplicates(admin: Api) -> None:
    john, jon = (admin.post("/leads", each, idempotency_key=each["email"]).json["id"] for each in (JOHN, JON))
    admin.post(f"/leads/{john}/merge", {"duplicate_id": jon}, idempotency_key="merge").expect(200)
    note = {"text": "He moved."}
    admin.post(f"/leads/{john}/notes", note, idempotency_key="note").expect(201)
    again = admin.post(f"/leads/{john}/notes", note, idempotency_key="note").expect(201)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(admin.get(f"/leads/{john}/export").json["replied_at"]) == 4
    admin.request("DELETE", f"/leads/{john}").expect(204)
    for each in (JOHN, JON):
        admin.post("/leads", each, idempotency_key=each["email"]).expect_problem(404, "not-found")
    admin.post(f"/leads/{john}/notes", note, idempotency_key="note").expect_problem(404, "not-found")


def test_merge_and_erasure_honour_if_match(admin: Api, john: str, jon: str) -> None:
    body = {"duplicate_id": id_of(jon)}
    admin.post(f"{john}/merge", body, if_match='"2"').expect_problem(412, "precondition-failed")
    admin.get(jon).expect(200)
    admin.post(f"{john}/merge", body, if_match='"1"').expect(200)
    admin.post(f"{john}/merge", body, if_match='"1"').expect(200)  # as when the first response was lost
    admin.request("DELETE", john, headers={"if-match": '"1"'}).expect_problem(412, "precondition-failed")
    admin.request("DELETE", john, headers={"if-match": '"2"'}).expect(204)


# Export


def test_the_personal_data_export_is_complete(service: Service, admin: Api, john: str, jon: str) -> None:
    for path in (john, jon):
        admin.post(f"{path}/follow-up").expect(202)
    service.dispatch()
    for number in range(60):
        admin.post(f"{john}/notes", {"text": f"Call {number}"}).expect(201)
    lead = merge(admin, john, jon)
    task = a_task(lead_id=LeadId(id_of(john)))
    service.run(service.container.database().write(lambda work: work.tasks.add(task)))
    document = admin.get(f"{john}/export").expect(200).json
    assert document == {
        "lead": lead,
        "merged_ids": [id_of(jon)],
        "distinct_ids": [],
        "follow_ups": admin.get(f"{john}/follow-ups?limit=200").json["items"],
        "tasks": [
            {
                "id": task.id,
                "lead_id": id_of(john),
                "assignee": "mia@example.com",
                "text": "Call about the quote",
                "due_at": "2026-01-05T12:00:00.000000Z",
                "state": "open",
                "outcome": None,
                "done_at": None,
                "created_at": "2026-01-05T12:00:00.000000Z",
                "updated_at": "2026-01-05T12:00:00.000000Z",
                "version": 1,
            }
        ],
        "timeline": admin.get(f"{john}/timeline?limit=200").json["items"],
        "submissions": [],
        "replied_at": [],
    }
    assert (len(document["follow_ups"]), len(document["timeline"])) == (2, 68)


def test_the_personal_data_export_of_a_new_lead_has_one_timeline_entry(admin: Api, john: str) -> None:
    document = admin.get(f"{john}/export").expect(200).json
    assert (document["merged_ids"], document["follow_ups"]) == ([], [])
    assert document["lead"] == admin.get(john).json
    assert [entry["type"] for entry in document["timeline"]] == ["lead.created"]


@pytest.mark.parametrize("store", ["memory"])
def test_merge_and_erasure_work_in_memory(start: Callable[..., Service]) -> None:
    admin = start().client("admin")
    john, jon = (admin.post("/leads", each).headers["location"] for each in (JOHN, JON))
    merge(admin, john, jon)
    admin.get(jon).expect(301)
    admin.request("DELETE", john).expect(204)
    admin.get(jon).expect_problem(404, "not-found")
