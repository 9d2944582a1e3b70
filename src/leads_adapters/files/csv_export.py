"""Writing leads to CSV files."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from leads_adapters.files.formulas import defused
from leads_adapters.files.members import MEMBERS
from leads_adapters.times import time_text
from leads_domain.lead import Lead

_CHUNK = 100


def write_csv(leads: Iterable[Lead]) -> Iterator[bytes]:
    """The leads as CSV (RFC 4180, UTF-8), a few at a time; `read_csv` gives back what an import can set, unchanged.

    Cells that a spreadsheet would run are defused. All attributes stand in one column, as a JSON
    object: a column for each would be nicer to look at, but their names are not known before
    the last lead is, "5" and 5 would look the same, and an attribute may be called "email".
    """
    rows = chain([MEMBERS], map(_cells, leads))
    while chunk := list(islice(rows, _CHUNK)):
        yield csv_lines(chunk)


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows of cells as lines of CSV, texts defused; lone surrogates become the bytes that they stand for (PEP 383)."""
    written = io.StringIO()
    csv.writer(written).writerows([_defused(cell) for cell in row] for row in rows)
    return written.getvalue().encode("utf-8", "surrogateescape")


def _cells(lead: Lead) -> list[object]:
    attributes = msgspec.json.encode(lead.attributes).decode() if lead.attributes else None
    return list({**lead.to_dict(time_text), "attributes": attributes}.values())


def _defused(cell: object) -> object:
    return defused(cell) if isinstance(cell, str) else cell
