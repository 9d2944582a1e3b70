"""Test the characters that control a terminal, break a line, or reorder a text."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_domain.control_characters import CONTROL, CONTROL_IN_TEXT, escape_controls, on_one_line, remove_controls

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


@given(st.text(st.sampled_from(CONTROLS) | st.characters()))
def test_removing_leaves_what_is_allowed_and_changes_nothing_else(text: str) -> None:
    assert remove_controls(text) == "".join(char for char in text if not CONTROL_IN_TEXT.match(char))
    assert not CONTROL.search(on_one_line(text))
    if not CONTROL.search(text):
        assert on_one_line(text) == text


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\t", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_line_break_becomes_one_space(line_break: str) -> None:
    assert on_one_line(f"Ada{line_break}Lovelace\x1b\u202e") == "Ada Lovelace"
