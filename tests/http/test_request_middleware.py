"""Test the headers of all responses and the access log."""

import re
from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import pytest

from leads_domain.notifier import Refused, TryAgain
from rest import JOHN, UNKNOWN_ID, Api, Response, Service

Log = list[MutableMapping[str, Any]]


@pytest.fixture
def responses(service: Service, api: Api, john: str) -> list[Response]:
    """Return responses of handlers, of authentication and of the router, with and without a body."""
    anonymous = service.anonymous()
    return [
        api.get(john).expect(200),
        api.post("/leads", JOHN).expect(409),
        api.post("/leads", b"{").expect(400),
        api.get(f"/leads/{UNKNOWN_ID}").expect(404),
        anonymous.get("/leads").expect(401),
        anonymous.get("/nowhere").expect(404),
        anonymous.request("DELETE", "/leads").expect(405),
        anonymous.request("OPTIONS", "/leads").expect(204),
        anonymous.request("HEAD", "/docs").expect(200),
        anonymous.get("/").expect(307),
    ]


# Request ids


@pytest.mark.parametrize("request_id", ["1", "a" * 128, "req-1.2:3_4", "01900000-0000-7000-8000-000000000000"])
def test_a_valid_request_id_is_returned(shared_service: Service, request_id: str) -> None:
    for path in ("/health/live", "/nowhere", "/leads"):
        assert shared_service.anonymous().get(path, x_request_id=request_id).headers["x-request-id"] == request_id


@pytest.mark.parametrize(
    "request_id",
    [
        "",
        " ",
        "a b",
        "a" * 129,
        "a" * 100_000,
        "a\r\nset-cookie: stolen=1",
        "a\n",
        "\ta",
        "a\0",
        "é",
        "\x80\xff",
        '"a"',
        "a,b",
        "../../etc/passwd",
        "<script>",
        "\x1b[31mred",
        "${jndi:ldap://x}",
    ],
)
def test_an_invalid_request_id_is_replaced(shared_service: Service, log: Log, request_id: str) -> None:
    for path in ("/health/live", "/nowhere", "/leads"):
        headers = shared_service.anonymous().get(path, x_request_id=request_id).headers
        assert UUID(headers["x-request-id"]).version == 7
        assert "set-cookie" not in headers
    assert request_id.strip() not in [line["request_id"] for line in log]


def test_every_response_has_a_unique_id(responses: list[Response]) -> None:
    assert len({response.headers["x-request-id"] for response in responses}) == len(responses)


def test_every_response_has_security_headers(responses: list[Response]) -> None:
    for response in responses:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        policy = response.headers["content-security-policy"].split("; ")
        assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} < {*policy}


def test_responses_that_need_a_key_are_not_cacheable(service: Service, responses: list[Response]) -> None:
    not_cacheable = [response.headers.get("cache-control") == "no-store" for response in responses]
    assert not_cacheable == [True] * 5 + [False] * 5
    assert "no-store" not in service.anonymous().get("/docs/swagger-ui/swagger-ui.css").headers["cache-control"]


def test_every_response_with_a_body_has_a_content_length(responses: list[Response]) -> None:
    for response in responses:
        if response.status == 204:
            assert "content-length" not in response.headers
        elif not response.request.startswith("HEAD"):
            assert response.headers["content-length"] == str(len(response.body))


# HEAD


def test_head_has_the_headers_of_get_without_a_body(service: Service, api: Api, john: str) -> None:
    follow_up = api.post(f"{john}/follow-up").headers["location"]
    api.post("/leads", {**JOHN, "email": "other@example.com"}).expect(201)
    for target in (
        john,
        follow_up,
        "/leads",
        "/leads?limit=1",
        f"{john}/timeline",
        f"{john}/follow-ups",
        "/pipeline",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs",
        "/docs/swagger-ui/swagger-ui.css",
        "/",
        "/problems/not-found",
        f"/leads/{UNKNOWN_ID}",
        "/leads?limit=0",
        "/nowhere",
    ):
        got = api.get(target, x_request_id="same")
        head = api.request("HEAD", target, headers={"x_request_id": "same"})
        assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


