"""Notes, merges, export and erasure."""

from collections.abc import Callable
from typing import Any

import pytest

from leads_domain.use_cases.add_note import NOTE_MAX
from rest import JOHN, UNKNOWN_ID, Api, Service

JON = {"name": "Jon Do", "email": "jon@example.com", "phone": "+4930123456", "source": "fair"}


@pytest.fixture
def admin(service: Service) -> Api:
    """A client that may do anything."""
    return service.client("admin")


@pytest.fixture
def jon(api: Api, john: str) -> str:
    """The path of the same person, taken in again."""
    return api.post("/leads", JON).expect(201).headers["location"]


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def merge(api: Api, path: str, duplicate: str) -> Any:
    """The lead that is left."""
    return api.post(f"{path}/merge", {"duplicate_id": id_of(duplicate)}).expect(200).json


def story(api: Api, path: str) -> list[str]:
    """What happened, newest first."""
    return [entry["type"] for entry in api.get(f"{path}/timeline").expect(200).json["items"]]


# Notes


def test_a_note_is_answered_as_it_is_on_the_timeline(api: Api, john: str) -> None:
    answer = api.post(f"{john}/notes", {"text": " Prefers to be called.\n"}).expect(201)
    assert answer.headers["location"] == f"{john}/timeline"
    (note, _) = api.get(answer.headers["location"]).json["items"]
    assert answer.json == note
    assert (note["type"], note["actor"], note["data"]) == (
        "lead.note_added",
        "agent",
        {"text": "Prefers to be called."},
    )


def test_a_note_leaves_the_version_as_it_is(api: Api, john: str) -> None:
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
def test_a_note_is_read_strictly(api: Api, john: str, body: object, pointer: str) -> None:
    answer = api.post(f"{john}/notes", body)
    if body == {"text": "\ud800"}:
        answer.expect_problem(400, "malformed-request")
    else:
        assert [*answer.errors()] == [pointer]
    assert story(api, john) == ["lead.created"]


def test_no_note_is_taken_about_nobody(api: Api) -> None:
    api.post(f"/leads/{UNKNOWN_ID}/notes", {"text": "Who?"}).expect_problem(404, "not-found")
    api.post("/leads/john/notes", {"text": "Who?"}).expect_problem(404, "not-found")


# Merges


def test_the_survivor_has_what_it_lacked_and_the_story_of_both(api: Api, john: str, jon: str) -> None:
    api.post(f"{jon}/follow-up", {"due_at": "2027-01-01T00:00:00Z"}).expect(202)
    answer = api.post(f"{john}/merge", {"duplicate_id": id_of(jon).upper()}).expect(200)
    lead = answer.json
    assert (lead["id"], lead["name"], lead["email"]) == (id_of(john), "John Doe", "john@example.com")
    assert (lead["phone"], lead["source"], lead["version"]) == ("+4930123456", "fair", 2)
    assert lead["next_follow_up_at"] == "2027-01-01T00:00:00.000000Z"
    assert answer.headers["etag"] == '"2"'
    assert api.get(john).json == lead
    told = ["lead.updated", "lead.merged", "follow_up.scheduled", "lead.created", "lead.created"]
    assert story(api, john) == told
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
        ("POST", "/notes", {"text": "He moved."}),
        ("POST", "/merge", {"duplicate_id": UNKNOWN_ID}),
        ("GET", "/export", None),
    ],
)
def test_the_id_of_the_duplicate_leads_to_the_survivor(
    admin: Api, john: str, jon: str, method: str, rest: str, body: object
) -> None:
    merge(admin, john, jon)
    before = admin.get(f"{john}/export").json
    answer = admin.request(method, f"/leads/{id_of(jon).upper()}{rest}", body).expect(301)
    assert answer.headers["location"] == f"{john}{rest}"
    assert method == "HEAD" or answer.json == {"merged_into": id_of(john)}
    assert admin.get(f"{john}/export").json == before


def test_nothing_is_learnt_of_a_merge_without_the_permission_to_ask(service: Service, john: str, jon: str) -> None:
    merge(service.client(), john, jon)
    service.client("capture").get(jon).expect_problem(403, "forbidden")
    service.client("agent").request("DELETE", jon).expect_problem(403, "forbidden")
    service.anonymous().get(jon).expect_problem(401, "unauthorized")


