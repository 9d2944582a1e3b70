"""Define the content of lead files, whatever their format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, Protocol

from leads_domain.checking import truncate
from leads_domain.details import DetailsInput
from leads_domain.errors import ValidationFailed
from leads_domain.lead import ImportedState, Lead


class FileRefused(Exception):
    """The whole file was refused. The message says why and what to do, in at most two sentences."""


class Row(NamedTuple):
    """One row of a file: the details of a lead, or the error that refused the row.

    - `line`: the line of the file on which the row starts, from 1.
    - `cells`: the text of each cell, unchanged, for a file of refused rows. Bytes that are not UTF-8 are lone
      surrogates (PEP 383), so they can be written back unchanged.
    - `state`: the imported state, for a new lead.
    - `merge_attributes`: an update keeps attributes that the row does not mention.
    - `warnings`: the number of its values that are not stored.
    """

    line: int
    given: DetailsInput | ValidationFailed
    cells: Sequence[str]
    state: ImportedState | None = None
    merge_attributes: bool = False
    warnings: int = 0


class Meaning(NamedTuple):
    """A column of a file, and the field of a lead that it fills; None if it is left out."""

    column: str
    field: str | None


ColumnMap = Mapping[str, str | None]
"""The fields that columns of these names fill, in place of the usual ones; None leaves a column out."""


MAPPABLE_FIELDS = ("name", "first_name", "last_name", "email", "phone", "source", "owner", "do_not_contact", "status")
"""The fields that a column can be mapped to."""


def column_map_of(texts: Iterable[str]) -> ColumnMap:
    """Return the map of columns in texts such as "Company Phone=phone"; raises `ValueError` with a reason for people.

    "COLUMN=" leaves a column out.
    """
    column_map: dict[str, str | None] = {}
    for text in texts:
        column, separator, field = (part.strip() for part in text.rpartition("="))
        if not (separator and column):
            raise ValueError(f'Write {truncate(text)} as COLUMN=field, such as "Company Phone=phone".')
        if field and field not in MAPPABLE_FIELDS:
            raise ValueError(f"A column cannot become {truncate(field)}. Use one of: {', '.join(MAPPABLE_FIELDS)}.")
        if column in column_map:
            raise ValueError(f"The column {truncate(column)} is mapped twice.")
        column_map[column] = field or None
    return column_map


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options for a file with columns: their meanings, and the sheet of a spreadsheet, by default the first."""

    column_map: ColumnMap = field(default_factory=dict)
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class LeadFile:
    """The column names of a file, distinct, and its rows, which are read lazily.

    Iterate over the rows once, while the stream is open. Only then `encoding` is certain. A spreadsheet has none.
    """

    header: Sequence[str]
    rows: Iterator[Row]
    meanings: Sequence[Meaning] = ()
    encoding: Callable[[], str | None] = lambda: "utf-8"


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""


class ReadFile(Protocol):
    """Reads a file. Raises `FileRefused`, also while the rows are read."""

    def __call__(self, stream: BinaryIO, options: ReadOptions = ...) -> LeadFile:
        """Return the leads in the file."""


WriteFile = Callable[[Iterable[Lead]], Iterator[bytes]]
"""Writes a file of leads and yields it in chunks."""
