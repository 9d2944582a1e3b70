"""Write leads to CSV files."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from leads_adapters.files.formulas import defused
from leads_adapters.files.lead_fields import FIELDS
from leads_adapters.times import time_text
from leads_domain.lead import Lead

_CHUNK_ROWS = 100


def write_csv(leads: Iterable[Lead]) -> Iterator[bytes]:
    """Yield the leads as CSV (RFC 4180, UTF-8) in chunks.

    `read_csv` restores all fields that an import can set. Cells that a spreadsheet would run are defused. All
    attributes are in one column, as a JSON object: separate columns would need the names of all attributes before the
    first row, would not distinguish "5" from 5, and could have the name of a field.
    """
    rows = chain([FIELDS], map(_cells, leads))
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        yield csv_lines(chunk)


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows of cells as CSV, with texts defused and lone surrogates converted back to bytes (PEP 383)."""
    output = io.StringIO()
    csv.writer(output).writerows([_defused(cell) for cell in row] for row in rows)
    return output.getvalue().encode("utf-8", "surrogateescape")


def _cells(lead: Lead) -> list[object]:
    attributes = msgspec.json.encode(lead.attributes).decode() if lead.attributes else None
    do_not_contact = "true" if lead.do_not_contact else "false"
    return list({**lead.to_dict(time_text), "do_not_contact": do_not_contact, "attributes": attributes}.values())


def _defused(cell: object) -> object:
    return defused(cell) if isinstance(cell, str) else cell
