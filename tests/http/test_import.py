"""Test POST /leads/import."""

import asyncio
import csv
import gzip
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.http.controllers import transfers
from leads_domain.rules import FollowUpRule
from leads_domain.template import Template
from rest import Api, Response, Service

CSV = "text/csv"
NDJSON = "application/x-ndjson"
DATA = Path(__file__).parents[1] / "data"
OUTCOMES = ("created", "updated", "unchanged", "duplicates", "refused")
STATUSES = ("statuses_set", "statuses_kept", "statuses_unknown")
NOTHING = {**dict.fromkeys([*OUTCOMES, *STATUSES, "warnings"], 0), "unknown_statuses": [], "errors": []}
UNDERSTOOD = {"encoding", "columns"}


@pytest.fixture
def admin(service: Service) -> Api:
    return service.client("admin", "Ada")


def send(api: Api, body: bytes, media_type: str = CSV, query: str = "", **sent: Any) -> Response:
    """Import a file and return the response."""
    return api.request("POST", f"/leads/import{query}", body, headers={"content-type": media_type}, **sent)


def summary(response: Response) -> dict[str, Any]:
    """Return the counts of an import that are not zero."""
    result = response.expect(200).json
    assert result.keys() == NOTHING.keys() | UNDERSTOOD
    return {name: value for name, value in result.items() if value and name not in UNDERSTOOD}


def rows(first: int, last: int, name: str = "Ann") -> bytes:
    """Return a CSV file with one lead for each number."""
    return b"name,email\n" + b"".join(f"{name},a{number}@example.com\n".encode() for number in range(first, last))


def emails(api: Api) -> list[str]:
    return [lead["email"] for page in api.pages("/leads?sort=created_at&limit=200") for lead in page["items"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_spreadsheet_is_imported_by_its_header(admin: Api, delimiter: str, mark: str) -> None:
    header = ["E-Mail", "Full Name", "Phone Number", "Lead Source", "Company"]
    table = [header, ["jörg@example.com", "Jörg 🙂", "+4915123456789", "fair", "ACME"]]
    body = (mark + "".join(delimiter.join(cells) + "\r\n" for cells in table)).encode()

    assert summary(send(admin, body)) == {"created": 1}
    (lead,) = admin.get("/leads").json["items"]
    assert (lead["name"], lead["email"], lead["phone"]) == ("Jörg 🙂", "jörg@example.com", "+4915123456789")
    assert (lead["source"], lead["attributes"], lead["status"]) == ("fair", {"Company": "ACME"}, "new")
    (entry,) = admin.get(f"/leads/{lead['id']}/timeline").json["items"]
    assert (entry["type"], entry["actor"]) == ("lead.created", "Ada")


def test_a_spreadsheet_needs_no_email_column(admin: Api) -> None:
    body = b"Name,Mobile\nAnn,+49 30 123456\nAnn B,+4930123456\nBob,\n"
    summary = admin.request("POST", "/leads/import", body, headers={"content-type": "text/csv"}).expect(200).json
    assert (summary["created"], summary["duplicates"], summary["refused"]) == (1, 1, 1)
    error = {"line": 4, "pointer": "", "detail": "Give an e-mail address or a phone number."}
    assert summary["errors"] == [error]
    dry_run = admin.request("POST", "/leads/import?dry_run=true", body, headers={"content-type": "text/csv"})
    assert dry_run.expect(200).json["duplicates"] == 2


def test_an_invalid_row_is_reported_by_its_line_and_the_rest_is_imported(admin: Api) -> None:
    body = b'name,email,phone\nAnn,a@example.com,\n"two\nlines",nobody,12\n\nBob,b@example.com,\n,c@example.com,\n'

    result = send(admin, body).expect(200).json
    assert (result["created"], result["refused"]) == (2, 2)
    locations = [(error["line"], error["pointer"]) for error in result["errors"]]
    assert locations == [(3, "/name"), (3, "/email"), (3, "/phone"), (7, "/name")]
    assert all(error["detail"] for error in result["errors"])
    assert emails(admin) == ["a@example.com", "b@example.com"]


def test_ndjson_is_validated_like_any_body(admin: Api) -> None:
    lines = [
        {"name": "Ann", "email": "a@example.com", "attributes": {"size": 5, "ratio": 1.0, "vip": True}},
        {"name": "Bob", "email": "b@example.com", "nickname": "Bobby"},
        {"name": 5, "email": "c@example.com"},
        ["Dan", "d@example.com"],
    ]
    body = "\n".join(map(json.dumps, lines)).encode() + b"\n{\n"

    result = send(admin, body, NDJSON).expect(200).json
    assert (result["created"], result["refused"]) == (1, 4)
    locations = [(error["line"], error["pointer"]) for error in result["errors"]]
    assert locations == [(2, "/nickname"), (3, "/name"), (4, ""), (5, "")]
    (lead,) = admin.get("/leads").json["items"]
    assert json.dumps(lead["attributes"]) == '{"size": 5, "ratio": 1.0, "vip": true}'


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("error", {"created": 1, "duplicates": 2}),
        ("return", {"created": 1, "unchanged": 2}),
        ("update", {"created": 1, "updated": 1, "unchanged": 1}),
    ],
)
def test_existing_leads_are_treated_by_on_duplicate(admin: Api, policy: str, expected: dict[str, int]) -> None:
    admin.post("/leads", {"name": "Ann", "email": "a0@example.com"}).expect(201)
    body = b"name,email\nAnna,A0@example.com\nBob,b@example.com\nBob,b@example.com\n"

    dry_run = summary(send(admin, body, query=f"?on_duplicate={policy}&dry_run=true"))
    assert emails(admin) == ["a0@example.com"]
    assert admin.get("/leads").json["items"][0]["name"] == "Ann"
    assert dry_run == summary(send(admin, body, query=f"?on_duplicate={policy}")) == expected
    assert admin.get("/leads?sort=created_at").json["items"][0]["name"] == ("Anna" if policy == "update" else "Ann")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_status_column_sets_known_statuses_and_reports_unknown_ones(admin: Api, dry_run: bool) -> None:
    body = (
        b"Name;E-Mail;Status\nAnn;a@x.org;CONVERTED\nBob;b@x.org;lost\nCid;c@x.org;Hot\nDan;d@x.org;Hot\nEve;e@x.org;\n"
    )

    assert summary(send(admin, body, query="?dry_run=true" if dry_run else "")) == {
        "created": 5,
        "statuses_set": 2,
        "statuses_unknown": 2,
        "unknown_statuses": ["Hot"],
    }
    if not dry_run:
        stored = [
            (lead["status"], lead["status_reason"], lead["attributes"])
            for lead in admin.get("/leads?sort=created_at").json["items"]
        ]
        hot = ("new", None, {"status_as_given": "Hot"})
        assert stored == [("converted", None, {}), ("lost", None, {}), hot, hot, ("new", None, {})]
        again = summary(send(admin, body, query="?on_duplicate=update"))
        assert again == {"unchanged": 5, "statuses_kept": 2, "statuses_unknown": 2, "unknown_statuses": ["Hot"]}


