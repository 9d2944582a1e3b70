"""Conditional requests (RFC 9110, section 13): what a client knows of a lead's version decides what is done."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from rest import JOHN, UNKNOWN_ID, Api, Response, Service

VERSION_1 = ['"1"', '"7", "1"', ',"x" ,, "1",', '"a,b","1"', "*"]
WEAKLY_VERSION_1 = ['W/"1"', '"2", W/"1"']
OTHERS = ['"2"', '"01"', '"10"', '""', '"-1"', '"' + "9" * 30 + '"', '"\xff"', 'W/"2"', '"W/1"']
BY_RECIPIENTS_ONLY = {',"x" ,, "1",', '"\xff"'}
"""What recipients accept and senders avoid (RFC 9110, sections 5.6.1 and 8.8.3): the document leaves it out."""

NONSENSE = [
    "1",
    '"1',
    '1"',
    "**",
    '*, "1"',
    'w/"1"',
    'W/ "1"',
    '"1" "2"',
    '"1""2"',
    '"a b"',
    ",",
    "é",
    '"1",' * 3 + "x",
]

CLIENTS = 25


def conditions(name: str, *values: str) -> list[dict[str, str]]:
    return [{name: value} for value in values]


# Reading


def test_whoever_has_the_lead_already_is_sent_nothing_but_its_validator(api: Api, john: str) -> None:
    for known in VERSION_1 + WEAKLY_VERSION_1:
        for method in ("GET", "HEAD"):
            answer = api.request(method, john, headers={"if-none-match": known}).expect(304)
            assert (answer.body, answer.headers["etag"]) == (b"", '"1"')
            assert not {"content-type", "content-length"} & answer.headers.keys()


def test_whoever_has_another_version_is_sent_the_lead(api: Api, john: str) -> None:
    lead = api.get(john).body
    for known in OTHERS:
        assert api.get(john, if_none_match=known).expect(200).body == lead


def test_what_was_read_is_no_longer_current_after_a_change(api: Api, john: str) -> None:
    known = api.get(john).headers["etag"]
    api.patch(john, {"name": "Jane Doe"}).expect(200)
    assert api.get(john, if_none_match=known).expect(200).json["name"] == "Jane Doe"


def test_a_lead_is_read_only_at_the_version_that_is_wanted(api: Api, john: str) -> None:
    api.get(john, if_match='"1"').expect(200)
    api.get(john, if_match='"1"', if_none_match='"1"').expect(304)
    answer = api.get(john, if_match='"2"', if_none_match='"1"')
    answer.expect_problem(412, "precondition-failed")
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_the_document_has_the_pattern_of_a_condition(service: Service, name: str) -> None:
    pattern = service.parameter("patch", "/leads/{id}", name)["schema"]["pattern"]
    accepted = {*VERSION_1, *WEAKLY_VERSION_1, *OTHERS}
    assert {value for value in accepted if not re.search(pattern, value)} == BY_RECIPIENTS_ONLY
    assert not any(re.search(pattern, value) for value in NONSENSE)


# Changing


def test_a_lead_is_changed_if_it_is_what_the_client_means(api: Api) -> None:
    for number, condition in enumerate(conditions("if_match", *VERSION_1) + conditions("if_none_match", *OTHERS)):
        lead = api.post("/leads", {**JOHN, "email": f"{number}@example.com"}).headers["location"]
        assert api.patch(lead, {"name": "Jane Doe"}, **condition).expect(200).headers["etag"] == '"2"'


def test_a_lead_is_not_changed_if_it_is_not(api: Api, john: str) -> None:
    before = api.get(john).body
    for condition in (
        *conditions("if_match", *OTHERS, *WEAKLY_VERSION_1),
        *conditions("if_none_match", *VERSION_1, *WEAKLY_VERSION_1),
        {"if_match": '"1"', "if_none_match": '"1"'},
        {"if_match": '"2"', "if_none_match": '"2"'},
    ):
        for patch in ({"name": "Jane Doe"}, {"status": "converted"}, {"name": JOHN["name"]}):
            answer = api.patch(john, patch, **condition)
            assert "version 1" in answer.expect_problem(412, "precondition-failed")["detail"]
            assert answer.headers["etag"] == '"1"'
    assert api.get(john).body == before
    assert len(api.get(f"{john}/timeline").json["items"]) == 1


def test_a_condition_that_cannot_be_understood_is_refused(api: Api, john: str) -> None:
    for value in NONSENSE:
        for name in ("If-Match", "If-None-Match"):
            for answer in (api.get(john, **{name: value}), api.patch(john, {"name": "Jane Doe"}, **{name: value})):
                assert name in answer.expect_problem(400, "malformed-request")["detail"]
    assert api.get(john).json["version"] == 1


def test_a_condition_on_what_is_not_there_is_of_no_account(api: Api) -> None:
    for condition in ("*", '"1"'):
        api.patch(f"/leads/{UNKNOWN_ID}", {"name": "Jane Doe"}, if_match=condition).expect_problem(404, "not-found")
        api.get(f"/leads/{UNKNOWN_ID}", if_none_match=condition).expect_problem(404, "not-found")


# Many at once


def at_once(api: Api, work: Callable[[int], Awaitable[None]]) -> None:
    """Have all clients work at the same time."""

    async def all_of_them() -> None:
        await asyncio.gather(*map(work, range(CLIENTS)))

    api.runner.run(all_of_them())


def test_patches_of_different_members_at_the_same_time_are_all_kept(api: Api, john: str) -> None:
    async def patch(number: int) -> None:
        for member in (f"a{number}", f"b{number}"):
            (await api.send("PATCH", john, {"attributes": {member: number}})).expect(200)

    at_once(api, patch)
    lead = api.get(john).json
    assert lead["attributes"] == {f"{letter}{number}": number for letter in "ab" for number in range(CLIENTS)}
    assert lead["version"] == 1 + 2 * CLIENTS
    assert len(api.get(f"{john}/timeline?limit=200").json["items"]) == 1 + 2 * CLIENTS


def test_a_counter_that_is_read_and_written_with_a_condition_counts_everybody(api: Api, john: str) -> None:
    refused: list[Response] = []

    async def count(_: int) -> None:
        while True:
            lead = await api.send("GET", john)
            counted = {"attributes": {"count": lead.json["attributes"].get("count", 0) + 1}}
            answer = await api.send("PATCH", john, counted, headers={"If-Match": lead.headers["etag"]})
            if answer.status == 200:
                return
            answer.expect_problem(412, "precondition-failed")
            refused.append(answer)

    at_once(api, count)
    lead = api.get(john).json
    assert (lead["attributes"], lead["version"]) == ({"count": CLIENTS}, 1 + CLIENTS)
    assert refused, "two had read the same version"
