"""What clients may send, and how they learn all that is wrong with it."""

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
    """Sends a body to an operation that reads one."""
    method, path = request.param.split()

    def send(body: object = None, **options: Any) -> Response:
        return shared_client.request(method, path.replace("/leads/{id}", shared_lead), body, **options)

    return send


# Whole bodies


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_body_that_is_not_json_is_refused(send: Send, body: bytes) -> None:
    send(body).expect_problem(400, "malformed-request")


def test_deep_nesting_that_is_json_is_refused_whether_or_not_this_python_can_read_it(send: Send) -> None:
    reply = send(b'{"attributes":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}")
    assert (reply.status, reply.json["type"]) in {
        (400, "/problems/malformed-request"),
        (422, "/problems/validation-failed"),
    }


@pytest.mark.parametrize("body", [b"null", b"[]", b'"name"', b"5", b"true", b"[{}]"])
def test_a_body_that_is_no_object_is_refused(send: Send, body: bytes) -> None:
    assert send(body).errors().keys() == {""}


@pytest.mark.parametrize("headers", [{}, {"content_type": "application/json"}])
def test_a_body_that_is_needed_cannot_be_left_out(api: Api, john: str, headers: dict[str, str]) -> None:
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
def test_a_body_of_another_media_type_is_not_read(send: Send, media_type: str) -> None:
    answer = send(b"{}", headers={"content_type": media_type})
    assert "application/json" in answer.expect_problem(415, "unsupported-media-type")["detail"]
    assert len(answer.body) < 1000


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "nonsense"])
def test_a_compressed_body_is_not_read(send: Send, encoding: str) -> None:
    for body in (b"{}", gzip.compress(b"{}")):
        reply = send(body, headers={"content_encoding": encoding})
        assert "without a `Content-Encoding`" in reply.expect_problem(415, "unsupported-media-type")["detail"]
        assert reply.headers["accept-encoding"] == "identity"


def test_a_body_may_say_that_it_is_not_compressed(api: Api) -> None:
    api.post("/leads", JOHN, content_encoding="Identity").expect(201)


def test_a_merge_patch_is_only_for_patching(api: Api) -> None:
    api.post("/leads", JOHN, content_type="application/merge-patch+json").expect_problem(415, "unsupported-media-type")


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", '"latin1"', "us-ascii", "utf-88", "'utf-16'"])
def test_a_body_in_another_character_set_is_not_read(send: Send, charset: str) -> None:
    answer = send(b"{}", headers={"content_type": f"application/json; charset={charset}"})
    answer.expect_problem(415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "APPLICATION/JSON",
        "application/json;",
    ],
)
def test_the_media_type_may_be_written_as_http_allows(api: Api, media_type: str) -> None:
    api.post("/leads", JOHN, content_type=media_type).expect(201)


def test_a_body_may_be_as_large_as_the_operator_allows_and_no_larger(start: Callable[..., Service]) -> None:
    api = start(max_body=100).client()
    fitting = json.dumps(JOHN).encode().ljust(100)
    api.post("/leads", fitting + b" ").expect_problem(413, "payload-too-large")
    api.post("/leads", fitting).expect(201)


@pytest.mark.parametrize("options", [{}, {"chunks": [b" " * 2**18] * 5}], ids=["with a length", "in chunks"])
def test_a_body_that_is_too_large_is_refused(send: Send, options: Any) -> None:
    send(None if options else b" " * (2**20 + 1), **options).expect_problem(413, "payload-too-large")


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(send: Send) -> None:
    send(b"{}", headers={"content_length": str(2**60)}).expect_problem(413, "payload-too-large")


def test_a_length_that_is_no_number_is_told(send: Send) -> None:
    send(b"{}", headers={"content_length": "two"}).expect_problem(400, "malformed-request")


def test_a_body_may_come_in_chunks_without_a_length(api: Api) -> None:
    halves = [b'{"name": "John Doe", ', b'"email": "john@example.com"}', b""]
    api.request("POST", "/leads", chunks=halves).expect(201)


def test_a_client_that_hangs_up_in_the_middle_is_no_fault_of_the_service(send: Send, log: list[dict[str, Any]]) -> None:
    answer = send(chunks=[b'{"name": "Joh'], disconnects=True)
    answer.expect_problem(400, "malformed-request")
    assert [line["event"] for line in log if line["log_level"] != "info"] == []


# Members