@pytest.mark.parametrize(("query", "follow_ups"), [("", 0), ("?rules=false", 0), ("?rules=true", 1)])
def test_imported_leads_trigger_rules_only_on_request(
    start: Callable[..., Service], query: str, follow_ups: int
) -> None:
    rule = FollowUpRule(when="new", after=timedelta(hours=1), text=Template("Hello {name}"))
    admin = start(follow_up_rules=(rule,)).client("admin")

    send(admin, rows(0, 1), query=query).expect(200)
    assert len(admin.get("/follow-ups").json["items"]) == follow_ups


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_the_response_says_the_encoding_and_what_the_columns_mean(admin: Api, encoding: str) -> None:
    body = "Vorname;Nachname;E-Mail;Größe;Intern\nJörg;Müller;j@example.com;5;x\n".encode(encoding)
    result = send(admin, body, query="?map=Intern=").expect(200).json
    assert result["encoding"] == encoding
    assert [(each["column"], each["field"]) for each in result["columns"]] == [
        ("Vorname", "name"),
        ("Nachname", "name"),
        ("E-Mail", "email"),
        ("Größe", "attributes"),
        ("Intern", None),
    ]
    (lead,) = admin.get("/leads").json["items"]
    assert (lead["name"], lead["attributes"]) == ("Jörg Müller", {"Größe": "5"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"name;email" + b";x" * 40_000, "40,002 columns"),
        (b'"' + b",a" * 20_000 + b"\n" + b",a" * 20_000 * 10, "unpaired quotation mark"),
        (b"\x1b]52;c;aGk=\x07,\xe2\x80\xae," + b"x" * 100_000, r'"\u001b]52;c;aGk=\u0007", "\u202e", "xxx'),
    ],
    ids=["columns", "quotation mark", "control characters"],
)
def test_a_hostile_header_gets_a_short_message(admin: Api, body: bytes, words: str) -> None:
    csv.field_size_limit(131_072)  # the default of a new process
    detail = send(admin, body).errors()[""]
    assert words in detail
    assert len(detail) < 500


