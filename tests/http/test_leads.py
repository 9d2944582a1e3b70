"""Test the resource /leads: create, list, read and update leads."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from builders import a_pipeline
from rest import JOHN, UNKNOWN_ID, Api, Service

JANE = {
    "name": "Jane Roe",
    "email": "jane@example.com",
    "phone": "+49 30 123456",
    "source": "fair",
    "owner": "sales@example.com",
    "attributes": {"company": "ACME", "size": 12, "share": 0.5, "vip": True, "fax": None},
}
FRESH = {
    "status": "new",
    "status_reason": None,
    "do_not_contact": False,
    "created_at": "2026-01-05T12:00:00.000000Z",
    "updated_at": "2026-01-05T12:00:00.000000Z",
    "contacted_at": None,
    "next_follow_up_at": None,
    "version": 1,
}


def create(api: Api, *numbers: int, **members: Any) -> list[str]:
    """Create leads with these numbers and return their ids."""
    return [
        api.post("/leads", {"name": f"Lead {number}", "email": f"{number}@example.com", **members}).json["id"]
        for number in numbers
    ]


def ids(api: Api, target: str) -> list[str]:
    """Return the ids of a list with one page."""
    page = api.get(target).expect(200).json
    assert page["next_cursor"] is None
    return [item["id"] for item in page["items"]]


def all_ids(api: Api, target: str) -> list[str]:
    """Return the ids of all pages of a list, by its links."""
    return [item["id"] for page in api.pages(target) for item in page["items"]]


# Creating leads


def test_the_response_to_a_new_lead_is_the_whole_lead(api: Api) -> None:
    lead = api.post("/leads", JANE).expect(201).json
    assert lead == {"id": lead["id"], **JANE, "phone": "+4930123456", **FRESH}


def test_omitted_fields_of_a_new_lead_are_null(api: Api) -> None:
    lead = api.post("/leads", JOHN).expect(201).json
    empty: dict[str, object] = {"phone": None, "source": None, "owner": None, "attributes": {}}
    assert lead == {"id": lead["id"], **JOHN, **empty, **FRESH}


def test_a_new_lead_is_found_at_its_location(api: Api) -> None:
    created = api.post("/leads", JANE).expect(201)
    assert created.headers["location"] == f"/leads/{created.json['id']}"
    found = api.get(created.headers["location"]).expect(200)
    assert (found.json, found.headers["etag"]) == (created.json, created.headers["etag"])


def test_ids_are_uuids_of_version_7_in_the_order_of_creation(api: Api) -> None:
    created = create(api, 1, 2, 3)
    assert [UUID(id).version for id in created] == [7, 7, 7]
    assert created == sorted(created)


@pytest.mark.parametrize("name", ["Zoë Ñandú", "李小龍", "عمر", "👩‍🚀 Ada", "e\u0301", '<b>"&\\', "O'Neill; --"])
def test_text_in_any_script_is_returned_as_sent(api: Api, name: str) -> None:
    fields = {"name": name, "email": "x@example.com", "source": name, "attributes": {name: name}}
    location = api.post("/leads", fields).expect(201).headers["location"]
    stored = api.get(location).json
    assert {member: stored[member] for member in fields} == fields


def test_outer_white_space_is_removed(api: Api) -> None:
    lead = api.post("/leads", {"name": " John\n", "email": " john@example.com ", "source": "\tfair"}).expect(201).json
    assert (lead["name"], lead["email"], lead["source"]) == ("John", "john@example.com", "fair")


CALLER = {"name": "A caller", "phone": "+49 30 123456"}


def test_a_lead_without_an_email_address_is_identified_by_its_phone_number(api: Api) -> None:
    caller = api.post("/leads", CALLER).expect(201).json
    assert (caller["email"], caller["phone"]) == (None, "+4930123456")
    for again in ("+4930123456", "tel:+49-30-123456", "+49 (0)30 / 12 34 56"):
        problem = api.post("/leads", {**CALLER, "email": None, "phone": again}).expect_problem(409, "duplicate-lead")
        assert problem["existing_lead_id"] == caller["id"]
    assert ids(api, "/leads?q=123456") == [caller["id"]]
    api.post("/leads", {**CALLER, "phone": "+49 30 123456 ext. 7"}).expect(201)
    api.post("/leads", {**JOHN, "phone": CALLER["phone"]}).expect(201)
    api.post("/leads", JANE).expect(201)


def test_the_identity_of_a_lead_follows_its_email_address(api: Api, john: str) -> None:
    caller = api.post("/leads", CALLER).expect(201).headers["location"]
    api.patch(caller, {"email": JOHN["email"]}).expect_problem(409, "duplicate-lead")
    assert api.patch(caller, {"email": "caller@example.com"}).expect(200).json["phone"] == "+4930123456"
    assert ids(api, "/leads?email=Caller@example.com") == [caller.rpartition("/")[2]]
    other = api.post("/leads", CALLER).expect(201).headers["location"]
    api.patch(caller, {"email": None}).expect_problem(409, "duplicate-lead")
    api.patch(caller, {"phone": None}).expect(200)
    errors = api.patch(caller, {"email": None, "name": "Nobody"}).errors()
    assert errors == {"": "Give an e-mail address or a phone number."}
    merged = api.post(f"{other}/merge", {"duplicate_id": caller.rpartition("/")[2]}).expect(200).json
    assert (merged["email"], merged["phone"]) == ("caller@example.com", "+4930123456")


@pytest.mark.parametrize("again", ["john@example.com", "JOHN@EXAMPLE.COM", " John@Example.com"])
def test_a_duplicate_is_refused_and_the_existing_lead_is_named(api: Api, john: str, again: str) -> None:
    problem = api.post("/leads", {"name": "Johnny", "email": again}).expect_problem(409, "duplicate-lead")
    assert f"/leads/{problem['existing_lead_id']}" == john
    assert len(ids(api, "/leads")) == 1
    assert api.get(john).json["name"] == "John Doe"


def test_on_duplicate_return_returns_the_existing_lead(api: Api, john: str) -> None:
    before = api.get(john)
    again = api.post("/leads?on_duplicate=return", {**JOHN, "name": "Johnny", "source": "fair"}).expect(200)
    assert (again.json, again.headers["etag"]) == (before.json, before.headers["etag"])
    assert api.get(john).json == before.json


def test_on_duplicate_update_updates_the_existing_lead(service: Service, api: Api) -> None:
    location = api.post("/leads", JANE).headers["location"]
    before = api.get(location)
    service.clock.advance(timedelta(minutes=1))
    fields = {"name": "Jane Doe", "email": "JANE@example.com", "phone": None, "attributes": {"company": "Initech"}}
    updated = api.post("/leads?on_duplicate=update", fields).expect(200)
    assert updated.json == {**before.json, **fields, "updated_at": "2026-01-05T12:01:00.000000Z", "version": 2}
    assert api.get(location).json == updated.json
    assert updated.headers["etag"] != before.headers["etag"]


def test_an_update_without_changes_has_no_effect(api: Api, john: str) -> None:
    before = api.get(john)
    assert api.post("/leads?on_duplicate=update", JOHN).expect(200).json == before.json
    assert api.get(john).headers["etag"] == before.headers["etag"]


@pytest.mark.parametrize("policy", ["error", "return", "update"])
def test_a_lead_without_a_duplicate_is_created_under_every_policy(api: Api, policy: str) -> None:
    api.post(f"/leads?on_duplicate={policy}", JOHN).expect(201)


def test_a_refused_lead_is_not_stored(api: Api) -> None:
    api.post("/leads", {"name": "", "email": "x@example.com"}).expect_problem(422, "validation-failed")
    assert ids(api, "/leads") == []


# Public forms


def test_a_form_learns_only_that_the_lead_was_accepted(service: Service, api: Api) -> None:
    form = service.client("capture")
    new = form.post("/leads", JOHN).expect(202)
    known = form.post("/leads", {**JOHN, "name": "Johnny"}).expect(202)
    assert new.body == known.body
    assert {**new.headers, "x-request-id": ""} == {**known.headers, "x-request-id": ""}
    assert not {"location", "etag"} & new.headers.keys()
    (lead,) = api.get("/leads").json["items"]
    assert lead["name"] == "John Doe"
    assert lead["id"] not in new.body.decode()


def test_a_form_gets_the_same_field_errors_for_new_and_existing_leads(service: Service, john: str) -> None:
    form = service.client("capture")
    known = form.post("/leads", {**JOHN, "name": ""}).errors()
    assert form.post("/leads", {"name": "", "email": "new@example.com"}).errors() == known


@pytest.mark.parametrize("policy", ["return", "update"])
def test_a_form_cannot_read_or_change_existing_leads(service: Service, api: Api, john: str, policy: str) -> None:
    before = api.get(john).json
    form = service.client("capture")
    for fields in ({**JOHN, "name": "Mallory"}, {"name": "Mallory", "email": "new@example.com"}):
        problem = form.post(f"/leads?on_duplicate={policy}", fields).expect_problem(403, "forbidden")
        assert problem["role"] == "agent"
    assert api.get("/leads").json["items"] == [before]


# Listing leads


def test_leads_are_listed_the_newest_first(service: Service, api: Api) -> None:
    created = []
    for number in (1, 2, 3):
        created += create(api, number)
        service.clock.advance(timedelta(seconds=1))
    assert ids(api, "/leads") == created[::-1]
    assert ids(api, "/leads?sort=-created_at") == created[::-1]
    assert ids(api, "/leads?sort=created_at") == created


def test_leads_are_listed_as_they_are_shown_one_by_one(service: Service, api: Api) -> None:
    service.clock.advance(timedelta(microseconds=123456))
    odd = "\u00a0\u200f\ufeff\"\\/'<&李👩‍🚀"
    odd_lines = f"\t\n\x85\u2028\u202e{odd}"
    numbers = {"big": 2**63 - 1, "small": -(2**63), "tiny": 5e-324, "huge": 1e300, "whole": 1.0, "third": 1 / 3}
    others: list[dict[str, Any]] = [
        {"name": f"x{odd}x", "source": f"x{odd}x", "attributes": {odd: odd_lines, **numbers, "yes": True, "no": None}},
        {"name": "null", "phone": "+49 30 123456 ext. 7", "owner": "BÜRO@example.org", "attributes": {}},
    ]
    for number, members in enumerate(others):
        location = api.post("/leads", {"email": f"{number}@example.com", **members}).expect(201).headers["location"]
        api.patch(location, {"status": "contacted", "status_reason": "asked"}).expect(200)
        api.post(f"{location}/follow-up", {"due_at": "9999-12-31T23:59:59.999999Z"}).expect(202)
    listed = api.get("/leads").json["items"]
    shown = [api.get(f"/leads/{lead['id']}").json for lead in listed]
    assert json.dumps(listed) == json.dumps(shown)


def test_a_page_holds_fifty_leads_unless_the_client_says_otherwise(api: Api) -> None:
    create(api, *range(51))
    assert len(api.get("/leads").json["items"]) == 50
    assert len(api.get("/leads?limit=7").json["items"]) == 7
    assert len(api.get("/leads?limit=200").json["items"]) == 51


def test_the_last_page_leads_nowhere_even_if_it_is_full(api: Api) -> None:
    create(api, 1, 2, 3, 4)
    first = api.get("/leads?limit=2")
    last = api.get(f"/leads?limit=2&cursor={first.json['next_cursor']}")
    assert (len(last.json["items"]), last.json["next_cursor"]) == (2, None)
    assert "link" not in last.headers
    assert "link" in first.headers


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_walk_over_the_pages_meets_every_lead_once_in_order(
    service: Service, api: Api, sort: str, limit: int
) -> None:
    created = []
    for numbers in ([1, 2, 3], [4], [5, 6, 7]):  # some are created at the same time
        created += create(api, *numbers)
        service.clock.advance(timedelta(microseconds=1))
    expected = created if sort == "created_at" else created[::-1]
    assert all_ids(api, f"/leads?sort={sort}&limit={limit}") == expected


def test_pages_can_be_read_by_next_cursor(api: Api) -> None:
    created = create(api, 1, 2, 3)
    found, cursor = [], ""
    for _ in created:
        page = api.get(f"/leads?limit=1{cursor}").expect(200).json
        found += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert found == created[::-1]
    assert cursor == "&cursor=None"


def test_pages_are_stable_while_leads_are_created_and_changed(service: Service, api: Api) -> None:
    created = create(api, *range(6))
    pages = api.pages("/leads?limit=2")
    found = [item["id"] for item in next(pages)["items"]]
    service.clock.advance(timedelta(seconds=1))
    create(api, 7, 8)
    api.patch(f"/leads/{created[0]}", {"name": "Changed"}).expect(200)
    found += [item["id"] for page in pages for item in page["items"]]
    assert found == created[::-1]


def test_leads_can_be_filtered_by_several_statuses(api: Api) -> None:
    new, contacted, qualified = create(api, 1, 2, 3)
    for id in (contacted, qualified):
        api.patch(f"/leads/{id}", {"status": "contacted"}).expect(200)
    api.patch(f"/leads/{qualified}", {"status": "qualified"}).expect(200)
    assert ids(api, "/leads?status=contacted") == [contacted]
    assert ids(api, "/leads?sort=created_at&status=qualified&status=new") == [new, qualified]
    assert ids(api, "/leads?status=converted") == []


@pytest.mark.parametrize("spelling", ["john@example.com", "JOHN@Example.Com", "%20john@example.com"])
def test_a_lead_is_found_by_any_spelling_of_its_email(api: Api, john: str, spelling: str) -> None:
    create(api, 1)
    assert [f"/leads/{id}" for id in ids(api, f"/leads?email={spelling}")] == [john]


@pytest.mark.parametrize(
    ("stored", "query"),
    [
        ("info@bücher.example.org", "INFO@xn--bcher-kva.example.org"),
        ("ZOË@example.com", "zoe\u0308@example.com"),
        ("a+b@example.com", "a%2Bb@example.com"),
    ],
)
def test_a_lead_with_an_international_email_is_found_by_any_form(api: Api, stored: str, query: str) -> None:
    lead = api.post("/leads", {"name": "X", "email": stored}).expect(201).json
    assert lead["email"] == stored
    assert ids(api, f"/leads?email={quote(query, safe='@%')}") == [lead["id"]]


def test_no_lead_is_found_by_an_unknown_email(api: Api, john: str) -> None:
    assert ids(api, "/leads?email=jane@example.com") == []


def test_links_keep_the_filters_whatever_characters_they_have(start: Callable[..., Service]) -> None:
    odd = a_pipeline(**{"in Arbeit & mehr": ("100 % 李",), "100 % 李": ()})
    api = start(pipeline=odd).client("agent")
    created = create(api, 1, 2, 3, 4, 5)
    api.patch(f"/leads/{created[2]}", {"status": "100 % 李"}).expect(200)
    query = f"sort=created_at&limit=1&status={quote('in Arbeit & mehr')}"
    assert all_ids(api, f"/leads?{query}") == [created[0], created[1], created[3], created[4]]


# Reading one lead


@pytest.mark.parametrize("id", [UNKNOWN_ID, "john", "1", "{id}", UNKNOWN_ID.replace("-", ""), UNKNOWN_ID + "0"])
def test_an_unknown_lead_is_not_found(api: Api, john: str, id: str) -> None:
    for target in (f"/leads/{id}", f"/leads/{id}/timeline", f"/leads/{id}/follow-ups"):
        assert id[:20] in api.get(target).expect_problem(404, "not-found")["detail"]


def test_the_case_of_an_id_does_not_matter(api: Api, john: str) -> None:
    path = "/leads/" + john.removeprefix("/leads/").upper()
    assert api.get(path).expect(200).json == api.get(john).json


# Updating leads


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
def test_a_patch_changes_only_its_fields(service: Service, api: Api, media_type: str) -> None:
    location = api.post("/leads", JANE).headers["location"]
    before = api.get(location)
    service.clock.advance(timedelta(minutes=1))
    patch = {"name": "Jane Doe", "phone": None, "owner": "boss@example.com"}
    changed = api.patch(location, patch, content_type=media_type).expect(200)
    assert changed.json == {**before.json, **patch, "updated_at": "2026-01-05T12:01:00.000000Z", "version": 2}
    found = api.get(location)
    assert (found.json, found.headers["etag"]) == (changed.json, changed.headers["etag"])
    assert found.headers["etag"] != before.headers["etag"]


def test_a_patch_merges_attributes_and_null_removes_one(api: Api) -> None:
    location = api.post("/leads", {**JOHN, "attributes": {"company": "ACME", "size": 3}}).headers["location"]
    changed = api.patch(location, {"attributes": {"size": None, "vip": True, "gone": None}}).expect(200).json
    assert changed["attributes"] == {"company": "ACME", "vip": True}


def test_the_merged_attributes_are_validated_together(api: Api) -> None:
    many = {f"a{number}": number for number in range(50)}
    location = api.post("/leads", {**JOHN, "attributes": many}).expect(201).headers["location"]
    assert api.patch(location, {"attributes": {"one more": 1}}).errors().keys() == {"/attributes"}
    api.patch(location, {"attributes": {"one more": 1, "a0": None}}).expect(200)


@pytest.mark.parametrize(
    "patch",
    [{}, {"name": "John Doe"}, {"status": "new"}, {"attributes": {}}, {"attributes": {"x": None}}, {"phone": None}],
)
def test_a_patch_without_changes_does_not_change_the_version(service: Service, api: Api, john: str, patch: Any) -> None:
    before = api.get(john)
    service.clock.advance(timedelta(minutes=1))
    unchanged = api.patch(john, patch).expect(200)
    assert (unchanged.json, unchanged.headers["etag"]) == (before.json, before.headers["etag"])
    assert len(api.get(f"{john}/timeline").json["items"]) == 1


def test_the_email_of_another_lead_is_refused(api: Api, john: str) -> None:
    (other,) = create(api, 1)
    problem = api.patch(f"/leads/{other}", {"email": "JOHN@example.com", "name": "X"}).expect_problem(
        409, "duplicate-lead"
    )
    assert f"/leads/{problem['existing_lead_id']}" == john
    assert api.get(f"/leads/{other}").json["name"] == "Lead 1"


def test_the_former_email_of_a_lead_is_free(api: Api, john: str) -> None:
    api.patch(john, {"email": "doe@example.com"}).expect(200)
    api.post("/leads", JOHN).expect(201)
    api.patch(john, {"email": "DOE@example.com"}).expect(200)


def test_the_first_transition_to_an_open_status_is_the_first_contact(service: Service, api: Api, john: str) -> None:
    service.clock.advance(timedelta(hours=1))
    assert api.patch(john, {"status": "contacted"}).expect(200).json["contacted_at"] == "2026-01-05T13:00:00.000000Z"
    service.clock.advance(timedelta(hours=1))
    assert api.patch(john, {"status": "qualified"}).expect(200).json["contacted_at"] == "2026-01-05T13:00:00.000000Z"


def test_an_illegal_transition_names_the_allowed_statuses(api: Api, john: str) -> None:
    problem = api.patch(john, {"status": "converted"}).expect_problem(409, "illegal-transition")
    assert (problem["from"], problem["to"], problem["allowed"]) == ("new", "converted", ["contacted", "lost"])


def test_a_final_status_allows_no_transition(api: Api, john: str) -> None:
    for status in ("contacted", "converted"):
        api.patch(john, {"status": status}).expect(200)
    problem = api.patch(john, {"status": "lost", "status_reason": "too late"}).expect_problem(409, "illegal-transition")
    assert (problem["from"], problem["to"], problem["allowed"]) == ("converted", "lost", [])


def test_a_patch_is_atomic(api: Api, john: str) -> None:
    before = api.get(john).json
    api.patch(john, {"name": "Changed", "status": "converted"}).expect_problem(409, "illegal-transition")
    api.patch(john, {"name": "Changed", "status": "lost"}).expect_problem(422, "validation-failed")
    assert api.get(john).json == before
    assert len(api.get(f"{john}/timeline").json["items"]) == 1


@pytest.mark.parametrize("patch", [{"status": "lost"}, {"status": "lost", "status_reason": None}])
def test_the_status_lost_needs_a_reason(api: Api, john: str, patch: Any) -> None:
    assert api.patch(john, patch).errors().keys() == {"/status_reason"}


def test_a_transition_clears_the_reason_of_the_former_status(api: Api, john: str) -> None:
    lost = api.patch(john, {"status": "lost", "status_reason": "too expensive"}).expect(200).json
    assert (lost["status"], lost["status_reason"]) == ("lost", "too expensive")
    assert api.patch(john, {"status_reason": None}).errors().keys() == {"/status_reason"}
    reopened = api.patch(john, {"status": "contacted"}).expect(200).json
    assert (reopened["status"], reopened["status_reason"]) == ("contacted", None)


def test_changing_an_unknown_lead_is_not_found(api: Api) -> None:
    api.patch(f"/leads/{UNKNOWN_ID}", {"name": "X"}).expect_problem(404, "not-found")


# The timeline


def test_the_timeline_has_all_events_newest_first(service: Service) -> None:
    web, sales = service.client("capture", name="web form"), service.client("agent", name="sales desk")
    web.post("/leads", {**JOHN, "source": "website"}).expect(202)
    john = f"/leads/{ids(sales, '/leads')[0]}"
    follow_up = sales.post(f"{john}/follow-up", {"due_at": "2026-01-05T14:00:00+01:00"}).expect(202).json["id"]
    service.clock.advance(timedelta(hours=1))
    service.dispatch()
    sales.patch(john, {"status": "contacted", "name": "John B. Doe"}).expect(200)
    later = sales.post(f"{john}/follow-up", {"due_at": "2026-02-01T00:00:00Z"}).expect(202).json["id"]
    sales.patch(john, {"status": "lost", "status_reason": "no budget"}).expect(200)

    timeline = sales.get(f"{john}/timeline").expect(200).json["items"]
    assert all(UUID(entry.pop("id")).version == 7 for entry in timeline)
    about = {"channel": "log", "recipient": "lead"}
    one, other = {"follow_up_id": follow_up, **about}, {"follow_up_id": later, **about}
    created, sent = "2026-01-05T12:00:00.000000Z", "2026-01-05T13:00:00.000000Z"

    def entry(type: str, at: str, actor: str, data: object) -> dict[str, object]:
        return {"type": type, "at": at, "actor": actor, "data": data}

    assert timeline[::-1] == [
        entry("lead.created", created, "web form", {"status": "new", "source": "website"}),
        entry("follow_up.scheduled", created, "sales desk", {**one, "due_at": "2026-01-05T13:00:00.000000Z"}),
        entry("follow_up.sent", sent, "dispatcher", {**one, "attempt": 1}),
        entry("lead.status_changed", sent, "sales desk", {"from": "new", "to": "contacted", "reason": None}),
        entry("lead.updated", sent, "sales desk", {"changes": {"name": {"from": "John Doe", "to": "John B. Doe"}}}),
        entry("follow_up.scheduled", sent, "sales desk", {**other, "due_at": "2026-02-01T00:00:00.000000Z"}),
        entry("lead.status_changed", sent, "sales desk", {"from": "contacted", "to": "lost", "reason": "no budget"}),
        entry("follow_up.cancelled", sent, "sales desk", other),
    ]


def test_a_form_that_repeats_an_existing_lead_adds_an_enquiry(service: Service, api: Api, john: str) -> None:
    service.client("capture").post("/leads", {**JOHN, "name": "Mallory"}).expect(202)
    assert [entry["type"] for entry in api.get(f"{john}/timeline").json["items"]] == ["lead.enquired", "lead.created"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_of_the_timeline_have_each_entry_once(api: Api, john: str, limit: int) -> None:
    for name in ("A", "B", "C"):
        api.patch(john, {"name": name}).expect(200)
    create(api, 1)
    whole = ids(api, f"{john}/timeline")
    assert len(whole) == 4
    assert all_ids(api, f"{john}/timeline?limit={limit}") == whole
