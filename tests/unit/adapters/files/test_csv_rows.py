"""Test how a CSV file becomes rows of leads."""

import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, islice, repeat
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.files.csv_rows import read_csv
from leads_adapters.files.lines import NOT_UTF8
from leads_adapters.lead_files import FileRefused, Row
from leads_domain.details import DetailsInput
from leads_domain.errors import FieldError, ValidationFailed


def rows(content: str | bytes) -> list[Row]:
    return list(read_csv(io.BytesIO(content.encode() if isinstance(content, str) else content)).rows)


def values_of(content: str | bytes) -> list[object]:
    return [row.given for row in rows(content)]


def errors_of(row: Row) -> tuple[FieldError, ...]:
    assert isinstance(row.given, ValidationFailed)
    return row.given.errors


@pytest.mark.parametrize("byte_order_mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_all_spreadsheets_are_read(byte_order_mark: str, delimiter: str, end: str) -> None:
    table = [["Full Name", "E-Mail", "Phone Number", "Lead Source", "Owner", "Company"]]
    table += [["Ann", "ann@example.com", "+4915123456789", "fair", "sales@example.com", "ACME"]]
    content = byte_order_mark + "".join(delimiter.join(cells) + end for cells in table)
    assert values_of(content) == [
        {
            "name": "Ann",
            "email": "ann@example.com",
            "phone": "+4915123456789",
            "source": "fair",
            "owner": "sales@example.com",
            "attributes": {"Company": "ACME"},
        }
    ]


def test_the_delimiter_that_gives_known_columns_is_used() -> None:
    assert values_of("Name;Notes, if any, or none, or such;E-Mail\nAnn;;a@x.org\n") == [
        {"name": "Ann", "email": "a@x.org"}
    ]


def test_a_column_name_can_be_quoted_and_have_two_lines() -> None:
    assert rows('"Shoe\nSize";email;name\n7;a@x.org;Ann\n')[0] == Row(
        3,
        {"email": "a@x.org", "name": "Ann", "attributes": {"Shoe Size": "7"}},
        ["7", "a@x.org", "Ann"],
        merge_attributes=True,
    )


def test_cells_are_trimmed_and_empty_cells_have_no_value() -> None:
    assert values_of("name,email,phone,company,city\n  , a@x.org ,\t,,  Bonn\u00a0\n") == [
        {"email": "a@x.org", "attributes": {"city": "Bonn"}}
    ]


def test_a_placeholder_for_an_address_or_a_number_is_no_value() -> None:
    assert values_of("name,email,phone,owner,code\nNull,a@x.org,NULL,N/A,-\nBob,-,n/a,,0\n") == [
        {"name": "Null", "email": "a@x.org", "attributes": {"code": "-"}},
        {"name": "Bob", "attributes": {"code": "0"}},
    ]


def test_blank_rows_are_skipped_but_count_as_lines() -> None:
    content = '\n \nname,email\n\n"A\nnn",a@x.org\n,\n ,,,\n\nBob,b@x.org'
    assert [(row.line, row.given) for row in rows(content)] == [
        (5, {"name": "A\nnn", "email": "a@x.org"}),
        (10, {"name": "Bob", "email": "b@x.org"}),
    ]


def test_missing_cells_at_the_right_are_empty_and_extra_empty_cells_are_ignored() -> None:
    assert values_of("email,name,phone\na@x.org\nb@x.org,Bob,,,\n") == [
        {"email": "a@x.org"},
        {"email": "b@x.org", "name": "Bob"},
    ]


def test_only_the_row_with_more_cells_than_columns_is_refused() -> None:
    bad, good = rows("email,name\na@x.org,Doe, Ann\nb@x.org,Bob\n")
    assert errors_of(bad) == (FieldError("", "This row has 3 cells, but the header has only 2 columns."),)
    assert list(bad.cells) == ["a@x.org", "Doe", "Ann"]
    assert good.given == {"email": "b@x.org", "name": "Bob"}


def test_a_cell_in_a_column_without_a_name_is_refused_unless_it_is_empty() -> None:
    bad, good = rows("email,,name\na@x.org,lost?,Ann\nb@x.org,,Bob\n")
    assert errors_of(bad) == (
        FieldError("", "Cell 2 is in a column without a name. Name the column, or empty the cell."),
    )
    assert good.given == {"email": "b@x.org", "name": "Bob"}


def test_only_the_row_that_is_not_utf8_is_refused_with_its_bytes() -> None:
    bad, good = rows("email,name,größe\n".encode() + b"a@x.org,M\xfcller\nb@x.org,Bob\n")
    assert errors_of(bad) == (FieldError("", NOT_UTF8),)
    assert bad.cells[1].encode("utf-8", "surrogateescape") == b"M\xfcller"
    assert good.given == {"email": "b@x.org", "name": "Bob"}


def test_only_the_row_with_unpaired_quotation_marks_is_refused() -> None:
    bad, good = rows('name,email\n"Ann,a@x.org\nBob,b@x.org\n')
    assert "quotation mark" in errors_of(bad)[0].detail
    assert (good.line, good.given) == (3, {"name": "Bob", "email": "b@x.org"})


def test_other_nul_characters_are_passed_to_the_domain() -> None:
    assert values_of("name,email\nA\0nn,a@x.org\n") == [{"name": "A\0nn", "email": "a@x.org"}]


def test_an_apostrophe_before_a_formula_character_is_removed_in_every_column() -> None:
    assert values_of("name,email,'=Shoes\n'-Dash & Co,a@x.org,'+1\n=1+1,b@x.org,'5\n''@Ann,c@x.org,\n") == [
        {"name": "-Dash & Co", "email": "a@x.org", "attributes": {"=Shoes": "+1"}},
        {"name": "=1+1", "email": "b@x.org", "attributes": {"=Shoes": "'5"}},
        {"name": "'@Ann", "email": "c@x.org"},
    ]


def test_a_column_with_the_name_attributes_contains_json() -> None:
    for name in ("attributes", "ATTRIBUTES"):
        assert values_of(f'email,{name},city,name\na@x.org,"{{""size"": 5, ""vip"": true}}",Bonn\nb@x.org,,\n') == [
            {"email": "a@x.org", "attributes": {"city": "Bonn", "size": 5, "vip": True}},
            {"email": "b@x.org"},
        ]


@pytest.mark.parametrize(
    ("attributes", "pointer", "detail"),
    [
        ("vip", "/attributes", 'Give a JSON object such as {"company": "ACME"}.'),
        ("[" * 5000, "/attributes", 'Give a JSON object such as {"company": "ACME"}.'),
        ("[1]", "/attributes", 'Give an object such as {"company": "ACME"}, not a list.'),
        ('{"a/b": [1]}', "/attributes/a~1b", "Give text, a number, true, false or null, not a list."),
        (
            '{"city": 1}',
            "/attributes/city",
            "This attribute has a column and is in `attributes`, too. Remove one of them.",
        ),
    ],
)
def test_invalid_attributes_are_refused_at_their_pointer(attributes: str, pointer: str, detail: str) -> None:
    quoted = attributes.replace('"', '""')
    (row,) = rows(f'email,attributes,city,name\na@x.org,"{quoted}",Bonn\n')
    assert errors_of(row) == (FieldError(pointer, detail),)


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\r\n \n", "\0\0\n"])
def test_an_empty_file_is_refused(content: str) -> None:
    with pytest.raises(FileRefused, match=r"^The file is empty\. Its first row must name the columns"):
        rows(content)


@pytest.mark.parametrize("content", ["Ann,ann@example.com\n", "name,company\nAnn,1\n", '""\nx\n'])
def test_a_file_without_a_column_for_email_or_phone_is_refused(content: str) -> None:
    with pytest.raises(FileRefused, match=r'^There is no column "email" or "phone"'):
        rows(content)


def test_a_file_needs_no_email_column_if_it_has_a_phone_column() -> None:
    assert values_of("name,Mobile\nAnn,+49 30 123456\n") == [{"name": "Ann", "phone": "+49 30 123456"}]


@pytest.mark.parametrize(
    "header",
    ["First Name,Last Name,Email", "Vorname;Name;E-Mail", "Prénom;Nom;Courriel", "Nombre,Apellidos,Correo"],
)
def test_first_and_last_name_are_joined(header: str) -> None:
    content = header.replace(";", ",") + "\nAda,Muster,a@x.org\nAda,,b@x.org\n,Muster,c@x.org\n,,d@x.org\n"
    names = [cast(DetailsInput, values).get("name") for values in values_of(content)]
    assert names == ["Ada Muster", "Ada", "Muster", None]


def test_a_full_name_is_used_before_its_parts_which_become_attributes() -> None:
    assert values_of("Name,Vorname,Nachname,email\nAda M.,Ada,Muster,a@x.org\n,Ada,Muster,b@x.org\n") == [
        {"name": "Ada M.", "email": "a@x.org", "attributes": {"Vorname": "Ada", "Nachname": "Muster"}},
        {"name": "Ada Muster", "email": "b@x.org"},
    ]


def test_the_first_email_address_and_phone_number_count_and_the_others_become_attributes() -> None:
    header = "Name,Work Email,Home Email,Phone,Mobile\n"
    assert values_of(
        f"{header}A,a@x.org,b@x.org,+491,+492\nB,,b@x.org,,p:+492\nC,n/a,c@x.org,0,\nD,d@x.org ::: e@x.org,,1,-\n"
    ) == [
        {
            "name": "A",
            "email": "a@x.org",
            "phone": "+491",
            "attributes": {"Home Email": "b@x.org", "Mobile": "+492"},
        },
        {"name": "B", "email": "b@x.org", "phone": "+492"},
        {"name": "C", "email": "c@x.org"},
        {"name": "D", "email": "d@x.org", "phone": "1", "attributes": {"Work Email": "e@x.org"}},
    ]


def test_a_row_keeps_the_first_attributes_and_warns_of_the_others() -> None:
    header = ",".join(f"c{number}" for number in range(60))
    (row, few) = rows(f"name,email,{header}\nA,a@x.org{',x' * 60}\nB,b@x.org{',' * 40},x\n")
    assert not isinstance(row.given, ValidationFailed)
    assert list(row.given["attributes"]) == [f"c{number}" for number in range(50)]
    assert (row.warnings, few.warnings) == (1, 0)


@pytest.mark.parametrize(
    "preamble",
    [
        "sep=;\r\n",
        '"sep=;"\n',
        "\ufeffsep=;\n",
        'Notes:\n"When exporting, some of the ""e-mail"" addresses; names may be missing."\n\n',
        "Customers of 2026\nas of today;;\n\n\n",
        "\0\0\n",
    ],
)
def test_lines_before_the_header_are_left_out(preamble: str) -> None:
    (row,) = rows(f"{preamble}name;email, or none, none;e-mail\nAnn;x;a@x.org\n\n;;\n\n")
    assert row.given == {"name": "Ann", "email": "a@x.org", "attributes": {"email, or none, none": "x"}}
    assert row.line == preamble.count("\n") + 2


def test_the_header_is_not_looked_for_after_twenty_rows() -> None:
    with pytest.raises(FileRefused, match=r'no column "email" or "phone".*It reads: "title"'):
        rows("title\n" + "x\n" * 20 + "name,email\nA,a@x.org\n")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_another_encoding_is_read(encoding: str) -> None:
    lead_file = read_csv(io.BytesIO("email\tname\tOrt\na@x.org\tJörg Müller\tKöln Süd\n".encode(encoding)))
    assert [row.given for row in lead_file.rows] == [
        {"email": "a@x.org", "name": "Jörg Müller", "attributes": {"Ort": "Köln Süd"}}
    ]
    assert lead_file.encoding() == encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")


def test_nul_characters_around_cells_and_at_the_end_are_left_out() -> None:
    content = "name,email\0\0\nAnn\0\0\0,\0a@x.org\n\0\0,\0\n\0\0\0\0\0"
    assert values_of(content) == [{"name": "Ann", "email": "a@x.org"}]


@pytest.mark.parametrize("header", ["Name,Vorname,Nachname,email", "Full Name,First Name,email", "name,nickname,email"])
def test_a_file_with_full_and_split_names_is_accepted(header: str) -> None:
    assert rows(header + "\n") == []


def test_a_file_without_a_name_column_is_refused() -> None:
    with pytest.raises(FileRefused, match=r'^There is no column "name".*"email", "company"'):
        rows("email,company\n")


@pytest.mark.parametrize(
    ("header", "cells", "attributes", "status"),
    [
        ("Status", "Won", {}, "Won"),
        ("lead status", "Won", {}, "Won"),
        ("id,version,created_at,updated_at", "17,2.1,5 May,6 May", "all", None),
        ("ID,Version,updated_at", "01900000-0000-7000-8000-000000000001,3,2026-01-05T12:00:00.000000Z", {}, None),
        ("id,contacted_at", "17,", {}, None),
        ("Status Reason", "Too dear", "all", None),
        ("Contacted At", "in May", "all", None),
        ("Created At,Contacted At,Updated At", ",,2026-01-05T12:00:00.000000Z", {}, None),
    ],
)
def test_an_assigned_field_is_an_attribute_only_if_no_export_can_have_written_it(
    header: str, cells: str, attributes: dict[str, str] | str, status: str | None
) -> None:
    (row,) = rows(f"name,email,{header}\nAnn,a@x.org,{cells}\n")
    expected = dict(zip(header.split(","), cells.split(","), strict=True)) if attributes == "all" else attributes
    assert not isinstance(row.given, ValidationFailed)
    assert row.given.get("attributes", {}) == expected
    assert (row.state and row.state.status) == status
    assert not row.state or row.state.status_attribute == "status_as_given"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-28T12:39:00.000000Z", datetime(2026, 11, 28, 12, 39, tzinfo=UTC)),
        ("2026-11-28 12:39", datetime(2026, 11, 28, 12, 39, tzinfo=UTC)),
        ("2026-11-28 12:39:00+01:00", datetime(2026, 11, 28, 11, 39, tzinfo=UTC)),
        ("28.11.2026 12:00", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("#######", None),
    ],
)
def test_a_time_that_a_spreadsheet_changed_is_read_if_clear_and_never_refuses_a_row(
    text: str, expected: datetime | None
) -> None:
    (row,) = rows(f"name,email,status,created_at,contacted_at\nAnn,a@x.org,lost,{text},{text}\n")
    assert row.given == {"name": "Ann", "email": "a@x.org"}
    assert row.state is not None
    assert (row.state.created_at, row.state.contacted_at) == (expected, expected)


