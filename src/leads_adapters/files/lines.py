"""The lines of a stream, one by one and of bounded length, so that no file can fill the memory."""

import io
from collections.abc import Callable, Iterator
from typing import AnyStr, BinaryIO

LINE_MAX = 1024 * 1024
"""The most characters (text) or bytes (binary) that a line may have; the largest lead needs a third of it."""

EXCERPT = 1000
"""How much of a line that is too long is kept, for people to recognise it by."""

TOO_LONG = f"This line is longer than {LINE_MAX:,} characters."
NOT_UTF8 = "This row is not UTF-8 text. Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8') and import it again."


def text_lines(stream: BinaryIO) -> Iterator[str]:
    r"""The lines of a UTF-8 stream with their ends: `\n`, `\r\n` or `\r`, and nothing else ends a line.

    A byte-order mark is left out. Bytes that are no UTF-8 become lone surrogates (PEP 383, `is_utf8`
    finds them). Of a line that is too long comes its start, one character longer than allowed.
    The stream is left open.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    lines = _bounded(text.readline, ("\n", "\r"))
    try:
        if first := next(lines, "").removeprefix("\ufeff"):  # "utf-8-sig" would lose half a mark at the end of a file
            yield first
        yield from lines
    finally:
        if not stream.closed:
            text.detach()


def byte_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream with their ends; of one that is too long its start, one byte longer than allowed."""
    return _bounded(stream.readline, (b"\n",))


def is_utf8(text: str) -> bool:
    """Whether all of a text from `text_lines` was UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bounded(readline: Callable[[int], AnyStr], ends: tuple[AnyStr, ...]) -> Iterator[AnyStr]:
    most = LINE_MAX + 1
    while line := readline(most):
        if len(line) == most and not line.endswith(ends):
            _skip_rest(readline, ends)
        yield line


def _skip_rest(readline: Callable[[int], AnyStr], ends: tuple[AnyStr, ...]) -> None:
    while (rest := readline(LINE_MAX)) and not rest.endswith(ends):
        pass
