"""Read a stream line by line, with a limit on the length, so that no file can fill the memory."""

import io
from collections.abc import Callable, Iterator
from typing import AnyStr, BinaryIO

LINE_MAX = 1024 * 1024
"""The maximum length of a line in characters (text) or bytes (binary). The largest lead needs a third of it."""

EXCERPT = 1000
"""The length of the excerpt from a line that is too long, by which users can find it."""

TOO_LONG = f"This line is longer than {LINE_MAX:,} characters."
NOT_UTF8 = "This row is not UTF-8 text. Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8') and import it again."


def text_lines(stream: BinaryIO) -> Iterator[str]:
    r"""Yield the lines of a UTF-8 stream with their ends, which are `\n`, `\r\n` or `\r`.

    A byte-order mark is left out. Invalid bytes become lone surrogates (PEP 383); `is_utf8` detects them. A line that
    is too long is cut to `LINE_MAX` + 1 characters. The stream stays open.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    lines = _bounded(text.readline, ("\n", "\r"))
    try:
        # Not "utf-8-sig": it would drop an incomplete mark at the end of a file.
        if first := next(lines, "").removeprefix("\ufeff"):
            yield first
        yield from lines
    finally:
        if not stream.closed:
            text.detach()


def byte_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream with their ends. A line that is too long is cut to `LINE_MAX` + 1 bytes."""
    return _bounded(stream.readline, (b"\n",))


def is_utf8(text: str) -> bool:
    """Return whether a text from `text_lines` was valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bounded(readline: Callable[[int], AnyStr], ends: tuple[AnyStr, ...]) -> Iterator[AnyStr]:
    cut_length = LINE_MAX + 1
    while line := readline(cut_length):
        if len(line) == cut_length and not line.endswith(ends):
            _skip_rest(readline, ends)
        yield line


def _skip_rest(readline: Callable[[int], AnyStr], ends: tuple[AnyStr, ...]) -> None:
    while (rest := readline(LINE_MAX)) and not rest.endswith(ends):
        pass
