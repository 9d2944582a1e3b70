"""Convert a spreadsheet on standard input to JSON lines: a process of its own, because no file may exhaust the service.

A small file can name a cell in the last row and column, or expand to gigabytes. The limits end only this process.
"""

import ctypes
import io
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from itertools import islice
from typing import BinaryIO

import msgspec
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, WorksheetNotFound

from leads_adapters.files.column_names import listed, quoted
from leads_adapters.files.lines import EXCERPT, LINE_MAX, TOO_LONG

MEMORY_MAX = 2**30
"""The memory that a spreadsheet may take, in bytes."""

SECONDS_MAX = 60
"""The processor time that a spreadsheet may take."""

CHUNK_ROWS = 100

_PR_SET_PDEATHSIG = 1  # prctl(2)

_REASON_MAX = 200


def main() -> None:
    """Write the rows of the sheet that the first argument names, or of the first sheet."""
    limit_resources()
    end_with_parent()
    content = sys.stdin.buffer.read()
    try:
        rows = sheet_rows(content, sys.argv[1] if len(sys.argv) > 1 else None)
    except ValueError as error:
        sys.stdout.buffer.write(msgspec.json.encode({"error": str(error)}) + b"\n")
        return
    _write(rows, sys.stdout.buffer)


def limit_resources() -> None:
    """Set the limits of this process that its system supports: macOS has none for memory, and Windows none at all."""
    with suppress(ImportError):
        import resource  # noqa: PLC0415

        limits = {resource.RLIMIT_AS: MEMORY_MAX, resource.RLIMIT_CPU: SECONDS_MAX, resource.RLIMIT_CORE: 0}
        for kind, limit in limits.items():
            with suppress(ValueError, OSError):  # not supported, or lower already
                resource.setrlimit(kind, (limit, limit))


def end_with_parent() -> None:
    """Let Linux kill this process when its parent ends: otherwise it would compute for another minute."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _write(rows: Iterator[tuple[int, list[str]]], stream: BinaryIO) -> None:
    while chunk := list(islice(rows, CHUNK_ROWS)):
        stream.write(b"".join(_line(*row) for row in chunk))


def _line(number: int, cells: list[str]) -> bytes:
    """Return a row as a line of JSON. A row that is too long has an error, so that it cannot fill the memory."""
    encoded = msgspec.json.encode((number, cells, None))
    if len(encoded) > LINE_MAX:
        encoded = msgspec.json.encode((number, ["\t".join(cells)[:EXCERPT]], TOO_LONG))
    return encoded + b"\n"


def sheet_rows(content: bytes, name: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers, from 1; raises `ValueError` with a reason for people."""
    try:
        sheet = _sheet(CalamineWorkbook.from_filelike(io.BytesIO(content)), name)
    except PasswordError:
        raise ValueError("The spreadsheet has a password. Remove it, or save the sheet as CSV.") from None
    except CalamineError as error:
        reason = str(error)[:_REASON_MAX].strip().rstrip(".")
        raise ValueError(f"The spreadsheet cannot be read: {reason}. Save the sheet as CSV and import that.") from None
    first = sheet.start[0] + 1 if sheet.start else 1
    return ((number, [text_of(cell) for cell in cells]) for number, cells in enumerate(sheet.iter_rows(), first))


def _sheet(workbook: CalamineWorkbook, name: str | None) -> CalamineSheet:
    names = workbook.sheet_names
    if not names:
        raise ValueError("The spreadsheet has no sheet.")
    try:
        return workbook.get_sheet_by_name(names[0] if name is None else name)
    except WorksheetNotFound:
        raise ValueError(f"There is no sheet {quoted(name or '')}. The spreadsheet has: {listed(names)}.") from None


def text_of(value: object) -> str:
    """Return the text of a cell as a spreadsheet shows it, and times in ISO 8601."""
    match value:
        case bool():
            return str(value).upper()
        case int() | float():
            return format(Decimal(format(value, ".15g")), "f")
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case _:
            return str(value)


if __name__ == "__main__":
    main()
