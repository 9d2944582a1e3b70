"""Test the protection of spreadsheets from formulas in cells."""

import pytest
from hypothesis import given

from leads_adapters.files.formulas import defused, restored
from unit.adapters.files.special_texts import texts


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_with_a_formula_gets_an_apostrophe(start: str) -> None:
    assert defused(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "John Doe", "1+1", "'", "'quoted'", "O'Neill", " =1+1", "a=b"])
def test_other_cells_do_not_change(text: str) -> None:
    assert defused(text) == text
    assert restored(text) == text


def test_a_text_with_an_apostrophe_of_its_own_gets_a_second_one() -> None:
    assert defused("'=1+1") == "''=1+1"
    assert restored("''=1+1") == "'=1+1"


@given(texts())
def test_every_text_is_restored(text: str) -> None:
    assert restored(defused(text)) == text


@given(texts())
def test_no_defused_text_starts_like_a_formula(text: str) -> None:
    assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r"))
