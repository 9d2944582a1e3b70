"""Lines of CSV (RFC 4180) taken apart into cells, one record after the other."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from leads_adapters.files.lines import EXCERPT, LINE_MAX, TOO_LONG

UNBALANCED = "The quotation marks in this row do not pair up. Write one that belongs to the text twice."


class Record(NamedTuple):
    """The cells of a record that starts on `line`; with a `fault`, only as good as they could be guessed."""

    line: int
    cells: list[str]
    fault: str | None = None


def records(lines: Iterator[str], delimiter: str, line: int) -> Iterator[Record]:
    """The records in `lines`, of which the first has the number `line`; an empty line is a record without cells.

    Spaces between a delimiter and an opening quotation mark are left out. A record that cannot be
    read costs its first line only: what it had swallowed is read again, each line for itself, so
    one stray quotation mark hides nothing and no line is read more than three times.
    """
    csv.field_size_limit(LINE_MAX)
    again: list[str] = []
    while True:
        seen: list[str] = []
        watched = _watched(chain(again, lines), seen)
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


def _watched(lines: Iterator[str], seen: list[str]) -> Iterator[str]:
    """The same lines, each also added to `seen`, from which the reader of records takes those it is done with."""
    size = 0
    for line in lines:
        size = size + len(line) if seen else len(line)
        seen.append(line)
        if size > LINE_MAX:
            raise csv.Error
        yield line


def _alone(at: int, line: str, delimiter: str) -> Record:
    try:
        return Record(at, next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True)))
    except csv.Error:
        return _unread(at, line, delimiter)


def _unread(at: int, line: str, delimiter: str) -> Record:
    if len(line) > LINE_MAX:
        return Record(at, [line[:EXCERPT]], TOO_LONG)
    return Record(at, guessed([line.rstrip("\r\n")], delimiter), UNBALANCED)


def guessed(lines: Iterable[str], delimiter: str) -> list[str]:
    """The cells of the first record in `lines`, as good as they can be told if its quotation marks do not pair up."""
    return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
