"""Test how bodies and queries are decoded and how their errors are reported."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from rest import JOHN, Api, Response, Service

Send = Callable[..., Response]

MALFORMED = {
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "John"}'.encode("utf-16"),
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "cut off": b'{"name": "John',
    "white space only": b" \n",
    "two values": b"{} {}",
    "single quotes": b"{'name': 'John'}",
    "a trailing comma": b'{"name": "John",}',
    "not a number": b'{"attributes": {"a": NaN}}',
    "a raw control character": b'{"name": "\x00"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a reversed surrogate pair": b'{"name": "\\udc00\\ud800"}',
    "5,000 arrays": b"[" * 5000,
    "5,000 objects": b'{"name":' * 5000,
    "5,000 arrays in a member": b'{"name":' + b"[" * 5000,
    "100,000 closed arrays": b'{"attributes":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "5,000 arrays in an unknown member": b'{"unknown":' + b"[" * 5000,
}


@pytest.fixture(params=["POST /leads", "PATCH /leads/{id}", "POST /leads/{id}/follow-up"])
def send(request: pytest.FixtureRequest, shared_client: Api, shared_lead: str) -> Send:
    """Return a function that sends a body to each operation with a body."""
    method, path = request.param.split()

    def send(body: object = None, **options: Any) -> Response:
        return shared_client.request(method, path.replace("/leads/{id}", shared_lead), body, **options)

    return send


# Bodies


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_body_that_is_not_json_is_refused(send: Send, body: bytes) -> None:
    send(body).expect_problem(400, "malformed-request")


def test_deeply_nested_json_is_refused_on_every_python(send: Send) -> None:
    response = send(b'{"attributes":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}")
    assert (response.status, response.json["type"]) in {
        (400, "/problems/malformed-request"),
        (422, "/problems/validation-failed"),
    }


@pytest.mark.parametrize("body", [b"null", b"[]", b'"name"', b"5", b"true", b"[{}]"])
def test_a_body_that_is_not_an_object_is_refused(send: Send, body: bytes) -> None:
    assert send(body).errors().keys() == {""}


@pytest.mark.parametrize("headers", [{}, {"content_type": "application/json"}])
def test_a_required_body_cannot_be_omitted(api: Api, john: str, headers: dict[str, str]) -> None:
    api.post("/leads", **headers).expect_problem(400, "malformed-request")
    api.patch(john, **headers).expect_problem(400, "malformed-request")
    api.post(f"{john}/follow-up", **headers).expect(202)


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/vnd.api+json",
        "application/json, text/plain",
        "json",
        ";",
        "\xff",
        "x" * 10_000,
        "",
    ],
)
def test_a_body_of_another_media_type_is_refused(send: Send, media_type: str) -> None:
    response = send(b"{}", headers={"content_type": media_type})
    assert "application/json" in response.expect_problem(415, "unsupported-media-type")["detail"]
    assert len(response.body) < 1000


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "nonsense"])
def test_a_compressed_body_is_refused(send: Send, encoding: str) -> None:
    for body in (b"{}", gzip.compress(b"{}")):
        response = send(body, headers={"content_encoding": encoding})
        assert "without a `Content-Encoding`" in response.expect_problem(415, "unsupported-media-type")["detail"]
        assert response.headers["accept-encoding"] == "identity"


def test_content_encoding_identity_is_accepted(api: Api) -> None:
    api.post("/leads", JOHN, content_encoding="Identity").expect(201)


def test_a_merge_patch_is_accepted_only_by_patch(api: Api) -> None:
    api.post("/leads", JOHN, content_type="application/merge-patch+json").expect_problem(415, "unsupported-media-type")


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", '"latin1"', "us-ascii", "utf-88", "'utf-16'"])
def test_a_body_in_another_character_set_is_refused(send: Send, charset: str) -> None:
    response = send(b"{}", headers={"content_type": f"application/json; charset={charset}"})
    response.expect_problem(415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "APPLICATION/JSON",
        "application/json;",
    ],
)
def test_all_spellings_of_the_media_type_are_accepted(api: Api, media_type: str) -> None:
    api.post("/leads", JOHN, content_type=media_type).expect(201)


def test_a_body_may_be_as_large_as_the_configured_maximum(start: Callable[..., Service]) -> None:
    api = start(max_body=100).client()
    fitting = json.dumps(JOHN).encode().ljust(100)
    api.post("/leads", fitting + b" ").expect_problem(413, "payload-too-large")
    api.post("/leads", fitting).expect(201)


@pytest.mark.parametrize("options", [{}, {"chunks": [b" " * 2**18] * 5}], ids=["with a length", "in chunks"])
def test_a_body_that_is_too_large_is_refused(send: Send, options: Any) -> None:
    send(None if options else b" " * (2**20 + 1), **options).expect_problem(413, "payload-too-large")


def test_a_too_large_content_length_is_refused_before_the_body_is_read(send: Send) -> None:
    send(b"{}", headers={"content_length": str(2**60)}).expect_problem(413, "payload-too-large")


def test_a_malformed_content_length_is_refused(send: Send) -> None:
    send(b"{}", headers={"content_length": "two"}).expect_problem(400, "malformed-request")


def test_a_chunked_body_without_a_length_is_accepted(api: Api) -> None:
    halves = [b'{"name": "John Doe", ', b'"email": "john@example.com"}', b""]
    api.request("POST", "/leads", chunks=halves).expect(201)


def test_a_client_that_disconnects_during_the_body_causes_no_error(send: Send, log: list[dict[str, Any]]) -> None:
    response = send(chunks=[b'{"name": "Joh'], disconnects=True)
    response.expect_problem(400, "malformed-request")
    assert [line["event"] for line in log if line["log_level"] != "info"] == []


# Fields


def test_all_field_errors_of_a_lead_are_reported_at_once(api: Api) -> None:
    body = {
        "name": 5,
        "email": "nobody",
        "phone": "call me",
        "source": "x" * 101,
        "owner": True,
        "attributes": {"a/b": [], "c~d": {}, "long": "x" * 1001, "big": 2**64, "fine": 1},
        "stauts": "new",
        "id": 7,
    }
    assert api.post("/leads", body).errors().keys() == {
        "/name",
        "/email",
        "/phone",
        "/source",
        "/owner",
        "/attributes/a~1b",
        "/attributes/c~0d",
        "/attributes/long",
        "/attributes/big",
        "/stauts",
        "/id",
    }


def test_all_field_errors_of_a_patch_are_reported_at_once(api: Api, john: str) -> None:
    patch = {"name": None, "email": "x", "status": "nwe", "status_reason": 5, "attributes": None, "version": 2}
    assert api.patch(john, patch).errors().keys() == {f"/{field}" for field in patch}
    assert api.get(john).json["version"] == 1


def test_all_field_errors_of_a_follow_up_are_reported_at_once(api: Api, john: str) -> None:
    body = {"channel": "pigeon", "message": "\0", "due_at": "tomorrow", "recipient": "everybody", "to": "me"}
    assert api.post(f"{john}/follow-up", body).errors().keys() == {f"/{field}" for field in body}


BLANK = ["", " \t\r\n"]


@pytest.mark.parametrize("blank", BLANK)
def test_an_empty_form_field_is_null(api: Api, blank: str) -> None:
    lead = api.post("/leads", {**JOHN, "phone": blank, "source": blank, "owner": blank}).expect(201)
    assert [lead.json[field] for field in ("phone", "source", "owner")] == [None] * 3


@pytest.mark.parametrize("blank", BLANK)
def test_an_empty_text_in_a_patch_clears_the_field(api: Api, blank: str) -> None:
    full = {**JOHN, "phone": "+49 30 123456", "source": "fair", "owner": "ann@example.com"}
    john = api.post("/leads", full).expect(201).headers["location"]
    api.patch(john, {"status": "lost", "status_reason": blank}).expect_problem(422, "validation-failed")
    lead = api.patch(john, {"phone": blank, "source": blank, "owner": blank, "status_reason": blank}).expect(200).json
    assert [lead[field] for field in ("phone", "source", "owner", "status_reason")] == [None] * 4


@pytest.mark.parametrize("blank", [None, *BLANK])
def test_an_empty_field_of_a_follow_up_gets_the_default(api: Api, john: str, blank: str | None) -> None:
    default = api.post(f"{john}/follow-up").expect(202).json
    body = dict.fromkeys(("channel", "message", "due_at", "recipient"), blank)
    assert {**api.post(f"{john}/follow-up", body).expect(202).json, "id": default["id"]} == default


@pytest.mark.parametrize("field", ["name", "status"])
def test_a_required_field_cannot_be_cleared(api: Api, john: str, field: str) -> None:
    assert api.patch(john, {field: ""}).errors().keys() == {f"/{field}"}


def test_an_empty_text_is_refused_where_null_is(api: Api, john: str) -> None:
    follow_up = api.post(f"{john}/follow-up").expect(202).headers["location"]
    assert api.patch(follow_up, {"message": "", "due_at": ""}).errors().keys() == {"/message", "/due_at"}
    assert api.patch(john, {"attributes": ""}).errors().keys() == {"/attributes"}


def test_missing_and_invalid_fields_are_reported_together(api: Api) -> None:
    assert api.post("/leads", {}).errors().keys() == {"/name", ""}
    assert api.post("/leads", {"nmae": "John"}).errors().keys() == {"/nmae", "/name", ""}
    assert api.post("/leads", {"email": 5}).errors().keys() == {"/name", "/email"}
    assert api.post("/leads", {"name": "John", "phone": 5}).errors().keys() == {"/phone"}


@pytest.mark.parametrize("empty", [{}, {"email": None}, {"email": "", "phone": " "}, {"email": "N/A", "phone": None}])
def test_a_lead_without_an_email_address_and_a_phone_number_is_refused(api: Api, empty: dict[str, str]) -> None:
    errors = api.post("/leads", {"name": "John", **empty}).errors()
    assert errors == {"": "Give an e-mail address or a phone number."}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("name", None),
        ("name", ""),
        ("name", " \t"),
        ("name", "x" * 201),
        ("name", "x" * 200_000),
        ("name", ["John"]),
        ("email", 5),
        ("email", "john"),
        ("email", "john@example.com, jane@example.com"),
        ("email", "John <john@example.com>"),
        ("email", "john@example.com\r\nBcc: x@example.com"),
        ("email", "x" * 100_000 + "@example.com"),
        ("phone", 49123456789),
        ("phone", "030 123456"),
        ("source", False),
        ("owner", "me"),
        ("attributes", None),
        ("attributes", []),
        ("attributes", "company=ACME"),
        ("attributes", {f"a{number}": 1 for number in range(51)}),
        ("status", "contacted"),
        ("id", "01900000-0000-7000-8000-000000000000"),
        ("created_at", "2026-01-05T12:00:00Z"),
        ("", "nameless"),
        ("__proto__", {}),
    ],
)
def test_an_invalid_field_is_reported_by_its_pointer(shared_client: Api, field: str, value: object) -> None:
    response = shared_client.post("/leads", {**JOHN, field: value})
    assert response.errors().keys() == {f"/{field}"}
    assert len(response.body) < 1000


@pytest.mark.parametrize(
    ("name", "value", "pointer"),
    [
        ("a", {"nested": 1}, "/attributes/a"),
        ("a", [1], "/attributes/a"),
        ("a", "x" * 1001, "/attributes/a"),
        ("a", 2**63, "/attributes/a"),
        ("a", -(2**63) - 1, "/attributes/a"),
        ("a/b~c", [], "/attributes/a~1b~0c"),
        ("ключ", [], "/attributes/ключ"),
        ("x" * 65, 1, None),
        ("", 1, None),
    ],
)
def test_an_invalid_attribute_is_reported_by_its_pointer(
    shared_client: Api, name: str, value: object, pointer: str | None
) -> None:
    (expected,) = shared_client.post("/leads", {**JOHN, "attributes": {name: value}}).errors()
    assert expected == pointer if pointer else expected.startswith("/attributes")


@pytest.mark.parametrize("field", ["status", "email", "phone", "source", "owner", "status_reason"])
def test_the_response_does_not_repeat_a_too_long_field(shared_client: Api, shared_lead: str, field: str) -> None:
    response = shared_client.patch(shared_lead, {field: "x" * 100_000})
    assert response.errors().keys() == {f"/{field}"}
    assert len(response.body) < 1000


@pytest.mark.parametrize("field", ["channel", "message", "recipient", "due_at"])
def test_the_response_does_not_repeat_a_too_long_field_of_a_follow_up(
    shared_client: Api, shared_lead: str, field: str
) -> None:
    response = shared_client.post(f"{shared_lead}/follow-up", {field: "x" * 100_000})
    assert response.errors().keys() == {f"/{field}"}
    assert len(response.body) < 1000


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0.1, -0.5, 1e300, "", "x" * 1000, True, False, None])
def test_an_attribute_is_returned_as_sent(api: Api, value: object) -> None:
    stored = api.post("/leads", {**JOHN, "attributes": {"a": value}}).expect(201).json["attributes"]
    assert json.dumps(stored) == json.dumps({"a": value})


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000, "1" + "0" * 50_000])
def test_a_number_out_of_range_is_refused(shared_client: Api, number: str) -> None:
    body = b'{"name": "x", "email": "x@example.com", "attributes": {"a": %b}}' % number.encode()
    response = shared_client.post("/leads", body)
    assert response.status in (400, 422)
    response.expect_problem(response.status, "malformed-request" if response.status == 400 else "validation-failed")
    assert len(response.body) < 1000


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"name": "Jo\0hn"}, "/name"),
        ({"name": "\0"}, "/name"),
        ({"email": "jo\0hn@example.com"}, "/email"),
        ({"phone": "+49 30\x00123456"}, "/phone"),
        ({"source": "\0fair"}, "/source"),
        ({"owner": "sales@example.com\0"}, "/owner"),
        ({"attributes": {"a": "b\0"}}, "/attributes/a"),
        ({"attributes": {"a\0": "b"}}, None),
        ({"\0": 1}, "/\0"),
    ],
)
def test_nul_is_refused_in_every_field_of_a_new_lead(
    shared_client: Api, members: dict[str, Any], pointer: str | None
) -> None:
    (expected,) = shared_client.post("/leads", {**JOHN, **members}).errors()
    assert expected == pointer if pointer else expected.startswith("/attributes")


def test_nul_is_refused_in_patches_and_follow_ups(api: Api, john: str) -> None:
    patch = {"name": "a\0", "status": "new\0", "status_reason": "a\0"}
    assert api.patch(john, patch).errors().keys() == {"/name", "/status", "/status_reason"}
    body = {"channel": "log\0", "message": "a\0", "recipient": "lead\0", "due_at": "2026-01-05T12:00:00Z\0"}
    assert api.post(f"{john}/follow-up", body).errors().keys() == {f"/{field}" for field in body}


@pytest.mark.parametrize(
    "due_at",
    [
        "2026-01-05T12:00:00",
        "2026-01-05",
        "12:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-01-05T12:00:60Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.9999999Z",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-W02-1T12:00:00Z",
        "now",
        0,
        1767614400,
        1767614400.5,
        True,
        [],
        {"$date": 0},
    ],
)
def test_an_ambiguous_or_malformed_time_is_refused(shared_client: Api, shared_lead: str, due_at: object) -> None:
    assert shared_client.post(f"{shared_lead}/follow-up", {"due_at": due_at}).errors().keys() == {"/due_at"}


@pytest.mark.parametrize("due_at", ["tomorrow", "2026-01-05T12:00:00", "2026-01-05", "10000-01-01T00:00:00Z"])
def test_a_refused_time_is_answered_with_an_example(shared_client: Api, shared_lead: str, due_at: str) -> None:
    expected = "Write a time with an offset and a year of four digits (RFC 3339), such as 2030-01-15T09:30:00Z."
    assert shared_client.post(f"{shared_lead}/follow-up", {"due_at": due_at}).errors() == {"/due_at": expected}
    query = shared_client.get(f"/follow-ups?due_before={due_at}").expect_problem(400, "malformed-request")
    assert query["detail"] == f"The query parameter `due_before` is invalid. {expected}"


@pytest.mark.parametrize(
    ("due_at", "expected"),
    [
        ("2026-01-05T12:00:00Z", "2026-01-05T12:00:00.000000Z"),
        ("2026-01-05t12:00:00z", "2026-01-05T12:00:00.000000Z"),
        ("2026-01-05T12:00:00-00:00", "2026-01-05T12:00:00.000000Z"),
        ("2026-01-05T00:30:00.5+05:30", "2026-01-04T19:00:00.500000Z"),
        ("2026-01-05T12:00:00.123456789Z", "2026-01-05T12:00:00.123457Z"),
    ],
)
def test_all_spellings_of_rfc_3339_are_accepted(api: Api, john: str, due_at: str, expected: str) -> None:
    assert api.post(f"{john}/follow-up", {"due_at": due_at}).expect(202).json["due_at"] == expected


# Queries


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=",
        "limit=many",
        "limit=5.5",
        "limit=0x10",
        "limit=%D9%A5",
        "limit=99999999999999999999999",
        "limit=1&limit=1",
        "limit",
        "limit=true",
        "limit=null",
        "sort=",
        "sort=name%00",
        "sort=created_at&sort=-created_at",
        "sort=CREATED_AT",
        "status=",
        "status=open",
        "status=new,lost",
        "status=new&status=open",
        "status=new%00",
        "email=",
        "email=john",
        "email=null",
        "email=john@example.com&email=john@example.com",
        "email=john%00@example.com",
        "foo=1",
        "Limit=1",
        "limit%00=1",
        "=1",
        "%FF=1",
        "limit=%FF",
        "email=%FF",
        "email=%ED%A0%80",
        "\xff",
        "x" * 10_000 + "=1",
        "&".join(f"a{number}=1" for number in range(200)),
        "&".join(["status=new"] * 200),
    ],
)
def test_an_invalid_query_is_refused(shared_client: Api, query: str) -> None:
    response = shared_client.get(f"/leads?{query}")
    assert response.expect_problem(400, "malformed-request")["instance"] == "/leads"
    assert len(response.body) < 1000


@pytest.mark.parametrize("query", ["limit=%FF", "%FF=1", "email=a%FFb@example.com", "email=%ED%A0%80", "\xff"])
def test_a_query_that_is_not_utf_8_is_refused(shared_client: Api, query: str) -> None:
    assert "UTF-8" in shared_client.get(f"/leads?{query}").expect_problem(400, "malformed-request")["detail"]


@pytest.mark.parametrize("limit", ["+1", "%201", "01", "1_0", "1,0"])
def test_a_limit_must_be_ascii_digits(shared_client: Api, limit: str) -> None:
    shared_client.get(f"/leads?limit={limit}").expect_problem(400, "malformed-request")


@pytest.mark.parametrize("name", ["status", "sort", "limit", "email", "cursor", "foo"])
def test_the_response_does_not_repeat_a_too_long_parameter(shared_client: Api, name: str) -> None:
    response = shared_client.get(f"/leads?{name}={'x' * 10_000}")
    response.expect_problem(400, "malformed-request")
    assert len(response.body) < 1000


def test_the_response_names_the_unknown_and_the_known_parameters(api: Api) -> None:
    detail = api.get("/leads?lmiit=5").expect_problem(400, "malformed-request")["detail"]
    assert all(name in detail for name in ("lmiit", "limit", "cursor", "status", "email", "sort"))


def test_operations_without_parameters_refuse_any(service: Service, api: Api, john: str) -> None:
    for target in (john, "/pipeline", "/health/live", "/openapi.json", "/docs", "/problems/not-found", "/"):
        api.get(f"{target}?x=1").expect_problem(400, "malformed-request")
    api.patch(f"{john}?on_duplicate=update", {}).expect_problem(400, "malformed-request")
    api.post(f"{john}/follow-up?limit=1").expect_problem(400, "malformed-request")


def test_an_unknown_on_duplicate_is_refused(api: Api) -> None:
    for query in ("on_duplicate=ignore", "on_duplicate=", "on_duplicate=return&on_duplicate=update"):
        api.post(f"/leads?{query}", JOHN).expect_problem(400, "malformed-request")
    assert api.get("/leads").json["items"] == []


def test_an_empty_query_is_accepted(api: Api) -> None:
    for query in ("?", "?&", "?&&"):
        api.get(f"/leads{query}").expect(200)
