"""Test how NDJSON becomes rows of leads."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON
from leads_adapters.files.lines import LINE_MAX, NOT_UTF8, TOO_LONG
from leads_adapters.files.ndjson_rows import read_ndjson
from leads_adapters.lead_files import Row
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import ImportedState

UNKNOWN_FIELD = "This field is unknown. Remove it, or move it to `attributes`."


def rows(content: str | bytes) -> list[Row]:
    return list(read_ndjson(io.BytesIO(content.encode() if isinstance(content, str) else content)).rows)


def errors_of(content: str | bytes) -> list[FieldError]:
    (row,) = rows(content)
    assert isinstance(row.given, ValidationFailed)
    return list(row.given.errors)


@pytest.mark.parametrize("byte_order_mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_line_is_a_lead_and_blank_lines_are_skipped(byte_order_mark: str, end: str) -> None:
    lines = ['{"name": "Ann", "email": "a@x.org"}', "", "  ", '{"email": "b@x.org", "phone": null}']
    assert [(row.line, row.given) for row in rows(byte_order_mark + end.join(lines))] == [
        (1, {"name": "Ann", "email": "a@x.org"}),
        (4, {"email": "b@x.org", "phone": None}),
    ]


def test_attributes_keep_their_types() -> None:
    attributes = {"text": "5", "whole": 5, "part": 5.0, "yes": True, "none": None}
    (row,) = rows('{"attributes": {"text": "5", "whole": 5, "part": 5.0, "yes": true, "none": null}}')
    assert repr(row.given) == repr({"attributes": attributes})


def test_other_fields_of_an_export_are_ignored() -> None:
    content = '{"id": "x", "name": "Ann", "updated_at": [], "next_follow_up_at": 5, "version": "7"}'
    assert rows(content) == [Row(1, {"name": "Ann"}, (content,))]


def test_status_and_times_are_read_and_checked() -> None:
    (row,) = rows('{"name": "Ann", "status": "Lost", "created_at": "2026-01-05T12:00:00Z"}')
    assert row.state == ImportedState(status="Lost", created_at=NOON, status_attribute="status_as_given")
    assert errors_of('{"status": 5, "status_reason": [], "contacted_at": 7}') == [
        FieldError("/status", "Give text or null, not a number."),
        FieldError("/status_reason", "Give text or null, not a list."),
        FieldError("/contacted_at", "Give text or null, not a number."),
    ]
    assert errors_of('{"created_at": "soon"}') == [
        FieldError("/created_at", "Give a time such as 2026-11-22T06:15:00Z.")
    ]


def test_every_invalid_field_is_reported() -> None:
    content = '{"name": null, "email": 5, "phone": true, "owner": [], "attributes": {"a": {}, "b": 1}, "e/mail": "x"}'
    assert errors_of(content) == [
        FieldError("/name", "Give text, not null."),
        FieldError("/email", "Give text or null, not a number."),
        FieldError("/phone", "Give text or null, not true or false."),
        FieldError("/owner", "Give text or null, not a list."),
        FieldError("/attributes/a", "Give text, a number, true, false or null, not an object."),
        FieldError("/e~1mail", UNKNOWN_FIELD),
    ]


@pytest.mark.parametrize(("content", "kind"), [("[]", "a list"), ("5", "a number"), ('"a"', "text"), ("null", "null")])
def test_a_line_that_is_not_an_object_is_refused(content: str, kind: str) -> None:
    assert errors_of(content) == [FieldError("", f"Give one JSON object in each line, not {kind}.")]


def test_attributes_that_are_not_an_object_are_refused() -> None:
    assert errors_of('{"attributes": null}') == [
        FieldError("/attributes", 'Give an object such as {"company": "ACME"}, not null.')
    ]


@pytest.mark.parametrize("content", ["name,email", "{", '{"name": "\\ud800"}', '{"a": 1e999}', '{"a": NaN}', "{} {}"])
def test_a_line_that_is_not_json_is_refused(content: str) -> None:
    (error,) = errors_of(content)
    assert error.pointer == ""
    assert error.detail.startswith("This line is not JSON: ")


def test_a_line_that_is_not_utf8_is_refused_with_its_bytes() -> None:
    (row,) = rows(b'{"name": "M\xfcller"}')
    assert errors_of(b'{"name": "M\xfcller"}') == [FieldError("", NOT_UTF8)]
    assert row.cells[0].encode("utf-8", "surrogateescape") == b'{"name": "M\xfcller"}'


def test_a_line_that_is_nested_too_deeply_is_refused() -> None:
    assert errors_of("[" * 100_000) == [FieldError("", "This line is nested too deeply.")]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_read() -> None:
    long, after = rows('{"name": "' + "x" * LINE_MAX + '"}\n{"name": "Ann"}\n')
    assert isinstance(long.given, ValidationFailed)
    assert long.given.errors == (FieldError("", TOO_LONG),)
    assert len(long.cells[0]) == 1000
    assert after == Row(2, {"name": "Ann"}, ('{"name": "Ann"}',))


def test_a_refused_line_does_not_stop_the_others() -> None:
    assert [isinstance(row.given, ValidationFailed) for row in rows('{}\n{\n{"x": 1}\n{}\n')] == [
        False,
        True,
        True,
        False,
    ]


@given(st.text(alphabet='{}[]":,\\u0d8é1ea \n\r\0').map(str.encode) | st.binary())
def test_any_content_is_read_without_an_exception(content: bytes) -> None:
    for row in rows(content):
        assert row.line >= 1
