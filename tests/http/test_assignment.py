"""Test that leads without an owner get one, over HTTP."""

from collections.abc import Callable

import pytest

from builders import a_rule
from leads_app.assignment_settings import AssignmentSettings
from leads_domain.follow_up import Recipient
from rest import JOHN, Api, Service

MIA, NOAH, OMA = (f"{name}@example.com" for name in ("mia", "noah", "oma"))


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """Start a service with two colleagues and an owner of one source."""
    rules = [a_rule("new", "Call {name}.", recipient=Recipient.OWNER)]
    assignment = AssignmentSettings((MIA, NOAH), {"fair": OMA})
    return start(assignment=assignment, follow_up_rules=rules)


def test_new_leads_get_an_owner_on_every_way_in(service: Service) -> None:
    admin = service.client("admin")
    assert admin.post("/leads", JOHN).expect(201).json["owner"] == MIA
    enquiry = admin.post("/enquiries", {"email": "jane@example.com", "owner": None}).expect(201)
    assert enquiry.json["lead"]["owner"] == NOAH
    service.client("capture").post("/leads", {**JOHN, "email": "jack@example.com"}).expect(202)
    file = b"name,email,owner,source\nA,a@example.com,,\nB,b@example.com,own@example.com,\nC,c@example.com,,fair\n"
    admin.post("/leads/import", file, content_type="text/csv").expect(200)

    found = {lead["email"].partition("@")[0]: lead["owner"] for lead in admin.get("/leads").json["items"]}
    expected = {"john": MIA, "jane": NOAH, "jack": MIA, "a": NOAH, "b": "own@example.com", "c": OMA}
    assert found == expected


def test_the_follow_up_of_a_rule_goes_to_the_assigned_owner(service: Service, api: Api) -> None:
    path = api.post("/leads", JOHN).expect(201).headers["location"]
    (follow_up,) = api.get(f"{path}/follow-ups").json["items"]
    assert follow_up["recipient"] == "owner"
    assert (api.get(path).json["owner"], api.get(path).json["version"]) == (MIA, 1)


def test_duplicates_and_changes_assign_nothing(api: Api) -> None:
    path = api.post("/leads", JOHN).expect(201).headers["location"]
    api.patch(path, {"owner": None}).expect(200)
    api.post("/leads", JOHN).expect(409)
    assert api.post("/leads?on_duplicate=update", {**JOHN, "name": "Jon"}).expect(200).json["owner"] is None
    assert api.post("/leads", {**JOHN, "email": "jane@example.com"}).expect(201).json["owner"] == NOAH
