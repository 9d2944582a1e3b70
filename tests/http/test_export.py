"""Test GET /leads/export."""

import csv
import io
import json
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any, cast

import pytest
from dependency_injector import providers

from leads_adapters.database import Database
from leads_adapters.http.negotiation import RANGES_MAX, preferred_media_type
from leads_adapters.transfer import PAGE_SIZE
from leads_domain.errors import Unavailable
from rest import JOHN, Api, Service

CSV = "text/csv"
NDJSON = "application/x-ndjson"


@pytest.fixture
def admin(service: Service) -> Api:
    return service.client("admin")


def cells(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def fill(admin: Api, number: int) -> None:
    body = b"name,email\n" + b"".join(f"Ann,a{each}@example.com\n".encode() for each in range(number))
    admin.request("POST", "/leads/import", body, headers={"content-type": CSV}).expect(200)


def test_all_leads_are_exported_once_oldest_first(admin: Api) -> None:
    fill(admin, 2 * PAGE_SIZE + 1)
    in_csv = admin.get("/leads/export").expect(200)
    in_ndjson = admin.get("/leads/export", accept=NDJSON).expect(200)
    listed = [lead for page in admin.pages("/leads?sort=created_at&limit=200") for lead in page["items"]]

    assert [json.loads(line) for line in in_ndjson.body.splitlines()] == listed
    assert [row["id"] for row in cells(in_csv.body)] == [lead["id"] for lead in listed]
    assert in_csv.complete
    assert in_ndjson.complete


def test_an_export_has_a_file_name_and_a_media_type(admin: Api) -> None:
    for accept, media_type, name in ((CSV, "text/csv; charset=utf-8", "leads.csv"), (NDJSON, NDJSON, "leads.ndjson")):
        headers = admin.get("/leads/export", accept=accept).expect(200).headers
        assert headers["content-type"] == media_type
        assert headers["content-disposition"] == f'attachment; filename="{name}"'
        assert headers["vary"] == "accept"
        assert "content-length" not in headers


def test_an_export_without_leads_has_only_a_header_in_csv(admin: Api) -> None:
    assert admin.get("/leads/export").expect(200).body.startswith(b"id,name,email,")
    assert admin.get("/leads/export", accept=NDJSON).expect(200).body == b""


def test_an_export_accepts_the_filters_of_the_list(admin: Api) -> None:
    fill(admin, 3)
    john = admin.post("/leads", JOHN).expect(201).headers["location"]
    admin.patch(john, {"status": "contacted"}).expect(200)

    assert [row["name"] for row in cells(admin.get("/leads/export?status=contacted").body)] == ["John Doe"]
    assert [row["name"] for row in cells(admin.get("/leads/export?email=A1@Example.com").body)] == ["Ann"]
    assert len(cells(admin.get("/leads/export?status=contacted&status=new").body)) == 4


@pytest.mark.parametrize(
    "query", ["status=won", "email=nobody", "limit=5", "cursor=x", "sort=created_at", "format=csv"]
)
def test_an_export_refuses_parameters_that_are_not_filters(admin: Api, query: str) -> None:
    admin.get(f"/leads/export?{query}").expect_problem(400, "malformed-request")


def test_only_administrators_can_export(service: Service) -> None:
    for role in ("capture", "read", "agent"):
        assert service.client(role).get("/leads/export").expect_problem(403, "forbidden")["role"] == "admin"
    service.anonymous().get("/leads/export").expect_problem(401, "unauthorized")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", CSV),
        ("*/*", CSV),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", CSV),
        (NDJSON, NDJSON),
        ("Application/X-NDJSON ; q=0.5", NDJSON),
        ("text/csv;q=0.5, application/x-ndjson", NDJSON),
        ("text/*;q=0.2, application/*;q=0.3", NDJSON),
        ("*/*, text/csv;q=0", NDJSON),
        ("text/csv;q=0.1, */*;q=0.9", NDJSON),
        ("text/csv;q=high, */*;q=0.1", CSV),
        ("application/json", None),
        ("text/csv;q=0", None),
        ("text/csv;q=0.0, application/x-ndjson;q=0.000", None),
        ("csv", None),
    ],
)
def test_the_client_chooses_the_format(accept: str, expected: str | None) -> None:
    scope: Any = {"headers": [(b"accept", accept.encode())] if accept else []}
    assert preferred_media_type(scope, [CSV, NDJSON]) == expected


