"""Test the protection of spreadsheets from formulas in cells."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.files.csv_export import csv_lines
from leads_adapters.files.csv_records import DELIMITERS
from leads_adapters.files.formulas import defused, restored
from unit.adapters.files.special_texts import texts

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
DROPPED = ' \t\r\n\u00a0\u200b\ufeff\0"'
"""Some of the characters that a spreadsheet may drop at the start of a cell."""


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_cell_with_a_formula_gets_an_apostrophe(start: str) -> None:
    assert defused(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("before", [" ", "\t", "\r", "\u00a0", "\ufeff", "\u200b", "\u202e", "\0", '"', ' " '])
def test_what_a_spreadsheet_drops_before_a_formula_makes_no_difference(before: str) -> None:
    assert defused(f"{before}=1+1") == f"{before}'=1+1"
    assert defused(f"x;{before}=1+1") == f"x;{before}'=1+1"


@pytest.mark.parametrize("separator", [";", "|", "\t", "\n", "\r", "\r\n", "\t\t", "\v", "\x85", "\u2028"])
def test_a_formula_after_another_separator_gets_an_apostrophe(separator: str) -> None:
    assert defused(f"x{separator}=A1;z") == f"x{separator}'=A1;z"


@pytest.mark.parametrize(
    "text",
    ["", "John Doe", "1+1", "'", "'quoted'", "O'Neill", "a=b", "a - b", "Call me, +49 30", '{"a":-5}', ";'x", "\tx"],
)
def test_other_cells_do_not_change(text: str) -> None:
    assert defused(text) == text
    assert restored(text) == text


def test_a_text_with_an_apostrophe_of_its_own_gets_a_second_one() -> None:
    assert defused("'=1+1;''=2") == "''=1+1;" + "'''=2"
    assert restored("''=1+1;" + "'''=2") == "'=1+1;''=2"


@given(texts())
def test_every_text_is_restored(text: str) -> None:
    assert restored(defused(text)) == text


@given(st.lists(texts(), min_size=1, max_size=4), st.sampled_from(DELIMITERS))
def test_no_cell_is_a_formula_whatever_separator_a_spreadsheet_uses(row: list[str], delimiter: str) -> None:
    content = io.StringIO(csv_lines([["x", *row]]).decode(), newline="")
    for cells in csv.reader(content, delimiter=delimiter):
        assert [cell for cell in cells if cell.lstrip(DROPPED).startswith(FORMULA_STARTS)] == []