def test_a_query_is_taken_along_and_cannot_add_a_header(api: Api, john: str, jon: str) -> None:
    merge(api, john, jon)
    assert api.get(f"{jon}/timeline?limit=%31").expect(301).headers["location"] == f"{john}/timeline?limit=%31"
    api.get(f"{jon}?a=\r\nx: y").expect_problem(400, "malformed-request")


def test_in_a_chain_every_id_leads_to_the_last(api: Api, john: str, jon: str) -> None:
    jane = api.post("/leads", {**JOHN, "email": "jane@example.com"}).headers["location"]
    merge(api, jon, john)
    merge(api, jane, jon)
    for each in (john, jon):
        assert api.get(each).expect(301).headers["location"] == jane
    assert sorted(story(api, jane)) == ["lead.created"] * 3 + ["lead.merged"] * 2 + ["lead.updated"]


def test_to_merge_again_changes_nothing(api: Api, john: str, jon: str) -> None:
    lead = merge(api, john, jon)
    assert merge(api, john, jon) == lead


def test_what_cannot_be_merged_is_refused(api: Api, john: str, jon: str) -> None:
    jane = api.post("/leads", {**JOHN, "email": "jane@example.com"}).headers["location"]
    merge(api, jane, jon)
    for duplicate, said in (
        (id_of(john), "into itself"),
        (UNKNOWN_ID, f"No lead has the id {UNKNOWN_ID}"),
        (id_of(jon), f"was merged into the lead {id_of(jane)}"),
        ("jon", "is not an id"),
        ("\0", "is not an id"),
        (5, "Expected a string"),
        (None, "Expected a string"),
    ):
        faults = api.post(f"{john}/merge", {"duplicate_id": duplicate}).errors()
        assert [*faults] == ["/duplicate_id"]
        assert said in faults["/duplicate_id"]
    assert [*api.post(f"{john}/merge", {}).errors()] == ["/duplicate_id"]
    api.post(f"{john}/merge").expect_problem(400, "malformed-request")
    api.post(f"/leads/{UNKNOWN_ID}/merge", {"duplicate_id": id_of(john)}).expect_problem(404, "not-found")
    assert story(api, john) == ["lead.created"]


def test_the_address_of_the_duplicate_can_be_taken_in_again(api: Api, john: str, jon: str) -> None:
    merge(api, john, jon)
    assert api.get("/leads?email=jon@example.com").json["items"] == []
    api.post("/leads", JON).expect(201)


# Erasure


def test_who_is_erased_is_gone_and_a_tombstone_stays(admin: Api, john: str) -> None:
    follow_up = admin.post(f"{john}/follow-up", {"due_at": "2027-01-01T00:00:00Z"}).headers["location"]
    answer = admin.request("DELETE", john).expect(204)
    assert answer.body == b""
    admin.get(john).expect_problem(404, "not-found")
    admin.request("DELETE", john).expect_problem(404, "not-found")
    for rest in ("/export", "/follow-ups"):
        admin.get(f"{john}{rest}").expect_problem(404, "not-found")
    admin.get(follow_up).expect_problem(404, "not-found")
    (tombstone,) = admin.get(f"{john}/timeline").expect(200).json["items"]
    assert (tombstone["type"], tombstone["actor"], tombstone["data"]) == ("lead.erased", "admin", {})
    assert admin.get("/leads").json["items"] == []
    assert admin.get("/follow-ups").json["items"] == []


def test_the_address_is_free_at_once(admin: Api, john: str) -> None:
    admin.request("DELETE", john).expect(204)
    again = admin.post("/leads", JOHN).expect(201).headers["location"]
    assert again != john
    assert story(admin, again) == ["lead.created"]


def test_the_ids_of_duplicates_are_erased_as_well(admin: Api, john: str, jon: str) -> None:
    merge(admin, john, jon)
    admin.request("DELETE", jon).expect(301)
    admin.request("DELETE", john).expect(204)
    admin.get(jon).expect_problem(404, "not-found")
    admin.get(f"{jon}/timeline").expect_problem(404, "not-found")


