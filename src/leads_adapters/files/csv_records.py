"""Split lines of CSV (RFC 4180) into records of cells."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from leads_adapters.files.lines import EXCERPT, LINE_MAX, TOO_LONG

UNBALANCED = 'This row has an unpaired quotation mark. Write a quotation mark inside a text twice ("").'

DELIMITERS = (",", ";", "\t", "|")

_AFTER_QUOTED = {
    delimiter: re.compile(
        r'((?:\A|{0}) *"(?:[^"]++|"")*+"?)(?:(?!{0})[ \t])*(?={0}|[\r\n]|\Z)'.format(re.escape(delimiter))
    )
    for delimiter in DELIMITERS
}
"""For each delimiter: a quoted cell, complete or cut off by the end of the line, and the blanks after it."""


class Record(NamedTuple):
    """The cells of a record that starts on `line`. If it has an `error`, the cells are a guess."""

    line: int
    cells: list[str]
    error: str | None = None


def records(lines: Iterator[str], delimiter: str, line: int) -> Iterator[Record]:
    """Yield the records of `lines`; the first line has the number `line`. An empty line is a record without cells.

    Blanks around a quoted cell are left out. If a record cannot be parsed, only its first line is an error. The other
    lines that it contained are parsed again, each separately. Thus an unpaired quotation mark hides no rows, and no
    line is parsed more than three times.
    """
    csv.field_size_limit(LINE_MAX)
    again: list[str] = []
    while True:
        seen: list[str] = []
        recorded = _recorded(chain(again, lines), seen, delimiter)
        try:
            for cells in csv.reader(recorded, delimiter=delimiter, skipinitialspace=True, strict=True):
                yield Record(line, cells)
                line += len(seen)
                seen.clear()
        except csv.Error:
            again = seen[1:][-1:]
            failed = seen[: len(seen) - len(again)]
        else:
            return
        yield _unparsable(line, failed[0], delimiter)
        yield from (_parsed_alone(number, text, delimiter) for number, text in enumerate(failed[1:], line + 1))
        line += len(failed)


def _recorded(lines: Iterator[str], seen: list[str], delimiter: str) -> Iterator[str]:
    """Yield the lines for the CSV reader, and append each original to `seen`. The caller clears `seen`."""
    size = 0
    for line in lines:
        size = size + len(line) if seen else len(line)
        seen.append(line)
        if size > LINE_MAX:
            raise csv.Error
        yield _trimmed(line, delimiter, within=len(seen) > 1)


def _trimmed(line: str, delimiter: str, *, within: bool = False) -> str:
    """Return the line without blanks after closing quotation marks. `within`: it starts inside a quoted cell."""
    if '" ' not in line and '"\t' not in line:
        return line
    if within:
        return _AFTER_QUOTED[delimiter].sub(r"\1", f'"{line}')[1:]
    return _AFTER_QUOTED[delimiter].sub(r"\1", line)


def _parsed_alone(number: int, line: str, delimiter: str) -> Record:
    try:
        trimmed = [_trimmed(line, delimiter)]
        return Record(number, next(csv.reader(trimmed, delimiter=delimiter, skipinitialspace=True, strict=True)))
    except csv.Error:
        return _unparsable(number, line, delimiter)


def _unparsable(number: int, line: str, delimiter: str) -> Record:
    if len(line) > LINE_MAX:
        return Record(number, [line[:EXCERPT]], TOO_LONG)
    return Record(number, guessed([line.rstrip("\r\n")], delimiter), UNBALANCED)


def guessed(lines: Iterable[str], delimiter: str) -> list[str]:
    """Return the cells of the first record in `lines`: a guess if it has an unpaired quotation mark."""
    return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
