"""Test conditional requests on the version of a lead (RFC 9110, section 13)."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from rest import JOHN, UNKNOWN_ID, Api, Response, Service

VERSION_1 = ['"1"', '"7", "1"', ',"x" ,, "1",', '"a,b","1"', "*"]
WEAKLY_VERSION_1 = ['W/"1"', '"2", W/"1"']
OTHER_VERSIONS = ['"2"', '"01"', '"10"', '""', '"-1"', '"' + "9" * 30 + '"', '"\xff"', 'W/"2"', '"W/1"']
BY_RECIPIENTS_ONLY = {',"x" ,, "1",', '"\xff"'}
"""Values that servers must accept and clients must not send (RFC 9110, 5.6.1 and 8.8.3). The document omits them."""

MALFORMED = [
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


def test_if_none_match_with_the_current_version_gets_304_without_a_body(api: Api, john: str) -> None:
    for known in VERSION_1 + WEAKLY_VERSION_1:
        for method in ("GET", "HEAD"):
            response = api.request(method, john, headers={"if-none-match": known}).expect(304)
            assert (response.body, response.headers["etag"]) == (b"", '"1"')
            assert not {"content-type", "content-length"} & response.headers.keys()


def test_if_none_match_with_another_version_gets_the_lead(api: Api, john: str) -> None:
    lead = api.get(john).body
    for known in OTHER_VERSIONS:
        assert api.get(john, if_none_match=known).expect(200).body == lead


def test_a_change_invalidates_the_etag(api: Api, john: str) -> None:
    known = api.get(john).headers["etag"]
    api.patch(john, {"name": "Jane Doe"}).expect(200)
    assert api.get(john, if_none_match=known).expect(200).json["name"] == "Jane Doe"


def test_reading_honours_if_match_before_if_none_match(api: Api, john: str) -> None:
    api.get(john, if_match='"1"').expect(200)
    api.get(john, if_match='"1"', if_none_match='"1"').expect(304)
    response = api.get(john, if_match='"2"', if_none_match='"1"')
    response.expect_problem(412, "precondition-failed")
    assert response.headers["etag"] == '"1"'


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_the_document_has_the_pattern_of_a_condition(service: Service, name: str) -> None:
    pattern = service.parameter("patch", "/leads/{id}", name)["schema"]["pattern"]
    accepted = {*VERSION_1, *WEAKLY_VERSION_1, *OTHER_VERSIONS}
    assert {value for value in accepted if not re.search(pattern, value)} == BY_RECIPIENTS_ONLY
    assert not any(re.search(pattern, value) for value in MALFORMED)


# Changing


def test_a_patch_is_applied_if_the_precondition_holds(api: Api) -> None:
    for number, condition in enumerate(
        conditions("if_match", *VERSION_1) + conditions("if_none_match", *OTHER_VERSIONS)
    ):
        lead = api.post("/leads", {**JOHN, "email": f"{number}@example.com"}).headers["location"]
        assert api.patch(lead, {"name": "Jane Doe"}, **condition).expect(200).headers["etag"] == '"2"'


def test_a_patch_is_refused_if_the_precondition_fails(api: Api, john: str) -> None:
    before = api.get(john).body
    for condition in (
        *conditions("if_match", *OTHER_VERSIONS, *WEAKLY_VERSION_1),
        *conditions("if_none_match", *VERSION_1, *WEAKLY_VERSION_1),
        {"if_match": '"1"', "if_none_match": '"1"'},
        {"if_match": '"2"', "if_none_match": '"2"'},
    ):
        for patch in ({"name": "Jane Doe"}, {"status": "converted"}, {"name": JOHN["name"]}):
            response = api.patch(john, patch, **condition)
            assert "version 1" in response.expect_problem(412, "precondition-failed")["detail"]
            assert response.headers["etag"] == '"1"'
    assert api.get(john).body == before
    assert len(api.get(f"{john}/timeline").json["items"]) == 1


def test_a_malformed_precondition_is_refused(api: Api, john: str) -> None:
    for value in MALFORMED:
        for name in ("If-Match", "If-None-Match"):
            for response in (api.get(john, **{name: value}), api.patch(john, {"name": "Jane Doe"}, **{name: value})):
                assert name in response.expect_problem(400, "malformed-request")["detail"]
    assert api.get(john).json["version"] == 1


def test_an_unknown_lead_is_not_found_despite_a_precondition(api: Api) -> None:
    for condition in ("*", '"1"'):
        api.patch(f"/leads/{UNKNOWN_ID}", {"name": "Jane Doe"}, if_match=condition).expect_problem(404, "not-found")
        api.get(f"/leads/{UNKNOWN_ID}", if_none_match=condition).expect_problem(404, "not-found")


# Concurrent requests


def run_concurrently(api: Api, work: Callable[[int], Awaitable[None]]) -> None:
    """Run `work` for all clients concurrently."""

    async def run_all() -> None:
        await asyncio.gather(*map(work, range(CLIENTS)))

    api.runner.run(run_all())


def test_concurrent_patches_of_different_fields_are_all_stored(api: Api, john: str) -> None:
    async def patch(number: int) -> None:
        for field in (f"a{number}", f"b{number}"):
            (await api.send("PATCH", john, {"attributes": {field: number}})).expect(200)

    run_concurrently(api, patch)
    lead = api.get(john).json
    assert lead["attributes"] == {f"{letter}{number}": number for letter in "ab" for number in range(CLIENTS)}
    assert lead["version"] == 1 + 2 * CLIENTS
    assert len(api.get(f"{john}/timeline?limit=200").json["items"]) == 1 + 2 * CLIENTS


def test_a_counter_updated_with_if_match_loses_no_increment(api: Api, john: str) -> None:
    refused: list[Response] = []

    async def count(_: int) -> None:
        while True:
            lead = await api.send("GET", john)
            counted = {"attributes": {"count": lead.json["attributes"].get("count", 0) + 1}}
            response = await api.send("PATCH", john, counted, headers={"If-Match": lead.headers["etag"]})
            if response.status == 200:
                return
            response.expect_problem(412, "precondition-failed")
            refused.append(response)

    run_concurrently(api, count)
    lead = api.get(john).json
    assert (lead["attributes"], lead["version"]) == ({"count": CLIENTS}, 1 + CLIENTS)
    assert refused, "two had read the same version"
