"""What a file of leads consists of, whatever its format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from leads_domain.details import DetailsInput
from leads_domain.errors import ValidationFailed
from leads_domain.lead import ImportedState, Lead


class FileRefused(Exception):
    """Nothing in the file can be taken in; the message says in a sentence or two why, and what to do."""


class Row(NamedTuple):
    """One row of a file: the lead that it gives, or why it could not be read.

    `line` is the line of the file on which the row starts, from 1. `cells` are its texts as they
    stood in the file, for people to correct; bytes that are no UTF-8 stand in them as lone
    surrogates (PEP 383), so that they can be written back unharmed. `state` is for a lead that is new.
    An update leaves other attributes as they are with `merge_attributes`.
    """

    line: int
    given: DetailsInput | ValidationFailed
    cells: Sequence[str]
    state: ImportedState | None = None
    merge_attributes: bool = False


@dataclass(frozen=True, slots=True)
class LeadFile:
    """The names of a file's columns as they stood in it, and its rows, read while they are asked for.

    The rows can be gone through once, and only while the stream that they come from is open.
    """

    header: Sequence[str]
    rows: Iterator[Row]


ReadFile = Callable[[BinaryIO], LeadFile]
"""Reads a file; raises `FileRefused`."""

WriteFile = Callable[[Iterable[Lead]], Iterator[bytes]]
"""Makes a file of leads, piece by piece."""