def test_ndjson_has_no_columns_and_refuses_their_options(admin: Api) -> None:
    result = send(admin, b"", NDJSON).expect(200).json
    assert (result["encoding"], result["columns"]) == ("utf-8", [])
    for query in ("?map=x=name", "?sheet=x"):
        assert "NDJSON" in send(admin, b"", NDJSON, query).errors()[""]


def test_a_map_decides_what_columns_mean(admin: Api) -> None:
    body = b"Alias,Phone,Company Phone,email\nAda,,+49 30 123456,ada@example.com\n"
    assert "name" in send(admin, body).errors()[""]
    query = "?map=Alias=name&map=Company+Phone%3Dphone&map=email="
    assert summary(send(admin, body, query=query)) == {"created": 1}
    (lead,) = admin.get("/leads").json["items"]
    assert (lead["name"], lead["phone"], lead["email"], lead["attributes"]) == ("Ada", "+4930123456", None, {})
    assert 'no column "Mobil"' in send(admin, body, query="?map=Mobil=phone").errors()[""]


def test_a_lenient_import_keeps_wrong_optional_values_as_attributes(admin: Api) -> None:
    body = (
        b"name,email,phone,source,note\nAda,ada@example.com,ask later,fair,"
        + b"x" * 1001
        + b"\nBob,nobody,+49 30 123456,,\nCid,nobody,4.9E+10,,\n,d@example.com,ask,,\n"
    )
    strict = send(admin, body, query="?dry_run=true").expect(200).json
    assert (strict["created"], strict["refused"], strict["warnings"]) == (0, 4, 0)

    result = send(admin, body, query="?lenient=true").expect(200).json
    assert (result["created"], result["refused"], result["warnings"]) == (2, 2, 3)
    assert [(error["line"], error["pointer"]) for error in result["errors"]] == [
        (4, "/email"),
        (4, "/phone"),
        (5, "/name"),
    ]
    assert "scientific notation" in result["errors"][1]["detail"]
    bob, ada = admin.get("/leads").json["items"]
    assert (ada["phone"], ada["attributes"]) == (None, {"phone_as_given": "ask later", "note": "x" * 1000})
    assert (bob["email"], bob["attributes"]) == (None, {"email_as_given": "nobody"})


def test_an_owner_that_is_no_address_refuses_no_row(admin: Api) -> None:
    body = b"name,email,Lead Owner\nAda,ada@example.com,Dana Webb\nBob,b@example.com,dana@example.com\n"
    assert summary(send(admin, body)) == {"created": 2, "warnings": 1}
    bob, ada = admin.get("/leads").json["items"]
    assert (ada["owner"], ada["attributes"]) == (None, {"owner_as_given": "Dana Webb"})
    assert (bob["owner"], bob["attributes"]) == ("dana@example.com", {})
    again = send(admin, body, query="?on_duplicate=update")
    assert summary(again) == {"unchanged": 2, "warnings": 1}


def test_attributes_beyond_the_limit_are_a_warning(admin: Api) -> None:
    header = ",".join(f"c{number}" for number in range(92))
    body = f"name,email,status,owner,{header}\nAda,ada@example.com,Hot,Dana{',x' * 92}\n".encode()
    assert summary(send(admin, body)) == {
        "created": 1,
        "statuses_unknown": 1,
        "unknown_statuses": ["Hot"],
        "warnings": 4,
    }
    (lead,) = admin.get("/leads").json["items"]
    assert lead["attributes"] == {"owner_as_given": "Dana", "status_as_given": "Hot"} | {
        f"c{number}": "x" for number in range(48)
    }


@pytest.mark.parametrize("media_type", [CSV, "application/vnd.ms-excel", "application/octet-stream"])
def test_a_spreadsheet_is_recognised_by_its_first_bytes(admin: Api, media_type: str) -> None:
    body = (DATA / "spreadsheets" / "leads.xlsx").read_bytes()
    result = send(admin, body, media_type, "?sheet=Other").expect(200).json
    assert (result["created"], result["encoding"]) == (1, None)
    assert summary(send(admin, body, media_type)) == {"created": 2}
    assert 'no sheet "Nope"' in send(admin, body, media_type, "?sheet=Nope").errors()[""]
    assert "cannot be read" in send(admin, body[:500], media_type).errors()[""]
    assert summary(send(admin, rows(0, 1), media_type)) == {"created": 1}
    assert "no sheets" in send(admin, rows(0, 1), media_type, "?sheet=x").errors()[""]


