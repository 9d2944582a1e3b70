"""Test the file of refused rows, and that it can be imported reread."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.files.csv_export import write_csv
from leads_adapters.files.csv_rows import read_csv
from leads_adapters.files.lines import NOT_UTF8
from leads_adapters.files.ndjson_export import write_ndjson
from leads_adapters.files.ndjson_rows import read_ndjson
from leads_adapters.files.refused_rows import refused_header, refused_json, refused_line
from leads_adapters.lead_files import LeadFile
from leads_domain.errors import DuplicateLead, FieldError, LeadsError, ValidationFailed
from leads_domain.lead import Lead
from unit.adapters.files.special_texts import exactly, import_values, leads, texts, typed

REFUSAL = DuplicateLead("some-id")


def refused(file: LeadFile, refusal: LeadsError = REFUSAL) -> bytes:
    """Return the file of refused rows if every row of `file` is refused."""
    return refused_header(file.header) + b"".join(refused_line(row, refusal) for row in file.rows)


def csv_file(content: str | bytes) -> LeadFile:
    return read_csv(io.BytesIO(content.encode() if isinstance(content, str) else content))


def test_a_refused_row_has_its_line_the_reason_and_its_cells() -> None:
    content = refused(csv_file('Full Name;E-Mail;Company\n\n"Doe; John";=john;\n'))
    assert content.decode() == (
        "line,reason,Full Name,E-Mail,Company\r\n"
        "3,The lead some-id already has this e-mail address or phone number.,Doe; John,'=john,\r\n"
    )


def test_the_reason_lists_every_error() -> None:
    errors = [
        FieldError("", "Too long."),
        FieldError("/email", "No address."),
        FieldError("/attributes/a", "No number."),
    ]
    (cells,) = csv.reader([refused_line(next(csv_file("email,name\nx\n").rows), ValidationFailed(errors)).decode()])
    assert cells[1] == "Too long. email: No address. attributes/a: No number."


def refused_ndjson(content: bytes) -> bytes:
    """Return the file of refused rows if every line of NDJSON is refused."""
    return b"".join(refused_json(row, REFUSAL) for row in read_ndjson(io.BytesIO(content)).rows)


def test_a_refused_line_of_ndjson_has_its_number_and_the_reason() -> None:
    content = refused_ndjson(b'\n{"name": "Ann", "email": "x"}\n')
    reason = "The lead some-id already has this e-mail address or phone number."
    assert content.decode() == f'{{"line":2,"reason":"{reason}","row":{{"name": "Ann", "email": "x"}}}}\n'


@pytest.mark.parametrize(
    "line", [b"{", b"M\xfcller", b"[" * 5000, b'"text"', b"null", b'{"line":1}', b'{"line":1,"row":2}']
)
def test_refusing_a_refused_line_of_ndjson_again_does_not_change_it(line: bytes) -> None:
    once = refused_ndjson(line + b"\n")
    assert json.loads(once)["line"] == 1
    assert refused_ndjson(once) == once
    (row,) = read_ndjson(io.BytesIO(once)).rows
    assert isinstance(row.given, ValidationFailed)


@given(st.lists(leads(), max_size=4))
def test_refused_lines_of_an_ndjson_export_are_imported_unchanged(several: list[Lead]) -> None:
    exported = b"".join(write_ndjson(several))
    rows = list(read_ndjson(io.BytesIO(exported)).rows)
    reread = list(read_ndjson(io.BytesIO(refused_ndjson(refused_ndjson(exported)))).rows)
    assert exactly([row.given for row in reread]) == exactly([row.given for row in rows])
    assert [row.state for row in reread] == [row.state for row in rows]


def test_the_bytes_of_a_row_that_is_not_utf8_are_preserved_and_refused_again() -> None:
    content = refused(csv_file("email,name,größe\n".encode() + b"a@x.org,M\xfcller\n"))
    assert b"M\xfcller" in content
    (row,) = csv_file(content).rows
    assert isinstance(row.given, ValidationFailed)
    assert row.given.errors == (FieldError("", NOT_UTF8),)


def test_a_row_that_is_refused_twice_has_one_line_and_one_reason() -> None:
    once = refused(csv_file("email,=size,name\n@,+1,-\n"))
    twice = refused(csv_file(once))
    assert twice.decode().splitlines()[0] == "line,reason,email,'=size,name"
    assert twice.decode().splitlines()[1].startswith("2,The lead some-id")
    assert twice.decode().splitlines()[1].endswith(",'@,'+1,'-")


def test_a_row_with_only_line_and_reason_is_blank() -> None:
    assert list(csv_file("line,reason,email,name\n3,No address.,,\n").rows) == []


@given(st.lists(st.tuples(texts(), texts(), texts()), max_size=4))
def test_a_file_of_refused_rows_is_imported_unchanged(table: list[tuple[str, str, str]]) -> None:
    original = io.StringIO()
    csv.writer(original).writerows([("email", "Full Name", "=attribute"), *table])
    expected = [row.given for row in csv_file(original.getvalue()).rows]
    reread = refused(csv_file(original.getvalue()), ValidationFailed([FieldError("/email", "=1+1\n\"';")]))
    assert exactly([row.given for row in csv_file(reread).rows]) == exactly(expected)


@given(st.lists(leads(), min_size=1, max_size=4))
def test_refused_rows_of_a_csv_export_are_imported_unchanged(several: list[Lead]) -> None:
    reread = refused(csv_file(refused(csv_file(b"".join(write_csv(several))))))
    found = [
        {field: text for field, value in row.given.items() if (text := typed(field, value))}
        for row in csv_file(reread).rows
        if not isinstance(row.given, ValidationFailed)
    ]
    assert exactly(found) == exactly([import_values(lead) for lead in several])
