"""Test the checks of fields, texts and ids."""

from collections.abc import Callable

import pytest
from hypothesis import given

from builders import an_id
from leads_domain.checking import check_fields, check_id, check_text
from leads_domain.errors import FieldError, ValidationFailed
from strategies import texts


def _at_most(number: int, limit: int) -> int:
    if number > limit:
        raise ValidationFailed.because(f"Give at most {limit}.")
    return number


def _pair(_: object, __: int) -> object:
    raise ValidationFailed([FieldError("/0", "Give a first."), FieldError("/1", "Give a second.")])


RULES: dict[str, Callable[[int, int], object]] = {"width": _at_most, "height": _at_most, "pair": _pair}


def test_each_field_has_the_result_of_its_rule() -> None:
    doubled = {"width": lambda number, _: number * 2, "name": lambda text, _: text.upper()}
    assert check_fields({"name": "x", "width": 2}, doubled, None) == {"name": "X", "width": 4}


def test_a_rule_gets_the_context() -> None:
    assert check_fields({"width": 5}, RULES, 5) == {"width": 5}


def test_every_broken_rule_is_reported_at_its_field() -> None:
    with pytest.raises(ValidationFailed) as caught:
        check_fields({"height": 6, "pair": None, "width": 7}, RULES, 5, FieldError("/depth", "Give one."))
    assert caught.value.errors == (
        FieldError("/depth", "Give one."),
        FieldError("/height", "Give at most 5."),
        FieldError("/pair/0", "Give a first."),
        FieldError("/pair/1", "Give a second."),
        FieldError("/width", "Give at most 5."),
    )


@given(texts(min_size=1).filter(str.strip))
def test_only_leading_and_trailing_white_space_is_removed_from_a_text(text: str) -> None:
    checked = check_text(f" \n{text}\t", max_length=50)
    assert checked == checked.strip()
    assert checked in text


@pytest.mark.parametrize("text", ["", "   ", "\u00a0\u2003", "four "])
def test_a_trimmed_text_that_is_empty_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed, match=f"Must have 1 to 3 characters, but has {len(text.strip())}"):
        check_text(text, max_length=3)


@pytest.mark.parametrize("text", ["a\0b", "\0", "\0ab", "ab\0"])
def test_nul_is_refused_at_any_index(text: str) -> None:
    with pytest.raises(ValidationFailed, match="Remove the NUL character"):
        check_text(text, max_length=3)


def test_an_id_is_a_uuid_in_lower_case() -> None:
    assert check_id(an_id(0xAB).upper()) == an_id(0xAB)


@pytest.mark.parametrize(
    "text", ["", "1", an_id()[:-1], an_id() + "0", an_id().replace("-", ""), f"{{{an_id()}}}", "\0"]
)
def test_a_text_that_is_not_a_uuid_is_refused_as_an_id(text: str) -> None:
    with pytest.raises(ValidationFailed, match=r"is not an id\. An id is a UUID"):
        check_id(text)
