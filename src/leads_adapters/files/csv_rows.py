"""Read leads from CSV files of spreadsheets and of this service."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO, cast

import msgspec

from leads_adapters.files.columns import Columns, columns_of, field_of
from leads_adapters.files.csv_records import DELIMITERS, Record, guessed, records
from leads_adapters.files.formulas import restored
from leads_adapters.files.lead_fields import attribute_errors, imported_state, looks_exported, readable_time
from leads_adapters.files.lines import NOT_UTF8, is_utf8, text_lines
from leads_adapters.lead_files import FileRefused, LeadFile, Row
from leads_domain.details import DetailsInput, Scalar, is_placeholder
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import ImportedState

_ADDRESSES = {"email", "phone", "owner"}
_TIMES = {"created_at", "contacted_at"}
_HEAD_LINES = 50
_HEAD_LINE_EXCERPT = 2000


def read_csv(stream: BinaryIO) -> LeadFile:
    """Return the leads in a CSV file (RFC 4180, UTF-8; delimited by commas, semicolons or tabs).

    The first row that is not blank names the columns (see `columns_of`); raises `FileRefused` if a required column is
    missing or ambiguous. White space around cells is removed. Empty cells are left out, and so are placeholders such as
    "N/A" in addresses and phone numbers. Rows without text are left out. A row that cannot be read is a
    `ValidationFailed` and does not affect other rows.
    """
    lines = text_lines(stream)
    line, head = _head(lines)
    found = records(chain(head, lines), _delimiter(head), line)
    header = next(found)
    if error := header.error or _encoding_error(header.cells):
        raise FileRefused(f"The column names in line {line} cannot be read. {error}")
    columns = columns_of(header.cells)
    return LeadFile(columns.header, _rows(found, columns))


def _head(lines: Iterator[str]) -> tuple[int, list[str]]:
    """Return the number of the first line that is not blank, and the lines of its record."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            head = [line]
            while sum(text.count('"') for text in head) % 2 and len(head) < _HEAD_LINES and (more := next(lines, "")):
                head.append(more)
            return number, head
    raise FileRefused('The file is empty. Its first row must name the columns, such as "name" and "email".')


def _delimiter(head: Sequence[str]) -> str:
    """Return the delimiter with the most columns that are lead fields; if equal, with the most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        cells = guessed((line[:_HEAD_LINE_EXCERPT] for line in head), delimiter)
        return sum(field_of(cell.strip()) is not None for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _rows(found: Iterator[Record], columns: Columns) -> Iterator[Row]:
    for line, raw_cells, error in found:
        cells = [restored(cell) for cell in raw_cells[columns.skipped :]]
        details: DetailsInput | ValidationFailed
        state: ImportedState | None = None
        try:
            details, state = _read(cells, columns, error)
        except ValidationFailed as invalid:
            details = invalid
        if details or _has_text(cells):
            yield Row(line, details, cells, state, merge_attributes=columns.json_column is None)


def _read(cells: list[str], columns: Columns, error: str | None) -> tuple[DetailsInput, ImportedState | None]:
    if error := error or _encoding_error(cells):
        raise ValidationFailed.because(error)
    texts = [cell.strip() for cell in _fitted(cells, columns)]
    details: dict[str, Any] = {
        field: text
        for field, index in columns.fields
        if (text := texts[index]) and not (field in _ADDRESSES and is_placeholder(text))
    }
    assigned = {name: i for name, i in columns.assigned if columns.is_export or looks_exported(name, texts[i])}
    others = [(columns.header[index], index) for field, index in columns.assigned if field not in assigned]
    attributes = {name: texts[index] for name, index in (*columns.attributes, *others) if texts[index]}
    if columns.json_column is not None and (text := texts[columns.json_column]):
        details["attributes"] = _joined(attributes, _from_json(text))
    elif attributes:
        details["attributes"] = attributes
    status_attribute = columns.header[assigned["status"]] if "status" in assigned and not columns.is_export else None
    values = {field: _assigned_value(field, texts[index]) for field, index in assigned.items()}
    return cast(DetailsInput, details), imported_state(values, status_attribute)


def _assigned_value(field: str, text: str) -> str | datetime | None:
    return readable_time(text) if field in _TIMES else text


def _encoding_error(cells: Sequence[str]) -> str | None:
    text = "".join(cells)
    return None if text.isascii() or is_utf8(text) else NOT_UTF8


def _has_text(cells: Sequence[str]) -> bool:
    return any(map(str.strip, cells))


def _fitted(cells: list[str], columns: Columns) -> list[str]:
    """Return the cells, padded to the number of columns; raises `ValidationFailed` for text outside named columns."""
    if _has_text(cells[columns.width :]):
        raise ValidationFailed.because(
            f"This row has {len(cells)} cells, but the header has only {columns.width} columns."
        )
    cells = cells + [""] * (columns.width - len(cells))
    for index in columns.unnamed:
        if cells[index].strip():
            raise ValidationFailed.because(
                f"Cell {index + 1} is in a column without a name. Name the column, or empty the cell."
            )
    return cells


def _from_json(text: str) -> dict[str, Scalar]:
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise ValidationFailed.because('Give a JSON object such as {"company": "ACME"}.', "/attributes") from None
    if errors := [error.under("attributes") for error in attribute_errors(decoded)]:
        raise ValidationFailed(errors)
    return cast(dict[str, Scalar], decoded)


def _joined(attributes: dict[str, str], from_json: dict[str, Scalar]) -> dict[str, Scalar]:
    if duplicates := sorted(attributes.keys() & from_json.keys()):
        error = FieldError("", "This attribute has a column and is in `attributes`, too. Remove one of them.")
        raise ValidationFailed([error.under(name).under("attributes") for name in duplicates])
    return attributes | from_json