@pytest.mark.parametrize("content", ['"email,name\nAnn,a@x.org\n', "email," + "x" * 2_000_000, '"email' + "x\n" * 90])
def test_a_header_that_cannot_be_read_is_refused(content: str) -> None:
    with pytest.raises(FileRefused, match=r"^The column names in line 1 cannot be read\."):
        rows(content)


class InfiniteFile(io.RawIOBase):
    """An infinite file that counts the bytes that were read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = lines
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        line = next(self.lines)
        buffer[: len(line)] = line
        self.count += len(line)
        return len(line)


def test_rows_are_read_only_on_demand() -> None:
    stream = InfiniteFile(chain([b"email,name\n"], repeat(b"a@x.org,\n")))
    found = read_csv(stream).rows
    assert len(list(islice(found, 1000))) == 1000
    assert stream.count < 100_000


_MALFORMED = st.text(alphabet="',;\t\"\n\r =a@.ü\0", max_size=40).map(str.encode) | st.binary(max_size=40)


@given(_MALFORMED)
def test_any_content_is_read_without_an_exception(content: bytes) -> None:
    for row in rows(b"email,name,attributes\n" + content):
        assert row.given
        assert row.line >= 2


@given(_MALFORMED)
def test_any_header_is_read_or_refused(content: bytes) -> None:
    with suppress(FileRefused):
        rows(content)


@given(st.lists(st.text(alphabet='",;a @\t', max_size=12), max_size=6))
def test_the_last_row_is_read_after_any_other_rows(lines: list[str]) -> None:
    *_, last = rows("email;name\n" + "".join(f"{line}\n" for line in lines) + 'z@x.org;"Zoe;\nInc"\n')
    assert last == Row(
        len(lines) + 2, {"email": "z@x.org", "name": "Zoe;\nInc"}, ["z@x.org", "Zoe;\nInc"], merge_attributes=True
    )
