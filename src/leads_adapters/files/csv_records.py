"""Lines of CSV (RFC 4180) taken apart into cells, one record after the other."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from leads_adapters.files.lines import EXCERPT, LINE_MAX, TOO_LONG

UNBALANCED = "The quotation marks in this row do not pair up. Write one that belongs to the text twice."

DELIMITERS = (",", ";", "\t")

_AFTER_QUOTED = {
    each: re.compile(rf'((?:\A|{each}) *"(?:[^"]++|"")*+"?)(?:(?!{each})[ \t])*(?={each}|[\r\n]|\Z)')
    for each in DELIMITERS
}
"""A cell in quotation marks, complete or cut off by the end of the line, and the blanks after it."""


class Record(NamedTuple):
    """The cells of a record that starts on `line`; with a `fault`, they are a guess."""

    line: int
    cells: list[str]
    fault: str | None = None


def records(lines: Iterator[str], delimiter: str, line: int) -> Iterator[Record]:
    """The records in `lines`, of which the first has the number `line`; an empty line is a record without cells.

    Blanks around a cell in quotation marks are left out. A record that cannot be read costs its
    first line only: what it had swallowed is read again, each line for itself, so one stray quotation mark
    hides nothing and no line is read more than three times.
    """
    csv.field_size_limit(LINE_MAX)
    again: list[str] = []
    while True:
        seen: list[str] = []
        watched = _watched(chain(again, lines), seen, delimiter)
        try:
            for cells in csv.reader(watched, delimiter=delimiter, skipinitialspace=True, strict=True):
                yield Record(line, cells)
                line += len(seen)
                seen.clear()
        except csv.Error:
            again = seen[1:][-1:]
            swallowed = seen[: len(seen) - len(again)]
        else:
            return
        yield _unread(line, swallowed[0], delimiter)
        yield from (_alone(at, text, delimiter) for at, text in enumerate(swallowed[1:], line + 1))
        line += len(swallowed)


def _watched(lines: Iterator[str], seen: list[str], delimiter: str) -> Iterator[str]:
    """Yield the lines for the reader of records, and add each as it is to `seen`, which the reader empties."""
    size = 0
    for line in lines:
        size = size + len(line) if seen else len(line)
        seen.append(line)
        if size > LINE_MAX:
            raise csv.Error
        yield _trimmed(line, delimiter, within=len(seen) > 1)


def _trimmed(line: str, delimiter: str, *, within: bool = False) -> str:
    """Return the line without blanks after closing quotation marks; `within` a quoted cell, it may start."""
    if '" ' not in line and '"\t' not in line:
        return line
    if within:
        return _AFTER_QUOTED[delimiter].sub(r"\1", f'"{line}')[1:]
    return _AFTER_QUOTED[delimiter].sub(r"\1", line)


def _alone(at: int, line: str, delimiter: str) -> Record:
    try:
        line_alone = [_trimmed(line, delimiter)]
        return Record(at, next(csv.reader(line_alone, delimiter=delimiter, skipinitialspace=True, strict=True)))
    except csv.Error:
        return _unread(at, line, delimiter)


def _unread(at: int, line: str, delimiter: str) -> Record:
    if len(line) > LINE_MAX:
        return Record(at, [line[:EXCERPT]], TOO_LONG)
    return Record(at, guessed([line.rstrip("\r\n")], delimiter), UNBALANCED)


def guessed(lines: Iterable[str], delimiter: str) -> list[str]:
    """Return the cells of the first record in `lines`; if its quotation marks do not pair up, a guess."""
    return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
