"""The file of refused rows: what a person corrects and imports again."""

from collections.abc import Sequence

import msgspec

from leads_adapters.files.columns import REFUSAL_COLUMNS
from leads_adapters.files.csv_export import csv_lines
from leads_adapters.files.ndjson_rows import Refused
from leads_adapters.lead_files import Row
from leads_domain.errors import LeadsError, ValidationFailed


def refused_header(header: Sequence[str]) -> bytes:
    """The first line of the file of refused rows, for the `header` of the file that was read.

    The file is CSV and can be imported as it is once its rows are corrected: `read_csv` passes over
    the columns `line` and `reason`, with which it starts.
    """
    return csv_lines([[*REFUSAL_COLUMNS, *header]])


def refused_line(row: Row, refusal: LeadsError) -> bytes:
    """A refused row of CSV with its line in the file that was read, the reason, and its cells as they stood there."""
    return csv_lines([[row.line, reason(refusal), *row.cells]])


def refused_json(row: Row, refusal: LeadsError) -> bytes:
    """A refused line of NDJSON as another one; `read_ndjson` passes over all but `row`, which is the line as it stood.

    A line that is no JSON stands there as text.
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
    """Return why a row was refused, with the member that each error is about."""
    if not isinstance(refusal, ValidationFailed):
        return str(refusal)
    return " ".join(f"{error.pointer.removeprefix('/')}: {error.detail}".removeprefix(": ") for error in refusal.errors)
