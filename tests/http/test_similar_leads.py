"""Test the lists of possible duplicates, and leads that are different people."""

import pytest

from rest import UNKNOWN_ID, Api, Service

JON = {"name": "JÓHN DOE", "email": "jo.hn+fair@example.com"}


@pytest.fixture
def jon(api: Api, john: str) -> str:
    """Create a possible duplicate of John and return its path."""
    return api.post("/leads", JON).expect(201).headers["location"]


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_possible_duplicates_are_listed_with_their_reasons(api: Api, john: str, jon: str) -> None:
    api.post("/leads", {"name": "Jane Roe", "email": "jane@example.com"}).expect(201)
    expected = [{"lead": api.get(jon).json, "reasons": ["name", "email"]}]
    assert api.get(f"{john}/similar").expect(200).json == {"items": expected, "next_cursor": None}

    for path in (john, jon):
        api.patch(path, {"phone": "+49 30 123456"}).expect(200)
    (found,) = api.get(f"{john}/similar").json["items"]
    assert found["reasons"] == ["phone", "name", "email"]


def test_a_lead_without_an_email_address_is_similar_by_its_phone_number(api: Api, john: str) -> None:
    api.patch(john, {"phone": "+49 30 123456"}).expect(200)
    caller = api.post("/leads", {"name": "Caller", "phone": "+49 30 123456"}).expect(201).json
    assert api.get(f"{john}/similar").json["items"] == [{"lead": caller, "reasons": ["phone"]}]
    (found,) = api.get(f"/leads/{caller['id']}/similar").json["items"]
    assert found == {"lead": api.get(john).json, "reasons": ["phone"]}


def test_a_lead_without_duplicates_has_an_empty_list(api: Api, john: str) -> None:
    assert api.get(f"{john}/similar").expect(200).json == {"items": [], "next_cursor": None}


def test_a_duplicate_can_be_merged(api: Api, john: str, jon: str) -> None:
    (found,) = api.get(f"{john}/similar").json["items"]
    api.post(f"{john}/merge", {"duplicate_id": found["lead"]["id"]}).expect(200)
    assert api.get(f"{john}/similar").json["items"] == []


def test_distinct_leads_are_not_listed_again(api: Api, john: str, jon: str) -> None:
    before = api.get(f"{john}/timeline").json
    response = api.post(f"{john}/distinct", {"lead_id": id_of(jon).upper()}).expect(200)
    assert (response.json, response.headers["etag"]) == (api.get(john).json, '"1"')
    api.post(f"{jon}/distinct", {"lead_id": id_of(john)}).expect(200)
    for path in (john, jon):
        assert api.get(f"{path}/similar").json["items"] == []
    assert api.get(f"{john}/timeline").json == before


def test_the_other_lead_is_validated(api: Api, john: str, jon: str) -> None:
    for other, message in (
        (id_of(john), "distinct from itself"),
        (UNKNOWN_ID, f"No lead has the id {UNKNOWN_ID}"),
        ("jon", "is not an id"),
        ("\0", "is not an id"),
        (5, "Expected a string"),
        (None, "Expected a string"),
    ):
        errors = api.post(f"{john}/distinct", {"lead_id": other}).errors()
        assert [*errors] == ["/lead_id"]
        assert message in errors["/lead_id"]
    assert [*api.post(f"{john}/distinct", {}).errors()] == ["/lead_id"]
    assert [*api.post(f"{john}/distinct", {"lead_id": id_of(jon), "why": "x"}).errors()] == ["/why"]
    api.post(f"{john}/distinct").expect_problem(400, "malformed-request")


def test_unknown_leads_and_parameters_are_refused(api: Api, john: str) -> None:
    api.get(f"/leads/{UNKNOWN_ID}/similar").expect_problem(404, "not-found")
    api.get("/leads/john/similar").expect_problem(404, "not-found")
    api.post(f"/leads/{UNKNOWN_ID}/distinct", {"lead_id": id_of(john)}).expect_problem(404, "not-found")
    api.get(f"{john}/similar?limit=5").expect_problem(400, "malformed-request")


def test_reading_keys_cannot_mark_leads(service: Service, john: str, jon: str) -> None:
    reader = service.client("read")
    reader.get(f"{john}/similar").expect(200)
    reader.post(f"{john}/distinct", {"lead_id": id_of(jon)}).expect_problem(403, "forbidden")
    service.client("capture").get(f"{john}/similar").expect_problem(403, "forbidden")