def test_an_empty_file_is_refused_except_as_ndjson(admin: Api) -> None:
    assert "empty" in send(admin, b"").errors()[""]
    assert summary(send(admin, b"", NDJSON)) == {}
    assert summary(send(admin, b"email,name\n")) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\xff\xfe\x80",
        b"Ann,a@example.com\nBob,b@example.com\n",
        b'"email,name\na@example.com,Ann\n',
        gzip.compress(b"name,email\nAnn,a@example.com\n", mtime=0),
    ],
)
def test_a_file_with_an_unreadable_header_is_refused_as_a_whole(admin: Api, body: bytes) -> None:
    assert send(admin, body).errors().keys() == {""}
    assert emails(admin) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": ""},
        {"content-type": "application/json"},
        {"content-type": "text/plain"},
        {"content-type": "text/csv; charset=iso-8859-1"},
        {"content-type": "text/csv", "content-encoding": "gzip"},
    ],
)
def test_other_media_types_of_files_are_refused(admin: Api, headers: Mapping[str, str]) -> None:
    problem = admin.request("POST", "/leads/import", rows(0, 1), headers=headers).expect_problem(
        415, "unsupported-media-type"
    )
    assert "content-encoding" in headers or "`text/csv` or `application/x-ndjson`" in problem["detail"]
    assert emails(admin) == []


def test_parameters_of_the_media_type_are_accepted(admin: Api) -> None:
    assert summary(send(admin, rows(0, 1), 'Text/CSV; header=present; charset="UTF-8"')) == {"created": 1}


def test_only_the_row_in_another_encoding_is_refused(admin: Api) -> None:
    body = "name,email,größe\n".encode() + b"J\xf6rg,j@example.com\nAnn,a@example.com\n"
    result = send(admin, body).expect(200).json
    assert (result["created"], result["refused"]) == (1, 1)
    (error,) = result["errors"]
    assert (error["line"], error["pointer"]) == (2, "")
    assert "UTF-8" in error["detail"]


def test_only_administrators_can_import(service: Service) -> None:
    for role in ("capture", "read", "agent"):
        assert send(service.client(role), rows(0, 1)).expect_problem(403, "forbidden")["role"] == "admin"
    send(service.anonymous(), rows(0, 1)).expect_problem(401, "unauthorized")


@pytest.mark.parametrize(
    "query",
    [
        "?dry_run=perhaps",
        "?on_duplicate=skip",
        "?dryrun=1",
        "?dry_run=1&dry_run=1",
        "?map=x",
        "?map=x=y",
        "?map=x=name&map=x=email",
        "?sheet=",
        "?sheet=" + "x" * 256,
    ],
)
def test_unknown_import_parameters_are_refused(admin: Api, query: str) -> None:
    send(admin, rows(0, 1), query=query).expect_problem(400, "malformed-request")
    assert emails(admin) == []


def test_the_first_errors_are_listed_and_all_are_counted(admin: Api) -> None:
    bad = transfers.ERRORS_MAX + 500
    result = send(admin, rows(0, 1) + b"x,\n" * bad).expect(200).json
    assert (result["created"], result["refused"]) == (1, bad)
    assert [error["line"] for error in result["errors"]] == list(range(3, transfers.ERRORS_MAX + 3))


def test_the_listed_errors_have_a_maximum_length(admin: Api) -> None:
    line = json.dumps({"name": "Ann", "email": "a@example.com", "x" * 500_000: 1}).encode() + b"\n"
    result = send(admin, line * 8, NDJSON).expect(200).json
    assert result["refused"] == 8
    assert len(result["errors"]) == 3


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(start: Callable[..., Service]) -> None:
    admin = start(max_import=1000).client("admin")
    send(admin, rows(0, 100)).expect_problem(413, "payload-too-large")
    assert emails(admin) == []
    assert summary(send(admin, rows(0, 10))) == {"created": 10}


def test_a_file_without_a_length_is_refused_when_it_becomes_too_large(start: Callable[..., Service]) -> None:
    admin = start(max_import=10_000).client("admin")
    body = rows(0, 500)
    send(admin, b"", chunks=[body[:3000], b"", body[3000:]]).expect_problem(413, "payload-too-large")
    count = len(emails(admin))
    assert count % transfers.IMPORT_BATCH == 0, "whole batches"


