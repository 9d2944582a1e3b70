"""Define the content of lead files, whatever their format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

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
    """

    line: int
    given: DetailsInput | ValidationFailed
    cells: Sequence[str]
    state: ImportedState | None = None
    merge_attributes: bool = False


@dataclass(frozen=True, slots=True)
class LeadFile:
    """The column names of a file, unchanged, and its rows, which are read lazily.

    Iterate over the rows once, while the stream is open.
    """

    header: Sequence[str]
    rows: Iterator[Row]


ReadFile = Callable[[BinaryIO], LeadFile]
"""Reads a file. Raises `FileRefused`."""

WriteFile = Callable[[Iterable[Lead]], Iterator[bytes]]
"""Writes a file of leads and yields it in chunks."""