def test_every_faulty_member_is_told_at_once(api: Api) -> None:
    said = {
        "name": 5,
        "email": "nobody",
        "phone": "call me",
        "source": "x" * 101,
        "owner": True,
        "attributes": {"a/b": [], "c~d": {}, "long": "x" * 1001, "big": 2**64, "fine": 1},
        "stauts": "new",
        "id": 7,
    }
    assert api.post("/leads", said).errors().keys() == {
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


def test_every_faulty_member_of_a_patch_is_told_at_once(api: Api, john: str) -> None:
    patch = {"name": None, "email": "", "status": "nwe", "status_reason": 5, "attributes": None, "version": 2}
    assert api.patch(john, patch).errors().keys() == {f"/{member}" for member in patch}
    assert api.get(john).json["version"] == 1


def test_every_faulty_member_of_a_follow_up_is_told_at_once(api: Api, john: str) -> None:
    said = {"channel": "pigeon", "message": "\0", "due_at": "tomorrow", "recipient": "everybody", "to": "me"}
    assert api.post(f"{john}/follow-up", said).errors().keys() == {f"/{member}" for member in said}


BLANK = ["", " \t\r\n"]


@pytest.mark.parametrize("blank", BLANK)
def test_a_field_that_a_form_left_empty_is_null(api: Api, blank: str) -> None:
    lead = api.post("/leads", {**JOHN, "phone": blank, "source": blank, "owner": blank}).expect(201)
    assert [lead.json[member] for member in ("phone", "source", "owner")] == [None] * 3


@pytest.mark.parametrize("blank", BLANK)
def test_an_empty_field_empties_a_member_in_a_patch(api: Api, blank: str) -> None:
    full = {**JOHN, "phone": "+49 30 123456", "source": "fair", "owner": "ann@example.com"}
    john = api.post("/leads", full).expect(201).headers["location"]
    api.patch(john, {"status": "lost", "status_reason": blank}).expect_problem(422, "validation-failed")
    lead = api.patch(john, {"phone": blank, "source": blank, "owner": blank, "status_reason": blank}).expect(200).json
    assert [lead[member] for member in ("phone", "source", "owner", "status_reason")] == [None] * 4


@pytest.mark.parametrize("blank", [None, *BLANK])
def test_an_empty_field_of_a_follow_up_asks_for_the_default(api: Api, john: str, blank: str | None) -> None:
    default = api.post(f"{john}/follow-up").expect(202).json
    said = dict.fromkeys(("channel", "message", "due_at", "recipient"), blank)
    assert {**api.post(f"{john}/follow-up", said).expect(202).json, "id": default["id"]} == default


@pytest.mark.parametrize("member", ["name", "email", "status"])
def test_a_member_that_a_lead_must_have_cannot_be_emptied(api: Api, john: str, member: str) -> None:
    assert api.patch(john, {member: ""}).errors().keys() == {f"/{member}"}


def test_an_empty_field_is_refused_where_null_is(api: Api, john: str) -> None:
    follow_up = api.post(f"{john}/follow-up").expect(202).headers["location"]
    assert api.patch(follow_up, {"message": "", "due_at": ""}).errors().keys() == {"/message", "/due_at"}
    assert api.patch(john, {"attributes": ""}).errors().keys() == {"/attributes"}


def test_what_is_missing_is_told_with_what_is_wrong(api: Api) -> None:
    assert api.post("/leads", {}).errors().keys() == {"/name", "/email"}
    assert api.post("/leads", {"email": 5}).errors().keys() == {"/name", "/email"}
    assert api.post("/leads", {"nmae": "John"}).errors().keys() == {"/nmae", "/name", "/email"}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", 5),
        ("name", None),
        ("name", ""),
        ("name", " \t"),
        ("name", "x" * 201),
        ("name", "x" * 200_000),
        ("name", ["John"]),
        ("email", None),
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
def test_a_faulty_member_is_told_by_its_pointer(shared_client: Api, member: str, value: object) -> None:
    answer = shared_client.post("/leads", {**JOHN, member: value})
    assert answer.errors().keys() == {f"/{member}"}
    assert len(answer.body) < 1000


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
def test_a_faulty_attribute_is_told_by_its_pointer(
    shared_client: Api, name: str, value: object, pointer: str | None
) -> None:
    (told,) = shared_client.post("/leads", {**JOHN, "attributes": {name: value}}).errors()
    assert told == pointer if pointer else told.startswith("/attributes")


@pytest.mark.parametrize("member", ["status", "email", "phone", "source", "owner", "status_reason"])
def test_an_overlong_member_is_not_sent_back(shared_client: Api, shared_lead: str, member: str) -> None:
    answer = shared_client.patch(shared_lead, {member: "x" * 100_000})
    assert answer.errors().keys() == {f"/{member}"}
    assert len(answer.body) < 1000


@pytest.mark.parametrize("member", ["channel", "message", "recipient", "due_at"])
def test_an_overlong_wish_is_not_sent_back(shared_client: Api, shared_lead: str, member: str) -> None:
    answer = shared_client.post(f"{shared_lead}/follow-up", {member: "x" * 100_000})
    assert answer.errors().keys() == {f"/{member}"}
    assert len(answer.body) < 1000


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0.1, -0.5, 1e300, "", "x" * 1000, True, False, None])
def test_an_attribute_comes_back_as_it_was_sent(api: Api, value: object) -> None:
    kept = api.post("/leads", {**JOHN, "attributes": {"a": value}}).expect(201).json["attributes"]
    assert json.dumps(kept) == json.dumps({"a": value})


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000, "1" + "0" * 50_000])
def test_a_number_that_no_machine_holds_is_refused(shared_client: Api, number: str) -> None:
    body = b'{"name": "x", "email": "x@example.com", "attributes": {"a": %b}}' % number.encode()
    answer = shared_client.post("/leads", body)
    assert answer.status in (400, 422)
    answer.expect_problem(answer.status, "malformed-request" if answer.status == 400 else "validation-failed")
    assert len(answer.body) < 1000


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
def test_nul_is_refused_wherever_it_stands_in_a_new_lead(
    shared_client: Api, members: dict[str, Any], pointer: str | None
) -> None:
    (told,) = shared_client.post("/leads", {**JOHN, **members}).errors()
    assert told == pointer if pointer else told.startswith("/attributes")


