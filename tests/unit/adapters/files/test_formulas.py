import pytest
from hypothesis import given

from leads_adapters.files.formulas import defused, restored
from unit.adapters.files.troublesome import texts


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_starts_with_an_apostrophe(start: str) -> None:
    assert defused(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "John Doe", "1+1", "'", "'quoted'", "O'Neill", " =1+1", "a=b"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert defused(text) == text
    assert restored(text) == text


def test_a_text_that_looks_defused_already_is_told_apart() -> None:
    assert defused("'=1+1") == "''=1+1"
    assert restored("''=1+1") == "'=1+1"


@given(texts())
def test_every_text_comes_back(text: str) -> None:
    assert restored(defused(text)) == text


@given(texts())
def test_no_text_is_run(text: str) -> None:
    assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r"))
