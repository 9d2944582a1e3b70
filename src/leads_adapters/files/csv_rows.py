"""Read leads from CSV files of spreadsheets, of other programs, and of this service."""

import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from leads_adapters.files.columns import columns_of, field_of, is_header
from leads_adapters.files.csv_records import DELIMITERS, guessed, records
from leads_adapters.files.encodings import Utf8Stream
from leads_adapters.files.lines import text_lines
from leads_adapters.files.table_rows import PREAMBLE_MAX, encoding_error, table_rows
from leads_adapters.lead_files import ColumnMap, FileRefused, LeadFile, Readable, ReadOptions

_HEAD_LINES = 50
_HEAD_LINE_EXCERPT = 2**16
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
    heads = [_Head(first_lines[start:], start + 1, delimiters[0]) for start in starts[:PREAMBLE_MAX]]
    if not heads:
        raise FileRefused('The file is empty. Its first row must name the columns, such as "name" and "email".')
    heads = [head._replace(delimiter=_delimiter(_record(head.lines), delimiters)) for head in heads]
    complete = (head for head in heads if is_header(_cells(_record(head.lines), head.delimiter), column_map))
    return next(complete, heads[0])


def _record(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of the first record."""
    quotation_marks = 0
    for number, line in enumerate(lines, 1):
        quotation_marks += line.count('"')
        if quotation_marks % 2 == 0:
            return lines[:number]
    return lines


def _delimiter(record: Sequence[str], delimiters: Sequence[str]) -> str:
    """Return the delimiter with the most columns that are lead fields; if equal, with the most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        cells = _cells(record, delimiter)
        return sum(field_of(cell.strip()) is not None for cell in cells), len(cells)

    return max(delimiters, key=score)


def _cells(record: Sequence[str], delimiter: str) -> list[str]:
    return guessed((line[:_HEAD_LINE_EXCERPT] for line in record), delimiter)
