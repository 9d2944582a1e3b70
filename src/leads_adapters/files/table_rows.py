"""Read leads from the rows of a table, by the meaning of its columns."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, cast

import msgspec

from leads_adapters.files.columns import Columns
from leads_adapters.files.csv_records import Record
from leads_adapters.files.formulas import restored
from leads_adapters.files.lead_fields import (
    ROW_ERRORS_MAX,
    attribute_errors,
    imported_state,
    looks_exported,
    readable_time,
)
from leads_adapters.files.lines import NOT_UTF8, is_utf8
from leads_adapters.lead_files import Row
from leads_domain.details import ATTRIBUTES_MAX, DetailsInput, Scalar, is_placeholder
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.field_values import first_value, joined_name, without_label, yes_or_no
from leads_domain.lead import ImportedState
from leads_domain.lenient import as_given

PREAMBLE_MAX = 20
"""The maximum number of rows, including the header, in which to look for the header."""

_TIMES = {"created_at", "contacted_at"}


def table_rows(found: Iterator[Record], columns: Columns) -> Iterator[Row]:
    """Yield the rows of a table.

    White space and NUL characters around cells are removed. Empty cells are left out, and so are placeholders such as
    "N/A" in addresses and phone numbers. Rows without text are left out. A row with more attributes than a lead can
    have keeps the first ones.
    """
    for line, raw_cells, error in found:
        if not raw_cells:
            continue  # an empty line, of which a file can have millions
        cells = [restored(cell) for cell in raw_cells[columns.skipped :]]
        details: DetailsInput | ValidationFailed
        state: ImportedState | None = None
        warnings = 0
        try:
            details, state, warnings = _read(cells, columns, error)
        except ValidationFailed as invalid:
            details = invalid
        if details or _has_text(cells):
            yield Row(line, details, cells, state, columns.json_column is None, warnings)


def _read(cells: list[str], columns: Columns, error: str | None) -> tuple[DetailsInput, ImportedState | None, int]:
    joined = "".join(cells)
    if error := error or encoding_error(joined):
        raise ValidationFailed.because(error)
    if "\0" in joined and not columns.is_export:
        cells = [cell.strip("\0") for cell in cells]
    texts = [cell.strip() for cell in _fitted(cells, columns)]
    details: dict[str, Any] = {
        field: text
        for field, index in columns.fields
        if (text := texts[index]) and not (field == "owner" and is_placeholder(text))
    }
    _take_contacts(details, texts, columns)
    if columns.name_parts and "name" not in details:
        _take_name(details, texts, columns)
    _take_opt_out(details, texts, columns)
    return _with_attributes(details, texts, columns)


def _take_contacts(details: dict[str, Any], texts: list[str], columns: Columns) -> None:
    """Move the first e-mail address and the first phone number to the details. The others stay for attributes."""
    for field, indexes in columns.contacts:
        for index in indexes:
            text = texts[index]
            if is_placeholder(text):
                texts[index] = ""
            elif text and field not in details:
                value, texts[index] = (text, "") if columns.is_export else first_value(text)
                details[field] = value if columns.is_export else without_label(value)


def _take_name(details: dict[str, Any], texts: list[str], columns: Columns) -> None:
    """Move the parts of the name to the details."""
    if name := joined_name(texts[index] for index in columns.name_parts):
        details["name"] = name
        for index in columns.name_parts:
            texts[index] = ""


def _take_opt_out(details: dict[str, Any], texts: list[str], columns: Columns) -> None:
    """Move the strictest answer to the details: yes, else a text that is no answer, else no."""
    answers = [(yes_or_no(text), text) for index in columns.opt_outs if (text := texts[index])]
    strictness = {True: 2, None: 1, False: 0}
    ranked = [(strictness[answer], text) for answer, text in answers if answer is not None or not is_placeholder(text)]
    if ranked:
        details["do_not_contact"] = max(ranked)[1]


def _with_attributes(
    details: dict[str, Any], texts: Sequence[str], columns: Columns
) -> tuple[DetailsInput, ImportedState | None, int]:
    """Return the details with the attributes, the imported state, and the number of warnings."""
    assigned = {name: i for name, i in columns.assigned if columns.is_export or looks_exported(name, texts[i])}
    others = [(columns.header[index], index) for field, index in columns.assigned if field not in assigned]
    attributes = {name: texts[index] for name, index in (*columns.attributes, *others) if texts[index]}
    warnings = 0
    if columns.json_column is not None and (text := texts[columns.json_column]):
        details["attributes"] = _joined(attributes, _from_json(text))
    elif attributes:
        warnings = int(len(attributes) > ATTRIBUTES_MAX)
        details["attributes"] = dict(islice(attributes.items(), ATTRIBUTES_MAX)) if warnings else attributes
    values = {field: _assigned_value(field, texts[index]) for field, index in assigned.items()}
    status_attribute = None if columns.is_export else as_given("status")
    return cast(DetailsInput, details), imported_state(values, status_attribute), warnings


def _assigned_value(field: str, text: str) -> str | datetime | None:
    return readable_time(text) if field in _TIMES else text


def encoding_error(text: str) -> str | None:
    """Return the error of a text that has bytes which are invalid in the encoding of the file."""
    return None if text.isascii() or is_utf8(text) else NOT_UTF8


def _has_text(cells: Sequence[str]) -> bool:
    return any(cell.strip("\0").strip() for cell in cells)


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
    if errors := list(islice(attribute_errors(decoded), ROW_ERRORS_MAX)):
        raise ValidationFailed([error.under("attributes") for error in errors])
    return cast(dict[str, Scalar], decoded)


def _joined(attributes: dict[str, str], from_json: dict[str, Scalar]) -> dict[str, Scalar]:
    if duplicates := sorted(attributes.keys() & from_json.keys()):
        error = FieldError("", "This attribute has a column and is in `attributes`, too. Remove one of them.")
        raise ValidationFailed([error.under(name).under("attributes") for name in duplicates])
    return attributes | from_json