@pytest.mark.parametrize(("length", "status"), [("x", 400), ("5", 200), ("99999", 200)])
def test_a_wrong_content_length_does_no_harm(admin: Api, length: str, status: int) -> None:
    headers = {"content-type": CSV, "content-length": length}
    admin.request("POST", "/leads/import", rows(0, 1), headers=headers).expect(status)


def test_a_file_may_arrive_in_any_chunks(admin: Api) -> None:
    body = rows(0, 20, "Jörg 🙂")
    pieces = [body[at : at + 1] for at in range(len(body))]
    assert summary(send(admin, b"", chunks=[b"", *pieces, b""])) == {"created": 20}


def test_rows_before_a_disconnect_are_stored_and_are_duplicates_in_a_retry(admin: Api) -> None:
    body = rows(0, 250)
    send(admin, b"", chunks=[body], disconnects=True).expect_problem(400, "malformed-request")
    count = len(emails(admin))
    assert count == 200, "all batches that were complete"
    assert summary(send(admin, body)) == {"created": 50, "duplicates": 200}


def test_an_import_that_stalls_times_out(service: Service) -> None:
    service.container.import_services.add_kwargs(idle_seconds=0.05)
    admin = service.client("admin")
    never = asyncio.Event()
    for _ in range(transfers.IMPORTS_MAX + 1):
        headers = {"content-type": CSV}
        chunks = [rows(0, 1), b"Bob,b@example.com\n"]
        request = admin.send("POST", "/leads/import", headers=headers, chunks=chunks, wait_before_end=never)
        response = admin.runner.run(request)
        response.expect_problem(408, "request-timeout")
    assert summary(send(admin, rows(0, 1))) == {"created": 1}


def test_concurrent_imports_are_limited_and_other_requests_are_not(admin: Api) -> None:
    async def all_at_once() -> tuple[list[Response], Response, Response]:
        go_on = asyncio.Event()
        headers = {"content-type": CSV}
        under_way = [
            asyncio.create_task(
                admin.send(
                    "POST",
                    "/leads/import",
                    headers=headers,
                    chunks=[rows(number * 1000, number * 1000 + 500), b"Bob,b@example.com\n"],
                    wait_before_end=go_on,
                )
            )
            for number in range(transfers.IMPORTS_MAX)
        ]
        created = await admin.send("POST", "/leads", {"name": "Eve", "email": "eve@example.com"})
        refused = await admin.send("POST", "/leads/import", rows(0, 1), headers=headers)
        go_on.set()
        return [await each for each in under_way], created, refused

    done, created, refused = admin.runner.run(all_at_once())
    created.expect(201)
    refused.expect_problem(503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert sum(response.expect(200).json["created"] for response in done) == 500 * transfers.IMPORTS_MAX + 1


def test_a_file_is_imported_once_under_an_idempotency_key(admin: Api) -> None:
    def send_once(body: bytes) -> Response:
        return admin.post("/leads/import", body, content_type=CSV, idempotency_key="monday")

    broken = {"content-type": CSV, "idempotency-key": "monday"}
    admin.request("POST", "/leads/import", headers=broken, chunks=[rows(0, 150)], disconnects=True).expect(400)
    first = send_once(rows(0, 150))
    again = send_once(rows(0, 150))

    assert summary(first) == {"created": 50, "duplicates": 100}
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    send_once(rows(150, 160)).expect_problem(422, "idempotency-key-reused")
    assert len(emails(admin)) == 150


@given(body=st.binary(max_size=300), media_type=st.sampled_from([CSV, NDJSON]), known=st.booleans())
def test_any_bytes_get_a_json_response(shared_client: Api, body: bytes, media_type: str, known: bool) -> None:
    response = send(shared_client, b"email,name\n" + body if known else body, media_type, "?dry_run=true")
    assert response.status in (200, 422), response


HARD = ['"', ",", "\n", "\r", "a", "@example.com", "{", "}", ":", "\x00", "é", "\ud800", " "]


@given(st.lists(st.sampled_from(HARD)))
def test_any_text_gets_a_response(shared_client: Api, parts: list[str]) -> None:
    text = "".join(parts).encode("utf-8", "surrogatepass")
    for head, media_type in ((b"email,name\n", CSV), (b"", CSV), (b"", NDJSON)):
        assert send(shared_client, head + text, media_type, "?dry_run=true").status in (200, 422)
