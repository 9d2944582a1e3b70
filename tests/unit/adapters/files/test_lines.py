"""Test the split of a file into lines."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads_adapters.files.lines import LINE_MAX, byte_lines, is_utf8, text_lines

OTHER_LINE_BREAKS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def lines_of(content: bytes) -> list[str]:
    return list(text_lines(io.BytesIO(content)))


def test_lines_end_with_lf_crlf_or_cr() -> None:
    assert lines_of(b"a\nb\r\nc\rd") == ["a\n", "b\r\n", "c\r", "d"]


@pytest.mark.parametrize("character", OTHER_LINE_BREAKS)
def test_no_other_character_ends_a_line(character: str) -> None:
    assert lines_of(f"a{character}b\n".encode()) == [f"a{character}b\n"]


def test_a_byte_order_mark_is_removed_only_at_the_start() -> None:
    assert lines_of("\ufeffa\n\ufeffb\n".encode()) == ["a\n", "\ufeffb\n"]


def test_bytes_that_are_not_utf8_are_detected_and_preserved() -> None:
    good, bad = lines_of("Müller\n".encode() + "Müller\n".encode("latin-1"))
    assert is_utf8(good)
    assert not is_utf8(bad)
    assert bad.encode("utf-8", "surrogateescape") == "Müller\n".encode("latin-1")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_that_is_too_long_is_truncated_and_the_next_is_complete(end: str) -> None:
    long, after = lines_of(("x" * (3 * LINE_MAX + 7) + end + "after" + end).encode())
    assert long == "x" * (LINE_MAX + 1)
    assert after == "after" + end


def test_a_line_of_bytes_that_is_too_long_is_truncated() -> None:
    assert list(byte_lines(io.BytesIO(b"x" * (3 * LINE_MAX) + b"\nafter"))) == [b"x" * (LINE_MAX + 1), b"after"]


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(b"a\nb\n")
    lines = text_lines(stream)
    next(lines)
    del lines
    assert not stream.closed


def test_a_stream_can_be_closed_before_all_lines_are_read() -> None:
    stream = io.BytesIO(b"a\nb\n")
    lines = text_lines(stream)
    next(lines)
    stream.close()
    del lines


@given(st.binary())
@example(b"\xef\xbb")
def test_no_byte_is_lost(content: bytes) -> None:
    restored = "".join(lines_of(content)).encode("utf-8", "surrogateescape")
    assert restored == content.removeprefix(b"\xef\xbb\xbf")
