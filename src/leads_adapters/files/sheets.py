"""Read leads from spreadsheets: `.xlsx`, `.xls` and `.ods`."""

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, cast

import msgspec

from leads_adapters.files.columns import columns_of, is_header
from leads_adapters.files.csv_records import Record
from leads_adapters.files.table_rows import PREAMBLE_MAX, table_rows
from leads_adapters.lead_files import ColumnMap, FileRefused, LeadFile, Readable, ReadOptions

SPREADSHEET_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of spreadsheets: those of a ZIP archive, and of an OLE file."""

_PIECE = 2**16
_PROCESS = (sys.executable, "-P", "-m", "leads_adapters.files.sheet_process")
"""`-P`: do not import modules from the current folder, which can contain files of strangers."""
_TOO_LARGE = "The spreadsheet is too large, or damaged. Save the sheet as CSV and import that."
_decode = msgspec.json.Decoder(tuple[int, list[str], str | None] | dict[str, str]).decode


def read_spreadsheet(stream: Readable, options: ReadOptions = ReadOptions()) -> LeadFile:  # noqa: B008 - immutable
    """Return the leads in a sheet of a spreadsheet: of the first, unless the options name one.

    The columns are those of `columns_of`; rows before the header are left out. Raises `FileRefused` if the spreadsheet
    cannot be read, or if a required column is missing.
    """
    found = _records(stream, options.sheet)
    try:
        header, rows = _from_header(found, options.column_map)
        columns = columns_of(header, options.column_map)
    except BaseException:
        found.close()
        raise
    return LeadFile(columns.header, table_rows(rows, columns), tuple(columns.meanings()), lambda: None)


def _from_header(found: Iterator[Record], column_map: ColumnMap) -> tuple[Sequence[str], Iterator[Record]]:
    """Return the first row that names the required columns, or else the first row, and the rows after it."""
    first = [record for record in islice(found, PREAMBLE_MAX) if any(map(str.strip, record.cells))]
    if not first:
        raise FileRefused('The sheet is empty. Its first row must name the columns, such as "name" and "email".')
    header = next((i for i, record in enumerate(first) if is_header(record.cells, column_map)), 0)
    return first[header].cells, chain(first[header + 1 :], found)


def _records(stream: Readable, sheet: str | None) -> Generator[Record]:
    """Yield the rows of a sheet, from a process that converts them."""
    command = [*_PROCESS, *([] if sheet is None else [sheet])]
    process = Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)  # noqa: S603 - no shell, and our own program
    stdin, stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    try:
        with suppress(BrokenPipeError), stdin:
            while piece := stream.read(_PIECE):
                stdin.write(piece)
        for line in stdout:
            row = _decode(line)
            if isinstance(row, dict):
                raise FileRefused(row["error"])
            yield Record(*row)
        if process.wait():
            raise FileRefused(_TOO_LARGE)
    finally:
        process.kill()
        process.wait()
        stdout.close()
