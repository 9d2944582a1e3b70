"""Test the characters that control a terminal, break a line, or reorder a text."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_domain.control_characters import escape_controls

CONTROLS = [
    char
    for char in map(chr, range(0x10000))
    if category(char) in ("Cc", "Zl", "Zp") or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
]


def test_exactly_these_characters_are_escaped() -> None:
    assert [char for char in map(chr, range(0x110000)) if escape_controls(char) != char] == CONTROLS


@given(st.text(st.sampled_from(CONTROLS) | st.characters()))
def test_an_escaped_text_has_no_control_character(text: str) -> None:
    assert not set(CONTROLS).intersection(escape_controls(text))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[2J", r"\u001b[2J"),
        ("a\tb\r\nc", r"a\tb\r\nc"),
        ("\x00\x9b\u202e\u2028", r"\u0000\u009b\u202e\u2028"),
        ("José Ñandú 李 \u200d👩‍👩‍👧 \\n", "José Ñandú 李 \u200d👩‍👩‍👧 \\n"),
    ],
)
def test_control_characters_become_the_escapes_of_json(text: str, escaped: str) -> None:
    assert escape_controls(text) == escaped
