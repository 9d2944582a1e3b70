"""Read leads from NDJSON files: one JSON object in each line."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO, cast

import msgspec

from leads_adapters.files.lead_fields import (
    ASSIGNED_FIELDS,
    INPUT_FIELDS,
    ROW_ERRORS_MAX,
    attribute_errors,
    imported_state,
    is_export,
    kind,
)
from leads_adapters.files.lines import EXCERPT, LINE_MAX, NOT_UTF8, TOO_LONG, byte_lines
from leads_adapters.lead_files import FileRefused, LeadFile, ReadOptions, Row
from leads_domain.details import DetailsInput
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import ImportedState
from leads_domain.lenient import as_given

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STATE_TEXTS = ("status", "status_reason", "created_at", "contacted_at")


class Refused(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a file of refused rows: the number of the line, the reason, and the row itself."""

    line: int
    reason: str
    row: msgspec.Raw


_refused = msgspec.json.Decoder(Refused)
_REFUSED_START = b'{"line":'


def read_ndjson(stream: BinaryIO, options: ReadOptions = ReadOptions()) -> LeadFile:  # noqa: B008 - immutable
    """Return the leads in an NDJSON file, validated as strictly as over HTTP.

    Fields that the service sets are ignored, or become the imported state of a new lead: thus an export can be
    imported. A row with unknown fields or wrong types is a `ValidationFailed` with all its errors, and does not affect
    other rows. Blank lines are left out. The only cell of a row is the line itself; in a file of refused rows, it is
    the `row` of the line.
    """
    if options != ReadOptions():
        raise FileRefused("NDJSON has neither columns to map nor sheets. Leave out `map` and `sheet`.")
    return LeadFile(("row",), _rows(stream))


def _rows(stream: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(byte_lines(stream), 1):
        text = _row(line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line)
        if not text.strip():
            continue
        details: DetailsInput | ValidationFailed
        state: ImportedState | None = None
        try:
            details, state = _read(text)
        except ValidationFailed as invalid:
            details = invalid
        yield Row(number, details, (_excerpt(text),), state)


def _row(line: bytes) -> bytes:
    if line.startswith(_REFUSED_START):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return bytes(_refused.decode(line).row)
    return line


def _read(line: bytes) -> tuple[DetailsInput, ImportedState | None]:
    lead = _decoded(line)
    if not isinstance(lead, dict):
        raise ValidationFailed.because(f"Give one JSON object in each line, not {kind(lead)}.")
    if errors := list(islice(_errors(lead), ROW_ERRORS_MAX)):
        raise ValidationFailed(errors)
    details = cast(DetailsInput, {field: value for field, value in lead.items() if field not in ASSIGNED_FIELDS})
    return details, imported_state(lead, None if is_export(lead) else as_given("status"))


def _decoded(line: bytes) -> object:
    if len(line) > LINE_MAX:
        raise ValidationFailed.because(TOO_LONG)
    try:
        return msgspec.json.decode(line)
    except UnicodeDecodeError:
        raise ValidationFailed.because(NOT_UTF8) from None
    except RecursionError:
        raise ValidationFailed.because("This line is nested too deeply.") from None
    except msgspec.DecodeError as error:
        raise ValidationFailed.because(f"This line is not JSON: {error}.") from None


def _errors(lead: Mapping[str, Any]) -> Iterator[FieldError]:
    for field, value in lead.items():
        if field == "attributes":
            yield from (error.under(field) for error in attribute_errors(value))
        elif field == "do_not_contact":
            if not isinstance(value, bool):
                yield FieldError("", f"Give true or false, not {kind(value)}.").under(field)
        elif field in INPUT_FIELDS:
            if not isinstance(value, str) and (value is not None or field == "name"):
                expected = "text" if field == "name" else "text or null"
                yield FieldError("", f"Give {expected}, not {kind(value)}.").under(field)
        elif field in _STATE_TEXTS:
            if value is not None and not isinstance(value, str):
                yield FieldError("", f"Give text or null, not {kind(value)}.").under(field)
        elif field not in ASSIGNED_FIELDS:
            yield FieldError("", "This field is unknown. Remove it, or move it to `attributes`.").under(field)


def _excerpt(line: bytes) -> str:
    excerpt = line if len(line) <= LINE_MAX else line[:EXCERPT]
    return excerpt.decode("utf-8", "surrogateescape").strip()
