"""Reading leads from NDJSON files: one JSON object in each line."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, cast

import msgspec

from leads_adapters.files.lines import EXCERPT, LINE_MAX, NOT_UTF8, TOO_LONG, byte_lines
from leads_adapters.files.members import ASSIGNED, GIVEN, attribute_errors, imported_state, is_own, kind
from leads_adapters.lead_files import LeadFile, Row
from leads_domain.details import DetailsInput
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import ImportedState

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TEXT = ("name", "email")
_TEXT_OF_STATE = ("status", "status_reason", "created_at", "contacted_at")


class Refused(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a file of refused rows: where the row stood, why it was refused, and the row."""

    line: int
    reason: str
    row: msgspec.Raw


_refused = msgspec.json.Decoder(Refused)
_REFUSED_START = b'{"line":'


def read_ndjson(stream: BinaryIO) -> LeadFile:
    """The leads in an NDJSON file, as strictly checked as over HTTP.

    Members that the service assigns itself are passed over, so that an export can be read, or
    become the imported state of a new lead. Unknown members and wrong types make a
    row `ValidationFailed`, with every error. Blank lines are left out. A line that cannot be read never stops
    the rest. A row's only cell is the line itself; of a line of refused rows, what it says the row is.
    """
    return LeadFile(("row",), _rows(stream))


def _rows(stream: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(byte_lines(stream), 1):
        text = _row(line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line)
        if not text.strip():
            continue
        given: DetailsInput | ValidationFailed
        state: ImportedState | None = None
        try:
            given, state = _read(text)
        except ValidationFailed as invalid:
            given = invalid
        yield Row(number, given, (_shown(text),), state)


def _row(line: bytes) -> bytes:
    if line.startswith(_REFUSED_START):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return bytes(_refused.decode(line).row)
    return line


def _read(line: bytes) -> tuple[DetailsInput, ImportedState | None]:
    lead = _decoded(line)
    if not isinstance(lead, dict):
        raise ValidationFailed.because(f"Give one JSON object in each line, not {kind(lead)}.")
    if errors := _errors(lead):
        raise ValidationFailed(errors)
    given = cast(DetailsInput, {member: value for member, value in lead.items() if member not in ASSIGNED})
    return given, imported_state(lead, None if is_own(lead) else "status")


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


def _errors(lead: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    for member, value in lead.items():
        if member == "attributes":
            errors += [error.under(member) for error in attribute_errors(value)]
        elif member in GIVEN:
            if not isinstance(value, str) and (value is not None or member in _TEXT):
                expected = "text" if member in _TEXT else "text or null"
                errors.append(FieldError("", f"Give {expected}, not {kind(value)}.").under(member))
        elif member in _TEXT_OF_STATE:
            if value is not None and not isinstance(value, str):
                errors.append(FieldError("", f"Give text or null, not {kind(value)}.").under(member))
        elif member not in ASSIGNED:
            errors.append(
                FieldError("", "There is no such member; put it among the attributes or leave it out.").under(member)
            )
    return errors


def _shown(line: bytes) -> str:
    excerpt = line if len(line) <= LINE_MAX else line[:EXCERPT]
    return excerpt.decode("utf-8", "surrogateescape").strip()
