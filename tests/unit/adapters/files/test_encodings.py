"""Test how the encoding of a file is recognised."""

# ruff: noqa: RUF001 - these letters are meant

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.files.encodings import Utf8Stream

GERMAN = "name;email;city\nJörg Müller;j@example.com;Köln\nKäthe Groß;k@example.com;Fürth\n"
FRENCH = "nom;email\nFrançoise Lefèvre;f@example.com\nO’Brien;o@example.com\n"
POLISH = "name;email;city\nŁukasz Żółć;l@example.com;Kraków\nJiří Dvořák;j@example.com;Plzeň\n"
RUSSIAN = "имя;email\nИван Петров;i@example.com\nМария Сидорова;m@example.com\n"
GREEK = "όνομα;email\nΓιώργος Παπαδόπουλος;g@example.com\nΕλένη;e@example.com\n"
JAPANESE = "名前,email\n山田太郎,y@example.com\n鈴木花子,s@example.com\nさとう,z@example.com\n"
CHINESE = "姓名,email\n王小明,w@example.com\n李华,l@example.com\n张伟,z@example.com\n"


def read(content: bytes) -> tuple[str, str]:
    """Return the text and its encoding."""
    stream = Utf8Stream(io.BytesIO(content))
    text = io.BufferedReader(stream).read().decode("utf-8", "surrogateescape")
    return text.removeprefix("\ufeff"), stream.encoding


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("name,email\nAnn,a@example.com\n", "utf-8"),
        (GERMAN, "utf-8"),
        (GERMAN, "cp1252"),
        (GERMAN, "mac_roman"),
        (GERMAN, "cp850"),
        (FRENCH, "cp1252"),
        ("name,email\nJörg,j@example.com\n", "cp1252"),
        (POLISH, "cp1250"),
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (GREEK, "cp1253"),
        (JAPANESE, "cp932"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-8"),
    ],
)
def test_an_encoding_is_detected(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, "a,b\n1,2\n"])
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised_with_and_without_a_mark(text: str, codec: str) -> None:
    assert read(text.encode(codec)) == (text, "utf-16")


def test_an_encoding_is_detected_late_in_a_file() -> None:
    text = "name,email\n" + "Ann,a@example.com\n" * 20_000 + "Jörg,j@example.com\n"
    assert read(text.encode("cp1252")) == (text, "cp1252")


def test_a_few_invalid_bytes_in_utf_8_do_not_change_the_encoding() -> None:
    text, encoding = read((GERMAN * 3).encode() + b"M\xfcller\n")
    assert (text.endswith("M\udcfcller\n"), encoding) == (True, "utf-8")


def test_nul_padding_is_not_utf_16() -> None:
    assert read(b"name\0\0\0\0,email\0\0\0\n" + b"Ann\0\0\0\0\0,a@x.org\0\n" * 50)[1] == "utf-8"


class Chunks(io.RawIOBase):
    """A stream that arrives in chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.rest or next(self.chunks, b"")
        chunk, self.rest = chunk[: len(buffer)], chunk[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


@given(st.lists(st.integers(1, 40), min_size=1), st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-16-be"]))
def test_the_size_of_chunks_makes_no_difference(sizes: list[int], codec: str) -> None:
    content = (GERMAN * 4).encode(codec)
    positions = [sum(sizes[:count]) for count in range(len(sizes) + 1)]
    chunks = [content[start:end] for start, end in zip(positions, [*positions[1:], None], strict=True)]
    stream = Utf8Stream(io.BufferedReader(Chunks(chunk for chunk in chunks if chunk)))
    assert io.BufferedReader(stream).read().decode().removeprefix("\ufeff") == read(content)[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content: bytes) -> None:
    _, encoding = read(content)
    assert encoding
