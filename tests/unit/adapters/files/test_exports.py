"""Test that an export can be imported without loss, in both formats."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, a_lead, a_phone, an_email
from fakes import PlainNormalizer
from leads_adapters.files.formats import READERS, WRITERS, Format
from leads_adapters.files.lead_fields import FIELDS
from leads_domain.details import (
    ATTRIBUTE_NAME_MAX,
    ATTRIBUTE_TEXT_MAX,
    ATTRIBUTES_MAX,
    NAME_MAX,
    REASON_MAX,
    check_new_details,
)
from leads_domain.errors import ValidationFailed
from leads_domain.events import rfc3339
from leads_domain.lead import ImportedState, Lead
from unit.adapters.files.special_texts import exactly, import_values, leads, typed

FORMATS = pytest.mark.parametrize("format_", list(Format))

A_LEAD = a_lead(
    phone=a_phone("+4915123456789"),
    status="lost",
    status_reason="=too dear",
    source="fair",
    owner=an_email("@sales@example.com"),
    do_not_contact=True,
    attributes={"company": "ACME", "size": 5},
    contacted_at=NOON + timedelta(microseconds=1),
)


def export(leads: list[Lead], format_: Format) -> bytes:
    return b"".join(WRITERS[format_](leads))


def read(content: bytes, format_: Format) -> list[dict[str, object]]:
    """Read rows without null and empty fields: CSV cannot distinguish them."""
    rows = []
    for row in READERS[format_](io.BytesIO(content)).rows:
        assert not isinstance(row.given, ValidationFailed)
        given = {field: typed(field, value) for field, value in row.given.items()}
        rows.append({field: value for field, value in given.items() if value})
    return rows


@FORMATS
@given(several=st.lists(leads(), max_size=4))
def test_an_export_is_imported_as_the_same_leads(format_: Format, several: list[Lead]) -> None:
    assert exactly(read(export(several, format_), format_)) == exactly([import_values(lead) for lead in several])


@FORMATS
@given(lead=leads())
def test_an_export_contains_status_and_times(format_: Format, lead: Lead) -> None:
    (row,) = READERS[format_](io.BytesIO(export([lead], format_))).rows
    assert row.state == ImportedState(
        status=lead.status,
        status_reason=lead.status_reason,
        created_at=lead.created_at,
        contacted_at=lead.contacted_at,
    )


@pytest.mark.parametrize("text", ["soon", "2026-11-22T06:15:00", "9999-12-31T23:59:59-14:00"])
def test_an_impossible_time_in_ndjson_refuses_its_row(text: str) -> None:
    exported = export([a_lead()], Format.NDJSON).decode().replace(rfc3339(a_lead().created_at), text, 1)
    (row,) = READERS[Format.NDJSON](io.BytesIO(exported.encode())).rows
    assert isinstance(row.given, ValidationFailed)
    assert [error.pointer for error in row.given.errors] == ["/created_at"]


@given(st.lists(leads(), min_size=1, max_size=4), st.sampled_from(";\t,"), st.permutations(FIELDS))
def test_an_export_saved_with_another_delimiter_and_order_is_imported_unchanged(
    several: list[Lead], delimiter: str, order: list[str]
) -> None:
    saved = io.StringIO()
    sheet = csv.DictWriter(saved, order, delimiter=delimiter)
    sheet.writeheader()
    sheet.writerows(csv.DictReader(io.StringIO(export(several, Format.CSV).decode(), newline="")))
    resaved = ("\ufeff" + saved.getvalue()).encode()
    assert exactly(read(resaved, Format.CSV)) == exactly([import_values(lead) for lead in several])


@given(leads())
def test_no_cell_of_an_export_is_a_formula(lead: Lead) -> None:
    for cells in csv.reader(io.StringIO(export([lead], Format.CSV).decode(), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


@FORMATS
def test_the_largest_possible_lead_is_imported_unchanged(format_: Format) -> None:
    longest_in_json = "\x01"
    lead = a_lead(
        name="x" + "\n" * (NAME_MAX - 2) + "x",
        status_reason="x" + "\r" * (REASON_MAX - 2) + "x",
        attributes={
            f"{number:02}{longest_in_json * (ATTRIBUTE_NAME_MAX - 2)}": longest_in_json * ATTRIBUTE_TEXT_MAX
            for number in range(ATTRIBUTES_MAX)
        },
    )
    assert read(export([lead], format_), format_) == [import_values(lead)]


@FORMATS
def test_an_imported_export_passes_the_checks_of_the_domain(format_: Format) -> None:
    (row,) = READERS[format_](io.BytesIO(export([A_LEAD], format_))).rows
    assert not isinstance(row.given, ValidationFailed)
    details = check_new_details(row.given, PlainNormalizer())
    assert {**details} == {
        "name": A_LEAD.name,
        "email": A_LEAD.email,
        "phone": A_LEAD.phone,
        "source": A_LEAD.source,
        "owner": A_LEAD.owner,
        "do_not_contact": True,
        "attributes": A_LEAD.attributes,
    }


def test_csv_has_a_header_and_quoted_cells() -> None:
    assert export([A_LEAD], Format.CSV).decode() == (
        "id,name,email,phone,status,status_reason,source,owner,do_not_contact,attributes,"
        "created_at,updated_at,contacted_at,next_follow_up_at,version\r\n"
        f"{A_LEAD.id},John Doe,john@example.com,'+4915123456789,lost,'=too dear,fair,'@sales@example.com,true,"
        '"{""company"":""ACME"",""size"":5}",'
        "2026-01-05T12:00:00.000000Z,2026-01-05T12:00:00.000000Z,2026-01-05T12:00:00.000001Z,,1\r\n"
    )


def test_ndjson_has_the_json_of_the_http_api() -> None:
    content = export([A_LEAD, a_lead()], Format.NDJSON)
    first, second = map(json.loads, content.decode().removesuffix("\n").split("\n"))
    assert first == {
        "id": A_LEAD.id,
        "name": "John Doe",
        "email": "john@example.com",
        "phone": "+4915123456789",
        "status": "lost",
        "status_reason": "=too dear",
        "source": "fair",
        "owner": "@sales@example.com",
        "do_not_contact": True,
        "attributes": {"company": "ACME", "size": 5},
        "created_at": "2026-01-05T12:00:00.000000Z",
        "updated_at": "2026-01-05T12:00:00.000000Z",
        "contacted_at": "2026-01-05T12:00:00.000001Z",
        "next_follow_up_at": None,
        "version": 1,
    }
    assert list(first) == list(FIELDS)
    assert second["attributes"] == {}
    assert second["phone"] is None


def test_an_export_without_leads_is_a_header_or_empty() -> None:
    assert export([], Format.CSV).decode() == ",".join(FIELDS) + "\r\n"
    assert export([], Format.NDJSON) == b""


@FORMATS
def test_leads_are_read_in_small_batches(format_: Format) -> None:
    count = 0

    def infinite() -> Iterator[Lead]:
        nonlocal count
        while True:
            count += 1
            yield A_LEAD

    chunks = WRITERS[format_](infinite())
    assert next(chunks)
    assert next(chunks)
    assert count <= 1000
