"""Format refused rows, so that users can correct them and import them again."""

from collections.abc import Sequence

import msgspec

from leads_adapters.files.column_names import REFUSAL_COLUMNS
from leads_adapters.files.csv_export import csv_lines
from leads_adapters.files.ndjson_rows import Refused
from leads_adapters.lead_files import Row
from leads_domain.errors import LeadsError, ValidationFailed


def refused_header(header: Sequence[str]) -> bytes:
    """Return the first line of a CSV file of refused rows, for the `header` of the imported file.

    The corrected file can be imported: `read_csv` skips the columns `line` and `reason` at its start.
    """
    return csv_lines([[*REFUSAL_COLUMNS, *header]])


def refused_line(row: Row, refusal: LeadsError) -> bytes:
    """Return a refused row as CSV: its line number in the imported file, the reason, and its original cells."""
    return csv_lines([[row.line, reason(refusal), *row.cells]])


def refused_json(row: Row, refusal: LeadsError) -> bytes:
    """Return a refused line as NDJSON.

    `read_ndjson` reads only its `row`: the original line, or a string with that line if it is not JSON.
    """
    (text,) = row.cells
    return msgspec.json.encode(Refused(row.line, reason(refusal), _json(text))) + b"\n"


def _json(text: str) -> msgspec.Raw:
    raw = text.encode("utf-8", "surrogateescape")
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raw = msgspec.json.encode(raw.decode("utf-8", "replace"))
    return msgspec.Raw(raw)


def reason(refusal: LeadsError) -> str:
    """Return why a row was refused, with the field of each error."""
    if not isinstance(refusal, ValidationFailed):
        return str(refusal)
    return " ".join(f"{error.pointer.removeprefix('/')}: {error.detail}".removeprefix(": ") for error in refusal.errors)