def test_nothing_is_sent_to_somebody_who_was_erased(service: Service, admin: Api, john: str) -> None:
    admin.post(f"{john}/follow-up").expect(202)
    admin.request("DELETE", john).expect(204)
    assert service.dispatch() == 0
    assert service.channels["log"].notices == []


def test_who_is_erased_while_a_notice_is_under_way_is_left_alone(
    service: Service, admin: Api, john: str, log: list[Any]
) -> None:
    admin.post(f"{john}/follow-up").expect(202)
    container = service.container
    (claimed,) = service.run(
        container.database().write(container.claim_due_follow_ups(), owner="another process", limits={"log": 1})
    )
    admin.request("DELETE", john).expect(204)
    assert service.run(container.database().write(container.record_outcome(), claimed.follow_up, None)) is False
    assert story(admin, john) == ["lead.erased"]
    assert not [line for line in log if line["log_level"] == "error"]


@pytest.mark.parametrize("role", ["capture", "read", "agent"])
def test_only_administrators_erase_and_export(service: Service, john: str, role: str) -> None:
    client = service.client(role)
    assert client.request("DELETE", john).expect_problem(403, "forbidden")["role"] == "admin"
    assert client.get(f"{john}/export").expect_problem(403, "forbidden")["role"] == "admin"


def test_nobody_can_be_erased_who_is_not_there(admin: Api) -> None:
    admin.request("DELETE", f"/leads/{UNKNOWN_ID}").expect_problem(404, "not-found")
    admin.get(f"/leads/{UNKNOWN_ID}/timeline").expect_problem(404, "not-found")


def test_the_answers_to_requests_that_may_be_repeated_are_erased_those_about_duplicates_too(admin: Api) -> None:
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


def test_only_the_version_that_is_meant_is_merged_into_or_erased(admin: Api, john: str, jon: str) -> None:
    body = {"duplicate_id": id_of(jon)}
    admin.post(f"{john}/merge", body, if_match='"2"').expect_problem(412, "precondition-failed")
    admin.get(jon).expect(200)
    admin.post(f"{john}/merge", body, if_match='"1"').expect(200)
    admin.post(f"{john}/merge", body, if_match='"1"').expect(200)  # as after an answer that was lost
    admin.request("DELETE", john, headers={"if-match": '"1"'}).expect_problem(412, "precondition-failed")
    admin.request("DELETE", john, headers={"if-match": '"2"'}).expect(204)


# Export


def test_the_export_has_everything_in_one_document(service: Service, admin: Api, john: str, jon: str) -> None:
    for path in (john, jon):
        admin.post(f"{path}/follow-up").expect(202)
    service.dispatch()
    for number in range(60):
        admin.post(f"{john}/notes", {"text": f"Call {number}"}).expect(201)
    lead = merge(admin, john, jon)
    document = admin.get(f"{john}/export").expect(200).json
    assert document == {
        "lead": lead,
        "merged_ids": [id_of(jon)],
        "follow_ups": admin.get(f"{john}/follow-ups?limit=200").json["items"],
        "timeline": admin.get(f"{john}/timeline?limit=200").json["items"],
        "replied_at": [],
    }
    assert (len(document["follow_ups"]), len(document["timeline"])) == (2, 68)


def test_the_export_of_a_new_lead_is_short(admin: Api, john: str) -> None:
    document = admin.get(f"{john}/export").expect(200).json
    assert (document["merged_ids"], document["follow_ups"]) == ([], [])
    assert document["lead"] == admin.get(john).json
    assert [entry["type"] for entry in document["timeline"]] == ["lead.created"]


@pytest.mark.parametrize("store", ["memory"])
def test_it_works_in_memory_too(start: Callable[..., Service]) -> None:
    admin = start().client("admin")
    john, jon = (admin.post("/leads", each).headers["location"] for each in (JOHN, JON))
    merge(admin, john, jon)
    admin.get(jon).expect(301)
    admin.request("DELETE", john).expect(204)
    admin.get(jon).expect_problem(404, "not-found")