def test_head_is_refused_where_get_is(api: Api, john: str) -> None:
    response = api.request("HEAD", f"{john}/follow-up").expect(405)
    assert (response.headers["allow"], response.body) == ("OPTIONS, POST", b"")
    assert api.get(f"{john}/follow-ups").json["items"] == []


# The end of a connection


@pytest.mark.parametrize(("method", "target"), [("POST", "/leads"), ("POST", "/unknown"), ("PUT", "/leads")])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_response_before_the_body_is_read_closes_the_connection(
    service: Service, method: str, target: str, chunked: bool
) -> None:
    headers = {"transfer_encoding": "chunked", "content_length": ""} if chunked else {}
    early = service.anonymous().request(method, target, JOHN, headers=headers)
    assert (early.status >= 400, early.headers["connection"]) == (True, "close")
    assert "connection" not in service.anonymous().request(method, target).headers


def test_a_response_after_the_body_is_read_keeps_the_connection(api: Api) -> None:
    for response in (api.post("/leads", JOHN).expect(201), api.post("/leads", {"name": ""}).expect(422)):
        assert "connection" not in response.headers


def test_no_request_with_a_response_is_cut_off(service: Service, api: Api) -> None:
    for response in (api.get("/leads"), api.get("/unknown"), service.anonymous().post("/leads", JOHN)):
        assert response.status
    assert not service.container.open_requests()._open


# The log


def test_every_response_is_logged_with_its_route_not_its_path(api: Api, john: str, log: Log) -> None:
    log.clear()
    responses = [api.get(f"{john}/timeline?limit=1"), api.request("HEAD", john), api.post("/leads", JOHN)]
    assert [(line["method"], line["status"]) for line in log] == [("GET", 200), ("HEAD", 200), ("POST", 409)]
    assert [line["route"].replace(":str", "") for line in log] == ["/leads/{id}/timeline", "/leads/{id}", "/leads"]
    assert [line["request_id"] for line in log] == [response.headers["x-request-id"] for response in responses]
    assert all(line["ms"] >= 0 for line in log)


def test_a_made_up_method_is_not_logged(service: Service, log: Log) -> None:
    service.anonymous().request("X" * 30_000, "/leads").expect(405)
    assert [line["method"] for line in log] == ["other"]


def test_an_unknown_path_is_not_logged(service: Service, log: Log) -> None:
    service.anonymous().get("/john@example.com").expect(404)
    service.anonymous().request("DELETE", "/leads").expect(405)
    assert [line["status"] for line in log] == [404, 405]
    assert "john" not in str(log)


def test_the_log_has_no_personal_data_and_no_keys(service: Service, log: Log) -> None:
    keys = [service.new_key(role)[1] for role in ("capture", "agent")]
    form, agent = (service.client_with(x_api_key=key) for key in keys)
    person = {"name": "Marmaduke", "email": "marmaduke@example.com", "phone": "+4930123456", "source": "s3cret"}
    form.post("/leads", person).expect(202)
    form.post("/leads", {**person, "name": 5}).expect(422)
    agent.post("/leads", person).expect(409)
    agent.post("/leads?on_duplicate=update", {**person, "attributes": {"s3cret": "s3cret"}}).expect(200)
    lead = agent.get("/leads?email=marmaduke@example.com").json["items"][0]["id"]
    agent.get("/leads?email=s3cret").expect(400)
    agent.get("/leads/marmaduke@example.com").expect(404)
    agent.get("/marmaduke@example.com?s3cret=s3cret").expect(404)
    agent.patch(f"/leads/{lead}", {"status": "contacted", "status_reason": "s3cret"}).expect(200)
    errors = [TryAgain("s3cret marmaduke"), Refused("s3cret"), RuntimeError("s3cret")]
    for error in errors:
        service.channels["log"].fail_with(error)
        agent.post(f"/leads/{lead}/follow-up", {"message": "s3cret"}).expect(202)
        service.dispatch()
    agent.get(f"/leads/{lead}/timeline").expect(200)
    service.client_with(x_api_key=keys[1] + "0", authorization="Bearer s3cret").get("/leads").expect(401)

    assert len(log) >= 15
    text = str(log)
    for secret in ("marmaduke", "4930123456", "s3cret", *keys, *(key[-20:] for key in keys)):
        assert secret.lower() not in text.lower()
    assert not re.search(r"@|\?|=", "".join(str(line.get("route")) for line in log))