def test_nul_is_refused_in_changes_and_follow_ups_too(api: Api, john: str) -> None:
    patch = {"name": "a\0", "status": "new\0", "status_reason": "a\0"}
    assert api.patch(john, patch).errors().keys() == {"/name", "/status", "/status_reason"}
    said = {"channel": "log\0", "message": "a\0", "recipient": "lead\0", "due_at": "2026-01-05T12:00:00Z\0"}
    assert api.post(f"{john}/follow-up", said).errors().keys() == {f"/{member}" for member in said}


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
def test_a_time_that_is_not_one_moment_is_refused(shared_client: Api, shared_lead: str, due_at: object) -> None:
    assert shared_client.post(f"{shared_lead}/follow-up", {"due_at": due_at}).errors().keys() == {"/due_at"}


@pytest.mark.parametrize(
    ("due_at", "told"),
    [
        ("2026-01-05T12:00:00Z", "2026-01-05T12:00:00.000000Z"),
        ("2026-01-05t12:00:00z", "2026-01-05T12:00:00.000000Z"),
        ("2026-01-05T12:00:00-00:00", "2026-01-05T12:00:00.000000Z"),
        ("2026-01-05T00:30:00.5+05:30", "2026-01-04T19:00:00.500000Z"),
        ("2026-01-05T12:00:00.123456789Z", "2026-01-05T12:00:00.123457Z"),
    ],
)
def test_a_time_may_be_written_as_rfc_3339_allows(api: Api, john: str, due_at: str, told: str) -> None:
    assert api.post(f"{john}/follow-up", {"due_at": due_at}).expect(202).json["due_at"] == told


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
def test_an_impossible_query_is_refused(shared_client: Api, query: str) -> None:
    answer = shared_client.get(f"/leads?{query}")
    assert answer.expect_problem(400, "malformed-request")["instance"] == "/leads"
    assert len(answer.body) < 1000


@pytest.mark.parametrize("query", ["limit=%FF", "%FF=1", "email=a%FFb@example.com", "email=%ED%A0%80", "\xff"])
def test_a_query_that_is_not_utf_8_is_not_guessed_at(shared_client: Api, query: str) -> None:
    assert "UTF-8" in shared_client.get(f"/leads?{query}").expect_problem(400, "malformed-request")["detail"]


@pytest.mark.parametrize("limit", ["+1", "%201", "01", "1_0", "1,0"])
def test_a_limit_is_written_in_plain_digits(shared_client: Api, limit: str) -> None:
    shared_client.get(f"/leads?limit={limit}").expect_problem(400, "malformed-request")


@pytest.mark.parametrize("name", ["status", "sort", "limit", "email", "cursor", "foo"])
def test_an_overlong_parameter_is_not_sent_back(shared_client: Api, name: str) -> None:
    answer = shared_client.get(f"/leads?{name}={'x' * 10_000}")
    answer.expect_problem(400, "malformed-request")
    assert len(answer.body) < 1000


def test_an_unknown_parameter_is_named_with_those_that_are_known(api: Api) -> None:
    detail = api.get("/leads?lmiit=5").expect_problem(400, "malformed-request")["detail"]
    assert all(name in detail for name in ("lmiit", "limit", "cursor", "status", "email", "sort"))


def test_operations_without_parameters_refuse_any(service: Service, api: Api, john: str) -> None:
    for target in (john, "/pipeline", "/health/live", "/openapi.json", "/docs", "/problems/not-found", "/"):
        api.get(f"{target}?x=1").expect_problem(400, "malformed-request")
    api.patch(f"{john}?on_duplicate=update", {}).expect_problem(400, "malformed-request")
    api.post(f"{john}/follow-up?limit=1").expect_problem(400, "malformed-request")


def test_how_to_treat_duplicates_cannot_be_mistyped(api: Api) -> None:
    for query in ("on_duplicate=ignore", "on_duplicate=", "on_duplicate=return&on_duplicate=update"):
        api.post(f"/leads?{query}", JOHN).expect_problem(400, "malformed-request")
    assert api.get("/leads").json["items"] == []


def test_an_empty_query_is_none(api: Api) -> None:
    for query in ("?", "?&", "?&&"):
        api.get(f"/leads{query}").expect(200)
