import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads_adapters.files.lines import LINE_MAX, byte_lines, is_utf8, text_lines

NO_LINE_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def lines_of(content: bytes) -> list[str]:
    return list(text_lines(io.BytesIO(content)))


def test_a_line_ends_as_on_unix_windows_or_an_old_mac() -> None:
    assert lines_of(b"a\nb\r\nc\rd") == ["a\n", "b\r\n", "c\r", "d"]


@pytest.mark.parametrize("character", NO_LINE_ENDS)
def test_nothing_else_ends_a_line(character: str) -> None:
    assert lines_of(f"a{character}b\n".encode()) == [f"a{character}b\n"]


def test_a_byte_order_mark_is_left_out_at_the_start_only() -> None:
    assert lines_of("\ufeffa\n\ufeffb\n".encode()) == ["a\n", "\ufeffb\n"]


def test_bytes_that_are_not_utf8_are_noticed_and_kept() -> None:
    good, bad = lines_of("Müller\n".encode() + "Müller\n".encode("latin-1"))
    assert is_utf8(good)
    assert not is_utf8(bad)
    assert bad.encode("utf-8", "surrogateescape") == "Müller\n".encode("latin-1")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_that_is_too_long_is_cut_and_the_next_one_is_whole(end: str) -> None:
    long, after = lines_of(("x" * (3 * LINE_MAX + 7) + end + "after" + end).encode())
    assert long == "x" * (LINE_MAX + 1)
    assert after == "after" + end


def test_a_line_of_bytes_that_is_too_long_is_cut_too() -> None:
    assert list(byte_lines(io.BytesIO(b"x" * (3 * LINE_MAX) + b"\nafter"))) == [b"x" * (LINE_MAX + 1), b"after"]


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(b"a\nb\n")
    lines = text_lines(stream)
    next(lines)
    del lines
    assert not stream.closed


def test_a_stream_may_be_closed_before_its_lines_are_read() -> None:
    stream = io.BytesIO(b"a\nb\n")
    lines = text_lines(stream)
    next(lines)
    stream.close()
    del lines


@given(st.binary())
@example(b"\xef\xbb")
def test_no_byte_is_lost(content: bytes) -> None:
    kept = "".join(lines_of(content)).encode("utf-8", "surrogateescape")
    assert kept == content.removeprefix(b"\xef\xbb\xbf")
