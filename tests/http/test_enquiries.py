"""Test the resource /enquiries, and the enquiries that public forms cause."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from builders import an_enquiry_rule
from leads_app.assignment_settings import AssignmentSettings
from leads_app.form_settings import parse_forms
from leads_domain.follow_up import Recipient
from rest import JOHN, ON_BOTH_DATABASES, Api, Service

PHONE = "+4930123456"
ADA = {
    "name": "Ada Muster",
    "email": "ada@example.com",
    "phone": "+49 30 123456",
    "message": " Do you deliver on Saturdays?\n",
    "source": "website",
    "attributes": {"utm_campaign": "spring"},
}


def timeline(api: Api, lead: str) -> list[dict[str, Any]]:
    """Return the timeline of the lead with this id, oldest first."""
    entries: list[dict[str, Any]] = api.get(f"/leads/{lead}/timeline?limit=200").expect(200).json["items"]
    return entries[::-1]


def types(api: Api, lead: str) -> list[str]:
    return [entry["type"] for entry in timeline(api, lead)]


def post_form(visitor: Api, **fields: str) -> None:
    """Post the form `contact` as a browser does."""
    body = urlencode(fields).encode()
    visitor.post("/forms/contact", body, content_type="application/x-www-form-urlencoded").expect(200)


def all_leads(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/leads").expect(200).json["items"]
    return found


@ON_BOTH_DATABASES
def test_an_enquiry_of_a_new_person_creates_a_lead(service: Service, api: Api) -> None:
    response = api.post("/enquiries", ADA).expect(201)
    result = response.json
    assert result.keys() == {"outcome", "lead", "enquiry"}
    assert result["outcome"] == "lead_created"
    assert response.headers["location"] == f"/leads/{result['lead']['id']}"
    assert result["lead"] == api.get(response.headers["location"]).expect(200).json
    created, enquiry = timeline(api, result["lead"]["id"])
    assert created["type"] == "lead.created"
    assert enquiry == result["enquiry"]
    assert (enquiry["type"], enquiry["actor"]) == ("lead.enquired", created["actor"])
    assert enquiry["data"] == {
        "message": "Do you deliver on Saturdays?",
        "source": "website",
        "attributes": {"utm_campaign": "spring"},
        "differs": {},
    }


@ON_BOTH_DATABASES
def test_an_enquiry_of_a_known_person_is_added_to_the_lead(service: Service, api: Api) -> None:
    lead = api.post("/leads", JOHN).expect(201).json
    service.clock.advance(timedelta(hours=1))
    response = api.post("/enquiries", {"email": "JOHN@example.com", "name": "Johnny", "phone": PHONE}).expect(200)

    assert "location" not in response.headers
    assert response.json["outcome"] == "enquiry_added"
    assert response.json["lead"] == {
        **lead,
        "phone": PHONE,
        "updated_at": "2026-01-05T13:00:00.000000Z",
        "version": 2,
    }
    assert response.json["enquiry"]["data"]["differs"] == {"name": "Johnny"}
    assert types(api, lead["id"]) == ["lead.created", "lead.enquired", "lead.updated"]


@pytest.mark.parametrize(
    "body", [{}, {"message": "Hello"}, {"email": "", "phone": None}, {"email": "n/a", "phone": "-"}]
)
def test_an_enquiry_needs_an_email_address_or_a_phone_number(api: Api, body: dict[str, Any]) -> None:
    for client_body in (body, {**body, "name": ""}):
        assert api.post("/enquiries", client_body).errors() == {"": "Give an e-mail address or a phone number."}


def test_all_errors_of_an_enquiry_are_listed_and_nothing_is_stored(api: Api) -> None:
    body = {"email": "x", "phone": "12", "message": "m" * 10_001, "name": 5, "status": "new", "attributes": {"": 1}}
    assert api.post("/enquiries", body).errors().keys() == {
        "/email",
        "/phone",
        "/message",
        "/name",
        "/status",
        "/attributes/",
    }
    assert all_leads(api) == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"email": "Ada@example.com", "phone": PHONE}, "Ada@example.com"),
        ({"phone": "+49 30 123456", "name": " "}, PHONE),
        ({"phone": PHONE, "name": None, "message": "", "source": " ", "owner": "", "attributes": {}}, PHONE),
    ],
)
def test_the_name_defaults_to_the_email_address_or_the_phone_number(api: Api, body: dict[str, Any], name: str) -> None:
    assert api.post("/enquiries", body).expect(201).json["lead"]["name"] == name


def test_a_message_of_10000_characters_is_stored(api: Api) -> None:
    message = "é" * 10_000
    enquiry = api.post("/enquiries", {**ADA, "message": message}).expect(201).json["enquiry"]
    assert enquiry["data"]["message"] == message


def test_an_agent_can_give_an_owner_and_an_existing_owner_stays(api: Api) -> None:
    owned = {**ADA, "owner": "mia@example.com"}
    assert api.post("/enquiries", ADA).expect(201).json["lead"]["owner"] is None
    assert api.post("/enquiries", owned).expect(200).json["lead"]["owner"] == "mia@example.com"
    again = api.post("/enquiries", {**ADA, "owner": "noah@example.com"}).expect(200).json
    assert again["lead"]["owner"] == "mia@example.com"
    assert again["enquiry"]["data"]["differs"] == {"owner": "noah@example.com"}


def test_the_identity_of_a_merged_lead_leads_to_its_target(api: Api) -> None:
    john = api.post("/leads", JOHN).json["id"]
    ada = api.post("/enquiries", ADA).json["lead"]["id"]
    api.post(f"/leads/{john}/merge", {"duplicate_id": ada}).expect(200)
    result = api.post("/enquiries", {"email": "Ada@Example.com", "message": "Again"}).expect(200).json
    assert result["lead"]["id"] == john
    assert result["enquiry"]["data"]["differs"] == {"email": "Ada@Example.com"}


def test_an_enquiry_runs_once_for_an_idempotency_key(api: Api) -> None:
    first = api.post("/enquiries", ADA, idempotency_key="1").expect(201)
    again = api.post("/enquiries", ADA, idempotency_key="1").expect(201)
    assert again.body == first.body
    assert types(api, first.json["lead"]["id"]) == ["lead.created", "lead.enquired"]


# Public forms


@pytest.mark.parametrize("path", ["/leads", "/enquiries"])
def test_a_form_learns_nothing_and_its_duplicate_is_an_enquiry(service: Service, api: Api, path: str) -> None:
    form = service.client("capture", name="website")
    body = {field: value for field, value in ADA.items() if path == "/enquiries" or field != "message"}
    new = form.post(path, body).expect(202)
    known = form.post(path, {**body, "phone": "+49 30 999999"}).expect(202)
    assert new.json == {"accepted": True}
    assert (new.body, {**new.headers, "x-request-id": ""}) == (known.body, {**known.headers, "x-request-id": ""})

    (lead,) = all_leads(api)
    assert lead["phone"] == PHONE
    enquiry = timeline(api, lead["id"])[-1]
    assert (enquiry["type"], enquiry["actor"]) == ("lead.enquired", "website")
    assert enquiry["data"]["differs"] == {"phone": "+4930999999"}


@pytest.mark.parametrize("path", ["/leads", "/enquiries"])
@pytest.mark.parametrize("owner", ["victim@example.com", "no address"])
def test_a_form_cannot_set_the_owner(start: Callable[..., Service], path: str, owner: str) -> None:
    service = start(follow_up_rules=[an_enquiry_rule(recipient=Recipient.OWNER)])
    form, api = service.client("capture"), service.client()
    body = {"name": "Ada", "email": "ada@example.com", "owner": owner}
    form.post(path, body).expect(202)
    form.post(path, body).expect(202)
    (lead,) = all_leads(api)
    assert lead["owner"] is None
    assert timeline(api, lead["id"])[-2]["data"].get("differs", {}) == {}


def test_only_a_new_lead_of_a_form_takes_a_turn_of_the_assignment(start: Callable[..., Service]) -> None:
    mia, noah = "mia@example.com", "noah@example.com"
    rules = [an_enquiry_rule("{owner}, {name} has written.", recipient=Recipient.OWNER)]
    service = start(assignment=AssignmentSettings((mia, noah)), follow_up_rules=rules)
    form, api = service.client("capture"), service.client()
    for name in ("ada", "ada", "bob"):
        form.post("/enquiries", {"name": name, "email": f"{name}@example.com"}).expect(202)
    assert {lead["name"]: lead["owner"] for lead in all_leads(api)} == {"ada": mia, "bob": noah}
    messages = [follow_up["message"] for follow_up in api.get("/follow-ups").json["items"]]
    assert messages == [f"{mia}, ada has written."] * 2 + [f"{noah}, bob has written."]


@ON_BOTH_DATABASES
def test_a_form_adds_the_phone_number_to_a_lead_only_if_it_has_none(service: Service, api: Api) -> None:
    form = service.client("capture")
    for phone in (None, PHONE, "+4930999999"):
        form.post("/leads", {**JOHN, "phone": phone}).expect(202)
    (lead,) = all_leads(api)
    assert (lead["phone"], lead["version"]) == (PHONE, 2)
    assert types(api, lead["id"]) == ["lead.created", "lead.enquired", "lead.updated", "lead.enquired"]


# The whole journey


@ON_BOTH_DATABASES
def test_nobody_who_enquires_is_lost(start: Callable[..., Service], store: str) -> None:
    rule = an_enquiry_rule(recipient=Recipient.OWNER)
    owned = {"owner": "mia@example.com"}
    service = start(follow_up_rules=[rule], forms=parse_forms({"contact": {"source": "website", **owned}}))
    api, visitor = service.client("agent", name="sales desk"), service.anonymous()

    post_form(visitor, name="Ada Muster", email="ada@example.com", phone=PHONE, message="Do you deliver on Saturdays?")
    [ada] = (lead["id"] for lead in all_leads(api))
    service.clock.advance(timedelta(minutes=10))
    post_form(visitor, email="ADA@example.com", phone="+49 30 999999", message="Me again")
    [again] = (entry for entry in timeline(api, ada) if entry["data"].get("message") == "Me again")
    assert again["data"]["differs"] == {"phone": "+4930999999"}

    caller = api.post("/enquiries", {"phone": "+49 30 777777", "message": "Called", **owned}).expect(201).json["lead"]
    assert (caller["name"], caller["email"]) == ("+4930777777", None)
    known = {"name": "Carl", "email": "carl@example.com", "phone": "+49 30 777777"}
    carl = api.patch(f"/leads/{caller['id']}", {"name": "Carl", "email": "carl@example.com"}).expect(200).json
    assert api.post("/enquiries", known).expect(200).json["lead"]["id"] == carl["id"] == caller["id"]
    api.patch(f"/leads/{ada}", {"email": "carl@example.com"}).expect_problem(409, "duplicate-lead")

    duplicate = (
        api.post("/enquiries", {"phone": "+49 30 123456", "message": "On the phone"}).expect(201).json["lead"]["id"]
    )
    [similar] = api.get(f"/leads/{ada}/similar").expect(200).json["items"]
    assert (similar["lead"]["id"], similar["reasons"]) == (duplicate, ["phone"])
    for each in (duplicate, carl["id"]):
        api.post(f"/leads/{ada}/merge", {"duplicate_id": each}).expect(200)
    for contact in ({"email": "Carl@example.com"}, {"phone": "+49 30 123456"}):
        assert api.post("/enquiries", contact).expect(200).json["lead"]["id"] == ada

    service.clock.advance(timedelta(hours=2))
    service.dispatch()
    assert [(notice.email, notice.message) for notice in service.channels["log"].notices] == [
        ("mia@example.com", "Ada Muster has written: Do you deliver on Saturdays?"),
        ("mia@example.com", "Ada Muster has written: Me again"),
        ("mia@example.com", "+4930777777 has written: Called"),
        ("mia@example.com", "Carl has written:"),
        ("mia@example.com", "+4930123456 has written: On the phone"),
        *[("mia@example.com", "Ada Muster has written:")] * 2,
    ]
    assert types(api, ada) == [
        *("lead.created", "lead.enquired", "follow_up.scheduled"),
        *("lead.enquired", "follow_up.scheduled"),
        *("lead.created", "lead.enquired", "follow_up.scheduled"),
        *("lead.updated", "lead.enquired", "follow_up.scheduled"),
        *("lead.created", "lead.enquired", "follow_up.scheduled"),
        *["lead.merged"] * 2,
        *["lead.enquired", "follow_up.scheduled"] * 2,
        *["follow_up.sent"] * 7,
    ]
    events = [event["type"] for page in api.pages("/events") for event in page["items"]]
    assert sorted(events) == sorted(types(api, ada))
    statistics = api.get("/statistics").expect(200).json
    assert (statistics["total"], statistics["enquiries"]) == (1, 7)
    assert statistics["by_source"] == [{"source": "website", "leads": 1, "conversions": 0, "enquiries": 7}]
