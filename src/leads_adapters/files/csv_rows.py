"""Read leads from CSV files of spreadsheets, of other programs, and of this service."""

import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from leads_adapters.files.column_names import COLUMNS_MAX
from leads_adapters.files.columns import columns_of, field_of, is_header
from leads_adapters.files.csv_records import DELIMITERS, guessed, records
from leads_adapters.files.encodings import Utf8Stream
from leads_adapters.files.lines import text_lines
from leads_adapters.files.table_rows import PREAMBLE_MAX, encoding_error, table_rows
from leads_adapters.lead_files import ColumnMap, FileRefused, LeadFile, Readable, ReadOptions

_HEAD_LINES = 50
_HEAD_EXCERPT = 2**16
"""The number of characters of a record by which its delimiter is found. The CSV reader refuses longer cells."""
_SEPARATOR = re.compile(r'"?sep=(.)"?[\s,;]*', re.IGNORECASE)


def read_csv(stream: Readable, options: ReadOptions = ReadOptions()) -> LeadFile:  # noqa: B008 - immutable
    """Return the leads in a CSV file (RFC 4180, any encoding; delimited by commas, semicolons, tabs or bars).

    The first row that names the required columns is the header (see `columns_of`); raises `FileRefused` if there is
    none. An Excel line such as `sep=;` before it sets the delimiter; other lines before it are left out. A row that
    cannot be read is a `ValidationFailed` and does not affect other rows.
    """
    if options.sheet is not None:
        raise FileRefused("A CSV file has no sheets. Leave out the name of the sheet.")
    decoded = Utf8Stream(stream)
    lines = text_lines(io.BufferedReader(decoded))
    head = _head(lines, options.column_map)
    found = records(chain(head.lines, lines), head.delimiter, head.number)
    header = next(found)
    if error := header.error or encoding_error("".join(header.cells)):
        raise FileRefused(f"The column names in line {head.number} cannot be read. {error}")
    columns = columns_of(header.cells, options.column_map)
    return LeadFile(columns.header, table_rows(found, columns), tuple(columns.meanings()), lambda: decoded.encoding)


class _Head(NamedTuple):
    """The first lines from the header on, the number of the first of them, and the delimiter."""

    lines: Sequence[str]
    number: int
    delimiter: str


def _head(lines: Iterator[str], column_map: ColumnMap) -> _Head:
    """Return the head of a file: from the first row on that names the required columns, or else has text."""
    first_lines = list(islice(lines, _HEAD_LINES))
    starts = [number for number, line in enumerate(first_lines) if line.strip("\0 \t\r\n")]
    delimiters: Sequence[str] = DELIMITERS
    if starts and (separator := _SEPARATOR.fullmatch(first_lines[starts[0]])) and separator[1] in DELIMITERS:
        delimiters = (separator[1],)
        starts = starts[1:]
    first: _Head | None = None
    for start in starts[:PREAMBLE_MAX]:
        delimiter, cells = _split(_record(first_lines[start:]), delimiters)
        head = _Head(first_lines[start:], start + 1, delimiter)
        if is_header(cells, column_map):
            return head
        first = first or head
    if first is None:
        raise FileRefused('The file is empty. Its first row must name the columns, such as "name" and "email".')
    return first


def _record(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of the first record, up to `_HEAD_EXCERPT` characters."""
    record: list[str] = []
    quotation_marks = size = 0
    for line in lines:
        record.append(line[: _HEAD_EXCERPT - size])
        size += len(record[-1])
        quotation_marks += record[-1].count('"')
        if quotation_marks % 2 == 0 or size == _HEAD_EXCERPT:
            break
    return record


def _split(record: Sequence[str], delimiters: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the delimiter with the most columns that are lead fields, and the cells; if equal, the most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        cells = split[delimiter]
        return sum(field_of(cell.strip()) is not None for cell in cells[:COLUMNS_MAX]), len(cells)

    split = {delimiter: guessed(record, delimiter) for delimiter in delimiters}
    best = max(delimiters, key=score)
    return best, split[best]
