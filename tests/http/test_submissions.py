"""Test the resource /submissions."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from leads_domain.submission import SubmissionState
from rest import JOHN, ON_BOTH_DATABASES, UNKNOWN_ID, Api, Response, Service

ADA = {"your-name": "Ada", "your-mail": "ada@example.com", "message": "Hello!"}


def listed(api: Api, query: str = "") -> list[Any]:
    """Return all submissions of a list, from all its pages."""
    return [item for page in api.pages(f"/submissions?limit=2{query}") for item in page["items"]]


def receive_many(service: Service) -> list[str]:
    """Receive two submissions in each state but `accepted`, a second apart, and return their paths."""
    paths = []
    for number, state in enumerate([each for each in SubmissionState if each is not SubmissionState.ACCEPTED] * 2):
        service.clock.advance(timedelta(seconds=1))
        origin = ("form:contact", "form:quote")[number % 2]
        paths.append(service.receive(origin, content={"number": str(number)}, state=state))
    return paths


@ON_BOTH_DATABASES
def test_a_submission_is_shown_as_it_came(service: Service, api: Api) -> None:
    content = {"your-name": " Ada ", "": "=1+1\r\n\0", "<b>": "祖冲之"}
    path = service.receive(content=content, remote_address="192.0.2.1")
    assert api.get(path).expect(200).json == {
        "id": path.rpartition("/")[2],
        "received_at": "2026-01-05T12:00:00.000000Z",
        "origin": "form:contact",
        "state": "received",
        "reason": None,
        "lead_id": None,
        "content": content,
        "remote_address": "192.0.2.1",
    }


@ON_BOTH_DATABASES
def test_submissions_are_listed_newest_first_by_state_and_origin(service: Service, api: Api) -> None:
    paths = receive_many(service)[::-1]
    submissions = listed(api)
    assert [f"/submissions/{each['id']}" for each in submissions] == paths
    for query, expected in (
        ("&state=spam", [each for each in submissions if each["state"] == "spam"]),
        ("&state=spam&state=test&state=spam", [each for each in submissions if each["state"] in ("spam", "test")]),
        ("&origin=form:quote", [each for each in submissions if each["origin"] == "form:quote"]),
        ("&state=accepted", []),
        ("&origin=form%3Aother", []),
    ):
        assert listed(api, query) == expected
        assert api.get(f"/submissions?count=true{query}").json["total"] == len(expected)


@pytest.mark.parametrize(
    "query", ["state=", "state=new", "origin=a%00b", "limit=0", "limit=201", "cursor=x", "lead_id=1"]
)
def test_invalid_filters_are_refused(api: Api, query: str) -> None:
    api.get(f"/submissions?{query}").expect_problem(400, "malformed-request")


def test_a_cursor_belongs_to_its_filters(service: Service, api: Api) -> None:
    receive_many(service)
    cursor = api.get("/submissions?limit=1").json["next_cursor"]
    api.get(f"/submissions?limit=1&cursor={cursor}").expect(200)
    api.get(f"/submissions?limit=1&state=spam&cursor={cursor}").expect_problem(400, "malformed-request")


@pytest.mark.parametrize("id", [UNKNOWN_ID, "1", "x" * 300, "%00"])
def test_an_unknown_submission_is_not_found(api: Api, id: str) -> None:
    api.get(f"/submissions/{id}").expect_problem(404, "not-found")
    api.post(f"/submissions/{id}/discard").expect_problem(404, "not-found")


def test_a_discarded_submission_stays_in_the_list(service: Service, api: Api) -> None:
    path = service.receive(state=SubmissionState.NEEDS_REVIEW, reason="Why.")
    discarded = api.post(f"{path}/discard").expect(200).json
    assert (discarded["state"], discarded["reason"]) == ("discarded", "Why.")
    assert api.post(f"{path}/discard").expect(200).json == discarded
    assert listed(api) == [discarded]


def test_submissions_that_need_a_review_are_reported_to_prometheus(service: Service, api: Api) -> None:
    receive_many(service)
    assert b"leads_submissions_needs_review 2.0\n" in api.get("/metrics").expect(200).body


@ON_BOTH_DATABASES
def test_an_accepted_submission_is_an_enquiry(service: Service, api: Api) -> None:
    path = service.receive(state=SubmissionState.SPAM, reason="Why.", content={**ADA, "company": "ACME"})
    result = api.post(f"{path}/accept").expect(200).json
    assert result.keys() == {"outcome", "lead", "enquiry"}
    assert (result["outcome"], result["lead"]["name"]) == ("lead_created", "Ada")
    lead = f"/leads/{result['lead']['id']}"
    assert api.get(lead).json == result["lead"]
    assert result["enquiry"] in api.get(f"{lead}/timeline").json["items"]
    submission = api.get(path).json
    assert (submission["state"], submission["reason"], submission["lead_id"]) == (
        "accepted",
        None,
        result["lead"]["id"],
    )
    for action in ("accept", "discard"):
        problem = api.post(f"{path}/{action}").expect_problem(409, "illegal-submission-state")
        assert problem["state"] == "accepted"


def test_fields_of_the_body_replace_those_of_the_submission(service: Service, api: Api) -> None:
    content = {"your-name": "Ada", "your-mail": "ada@exmaple", "company": "ACME"}
    path = service.receive(content=content)
    assert api.post(f"{path}/accept").errors().keys() == {""}
    assert api.post(f"{path}/accept", {"email": "ada@", "name": "x" * 300}).errors().keys() == {"/email", "/name"}
    assert api.post(f"{path}/accept", {"message": 5, "colour": "red"}).errors().keys() == {"/message", "/colour"}
    result = api.post(f"{path}/accept", {"email": "ada@example.com", "attributes": {"size": 3}}).expect(200).json
    assert result["lead"]["email"] == "ada@example.com"
    assert result["lead"]["attributes"] == {"company": "ACME", "size": 3}


def test_a_discarded_submission_can_be_accepted(service: Service, api: Api) -> None:
    path = service.receive(content=ADA)
    api.post(f"{path}/discard").expect(200)
    api.post(f"{path}/accept").expect(200)
    api.post(f"/submissions/{UNKNOWN_ID}/accept").expect_problem(404, "not-found")


@ON_BOTH_DATABASES
def test_a_submission_that_is_accepted_by_many_at_once_is_one_enquiry(service: Service, api: Api) -> None:
    path = service.receive(content=ADA)

    async def accept_at_once() -> list[Response]:
        return await asyncio.gather(*(api.send("POST", f"{path}/accept") for _ in range(8)))

    statuses = sorted(response.status for response in service.run(accept_at_once()))
    assert statuses == [200] + [409] * 7
    assert api.get("/statistics").json["enquiries"] == 1


@ON_BOTH_DATABASES
def test_erasing_the_lead_erases_its_submissions_and_the_export_has_them(service: Service, api: Api) -> None:
    path, admin = service.receive(content=ADA), service.client("admin")
    lead = api.post(f"{path}/accept").json["lead"]["id"]
    assert admin.get(f"/leads/{lead}/export").json["submissions"] == [api.get(path).json]
    admin.request("DELETE", f"/leads/{lead}").expect(204)
    api.get(path).expect_problem(404, "not-found")


def test_a_submission_of_a_form_that_was_removed_is_processed_and_accepted(service: Service, api: Api) -> None:
    path = service.receive("form:removed", content=ADA)
    assert listed(api, "&origin=form:removed") == [api.get(path).json]
    api.post(f"{path}/accept").expect(200)


@ON_BOTH_DATABASES
def test_acceptance_erasure_and_merge_at_once_leave_no_submission_without_a_lead(service: Service, api: Api) -> None:
    admin = service.client("admin")
    target = api.post("/leads", JOHN).json["id"]
    for round in range(3):
        lead = api.post("/leads", {"name": "Ada", "email": "ada@example.com"}).json["id"]
        paths = [service.receive(content={**ADA, "number": f"{round} {number}"}) for number in range(6)]
        merge = ("POST", f"/leads/{target}/merge", {"duplicate_id": lead})
        disturbance = ("DELETE", f"/leads/{lead}", None) if round % 2 else merge
        requests: list[tuple[str, str, Any]] = [("POST", f"{path}/accept", None) for path in paths]
        requests.insert(3, disturbance)

        async def send_at_once(requests: list[tuple[str, str, Any]] = requests) -> list[Response]:
            return await asyncio.gather(*(admin.send(method, path, body) for method, path, body in requests))

        responses = service.run(send_at_once())
        assert {response.status for response in responses} <= {200, 204}, responses
        for path in paths:
            response = api.get(path)
            if response.status == 200:
                api.get(f"/leads/{response.json['lead_id']}").expect(200)
            else:
                response.expect_problem(404, "not-found")
