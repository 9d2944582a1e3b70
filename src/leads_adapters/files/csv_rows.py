"""Reading leads from CSV files, as spreadsheets and this service write them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO, cast

import msgspec

from leads_adapters.files.columns import Columns, meaning, told_by
from leads_adapters.files.csv_records import DELIMITERS, Record, guessed, records
from leads_adapters.files.formulas import restored
from leads_adapters.files.lines import NOT_UTF8, is_utf8, text_lines
from leads_adapters.files.members import attribute_errors, imported_state, is_exported, readable_time
from leads_adapters.lead_files import FileRefused, LeadFile, Row
from leads_domain.details import DetailsInput, Scalar, is_placeholder
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import ImportedState

_ADDRESSES = {"email", "phone", "owner"}
_TIMES = {"created_at", "contacted_at"}
_HEADER_LINES = 50
_HEADER_LINE_START = 2000


def read_csv(stream: BinaryIO) -> LeadFile:
    """The leads in a CSV file (RFC 4180, UTF-8, delimited by commas, semicolons or tabs).

    The first row that is not blank names the columns (`columns.told_by`); raises `FileRefused` if they
    are not clear. Cells lose their outer white space; an empty one gives nothing, as does a placeholder
    such as "N/A" for an address or a number. Rows without any
    text are left out. A row that cannot be read is `ValidationFailed` and never stops the rest.
    """
    lines = text_lines(stream)
    line, head = _head(lines)
    found = records(chain(head, lines), _delimiter(head), line)
    header = next(found)
    if fault := header.fault or _encoding_fault(header.cells):
        msg = f"The columns, named in line {line}, cannot be read. {fault}"
        raise FileRefused(msg)
    columns = told_by(header.cells)
    return LeadFile(columns.header, _rows(found, columns))


def _head(lines: Iterator[str]) -> tuple[int, list[str]]:
    """The lines that name the columns, or at least the first of them, and its number."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            head = [line]
            while sum(line.count('"') for line in head) % 2 and len(head) < _HEADER_LINES and (more := next(lines, "")):
                head.append(more)
            return number, head
    msg = 'The file is empty. Its first row must name the columns, "email" among them.'
    raise FileRefused(msg)


def _delimiter(head: Sequence[str]) -> str:
    """The delimiter that shows the most columns that have a meaning, then the most columns."""

    def columns(delimiter: str) -> tuple[int, int]:
        cells = guessed((line[:_HEADER_LINE_START] for line in head), delimiter)
        return sum(meaning(cell.strip()) is not None for cell in cells), len(cells)

    return max(DELIMITERS, key=columns)


def _rows(found: Iterator[Record], columns: Columns) -> Iterator[Row]:
    for line, raw, fault in found:
        cells = [restored(cell) for cell in raw[columns.skipped :]]
        given: DetailsInput | ValidationFailed
        state: ImportedState | None = None
        try:
            given, state = _read(cells, columns, fault)
        except ValidationFailed as invalid:
            given = invalid
        if given or _has_text(cells):
            yield Row(line, given, cells, state, merge_attributes=columns.json is None)


def _read(cells: list[str], columns: Columns, fault: str | None) -> tuple[DetailsInput, ImportedState | None]:
    if fault := fault or _encoding_fault(cells):
        raise ValidationFailed.because(fault)
    texts = [cell.strip() for cell in _fitted(cells, columns)]
    given: dict[str, Any] = {
        member: text
        for member, at in columns.members
        if (text := texts[at]) and not (member in _ADDRESSES and is_placeholder(text))
    }
    assigned = {member: at for member, at in columns.assigned if columns.own or is_exported(member, texts[at])}
    others = [(columns.header[at], at) for member, at in columns.assigned if member not in assigned]
    attributes = {name: texts[at] for name, at in (*columns.attributes, *others) if texts[at]}
    if columns.json is not None and (text := texts[columns.json]):
        given["attributes"] = _joined(attributes, _from_json(text))
    elif attributes:
        given["attributes"] = attributes
    status_attribute = columns.header[assigned["status"]] if "status" in assigned and not columns.own else None
    found = {member: _assigned(member, texts[at]) for member, at in assigned.items()}
    return cast(DetailsInput, given), imported_state(found, status_attribute)


def _assigned(member: str, text: str) -> str | datetime | None:
    return readable_time(text) if member in _TIMES else text


def _encoding_fault(cells: Sequence[str]) -> str | None:
    text = "".join(cells)
    return None if text.isascii() or is_utf8(text) else NOT_UTF8


def _has_text(cells: Sequence[str]) -> bool:
    return any(map(str.strip, cells))


def _fitted(cells: list[str], columns: Columns) -> list[str]:
    """Pad the cells to the columns; raises `ValidationFailed` for text outside named columns."""
    if _has_text(cells[columns.width :]):
        raise ValidationFailed.because(
            f"This row has {len(cells)} cells, but the header names only {columns.width} columns."
        )
    cells = cells + [""] * (columns.width - len(cells))
    for at in columns.nameless:
        if cells[at].strip():
            raise ValidationFailed.because(
                f"Cell {at + 1} stands in a column without a name. Name the column, or empty the cell."
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
    if twice := sorted(attributes.keys() & from_json.keys()):
        error = FieldError("", "Give this in its own column or among the attributes, not in both.")
        raise ValidationFailed([error.under(name).under("attributes") for name in twice])
    return attributes | from_json