def test_only_the_first_media_ranges_are_read() -> None:
    scope: Any = {"headers": [(b"accept", b"a/b," * (RANGES_MAX - 1) + NDJSON.encode())]}
    assert preferred_media_type(scope, [CSV, NDJSON]) == NDJSON
    scope = {"headers": [(b"accept", b"a/b," * RANGES_MAX + NDJSON.encode())]}
    assert preferred_media_type(scope, [CSV, NDJSON]) is None


def test_several_accept_headers_are_one_list() -> None:
    scope: Any = {"headers": [(b"accept", b"text/html"), (b"accept", NDJSON.encode())]}
    assert preferred_media_type(scope, [CSV, NDJSON]) == NDJSON


def test_an_unknown_format_is_refused(admin: Api) -> None:
    problem = admin.get("/leads/export", accept="application/json").expect_problem(406, "not-acceptable")
    assert "`text/csv` or `application/x-ndjson`" in problem["detail"]


OUTAGE = Unavailable("The disk is away.")


class CountingDatabase:
    """A database that counts background reads and fails with `error` from read number `fail_at` on."""

    def __init__(self, database: Database, fail_at: int | None, error: Exception) -> None:
        self.read_background_there = database.read_background
        self.write = database.write
        self.fail_at = fail_at
        self.error = error
        self.number = 0

    async def read_background(self, *asked: Any) -> Any:
        if self.number == self.fail_at:
            raise self.error
        self.number += 1
        return await self.read_background_there(*asked)


def with_pages(
    service: Service, pages: int, fail_at: int | None = None, error: Exception = OUTAGE
) -> tuple[Api, CountingDatabase]:
    """Create leads for this number of pages; return an administrator and the counting database."""
    importing = service.container.importing()
    reads = CountingDatabase(importing.database, fail_at, error)
    service.container.importing.override(providers.Object(replace(importing, database=cast(Database, reads))))
    admin = service.client("admin")
    fill(admin, pages * PAGE_SIZE)
    return admin, reads


def errors(log: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in log if line["log_level"] == "error"]


def test_an_error_before_the_first_byte_is_a_problem(service: Service) -> None:
    admin, _ = with_pages(service, 1, fail_at=0)
    admin.get("/leads/export").expect_problem(503, "unavailable")


def test_an_error_during_the_body_aborts_it_and_is_logged(
    service: Service, log: list[MutableMapping[str, Any]]
) -> None:
    admin, _ = with_pages(service, 3, fail_at=2, error=ValueError("a1@example.com"))
    response = admin.get("/leads/export", x_request_id="broken").expect(200)

    assert not response.complete
    assert len(cells(response.body)) >= PAGE_SIZE
    (error,) = errors(log)
    assert error["request_id"] == "broken"
    assert "a1@example.com" not in str(error)


def test_an_outage_during_the_body_aborts_it_and_is_no_fault(
    service: Service, log: list[MutableMapping[str, Any]]
) -> None:
    admin, _ = with_pages(service, 3, fail_at=2)

    assert not admin.get("/leads/export").expect(200).complete
    assert errors(log) == []


def test_head_does_not_read_leads(service: Service) -> None:
    admin, reads = with_pages(service, 1)
    get, head = admin.get("/leads/export"), admin.request("HEAD", "/leads/export")

    assert reads.number == 1
    assert head.expect(200).body == b""
    assert head.headers.keys() == get.headers.keys()


def test_reading_stops_when_the_client_has_disconnected(service: Service) -> None:
    admin, reads = with_pages(service, 5)
    admin.request("GET", "/leads/export", disconnects=True)
    assert reads.number < 4
