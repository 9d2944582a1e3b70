"""Test the checks of fields, texts and ids."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from builders import NOON, an_id
from leads_domain.checking import (
    QUOTE_MAX,
    check_fields,
    check_id,
    check_line,
    check_text,
    check_time,
    missing_fields,
    optional,
    truncate,
)
from leads_domain.errors import FieldError, ValidationFailed
from strategies import texts_without_controls


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


@given(texts_without_controls().filter(str.strip))
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


@pytest.mark.parametrize("control", ["\x1b", "\x07", "\x08", "\x1f", "\x7f", "\x80", "\x9b"])
def test_a_control_character_is_refused_in_every_text(control: str) -> None:
    detail = f"Remove the character U+{ord(control):04X}: line breaks, tabs and control characters are not allowed."
    with pytest.raises(ValidationFailed, match=rf"^Remove the control character U\+{ord(control):04X}\.$"):
        check_text(f"a{control}b", max_length=3)
    with pytest.raises(ValidationFailed) as caught:
        check_line(f"a{control}b", max_length=3)
    assert str(caught.value) == detail


@pytest.mark.parametrize(
    "char", ["\t", "\n", "\v", "\f", "\r", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069"]
)
def test_line_breaks_and_directional_overrides_are_refused_on_one_line_only(char: str) -> None:
    assert check_text(f"a{char}b", max_length=3) == f"a{char}b"
    with pytest.raises(ValidationFailed, match="Remove the character"):
        check_line(f"a{char}b", max_length=3)
    assert check_line("\n a b\t", max_length=3) == "a b"


@pytest.mark.parametrize("char", ["\u200c", "\u200d", "\u200e", "\u200f", "\u061c", "\u00a0", "\ufeff"])
def test_characters_that_scripts_and_emoji_need_are_allowed(char: str) -> None:
    assert check_line(f"a{char}b", max_length=3) == f"a{char}b"


def test_an_id_is_a_uuid_in_lower_case() -> None:
    assert check_id(an_id(0xAB).upper()) == an_id(0xAB)


@pytest.mark.parametrize(
    "text", ["", "1", an_id()[:-1], an_id() + "0", an_id().replace("-", ""), f"{{{an_id()}}}", "\0"]
)
def test_a_text_that_is_not_a_uuid_is_refused_as_an_id(text: str) -> None:
    with pytest.raises(ValidationFailed, match=r" is not an id\. An id is a UUID\.$"):
        check_id(text)


@pytest.mark.parametrize("text", [None, "", " \t\n"])
def test_an_optional_field_without_text_is_none(text: str | None) -> None:
    assert optional(_at_most_characters)(text, 0) is None


def test_an_optional_field_with_text_has_the_result_of_its_rule() -> None:
    assert optional(_at_most_characters)(" two ", 5) == "5: two "
    with pytest.raises(ValidationFailed):
        optional(_at_most_characters)("three", 4)


def _at_most_characters(text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValidationFailed.because(f"Give at most {limit} characters.")
    return f"{limit}:{text}"


def test_each_missing_field_is_reported() -> None:
    required = [FieldError("/name", "This field is required."), FieldError("/role", "This field is required.")]
    assert missing_fields({"color": 1}, "name", "role") == required
    assert missing_fields({"name": None}, "name", "role") == required[1:]
    assert missing_fields({"name": None}, "name") == []


def test_a_quoted_text_is_shortened() -> None:
    assert truncate("it's\n") == '"it\'s\\n"'
    assert truncate("x" * QUOTE_MAX) == f"'{'x' * 50}'"
    assert truncate("x" * QUOTE_MAX + "y") == f"'{'x' * 50}'..."


@pytest.mark.parametrize("text", ["\ud800", "x\udfff"])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed, match=r"^Remove the lone surrogates \(U\+D800 to U\+DFFF\): they are not"):
        check_text(text, max_length=3)


@pytest.mark.parametrize("length", [1, 3])
def test_the_shortest_and_the_longest_text_are_accepted(length: int) -> None:
    assert check_text("x" * length, max_length=3) == "x" * length


def test_a_time_is_converted_to_utc() -> None:
    checked = check_time(NOON.astimezone(timezone(timedelta(hours=-3))))
    assert (checked, checked.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(("year", "hours"), [(1, 1), (9999, -1)])
def test_a_time_outside_the_years_1_to_9999_in_utc_is_refused(year: int, hours: int) -> None:
    with pytest.raises(ValidationFailed, match=r"^Must be in the years 1 to 9999, also in UTC\.$"):
        check_time(
            datetime(
                year,
                1 if year == 1 else 12,
                1 if year == 1 else 31,
                0 if year == 1 else 23,
                tzinfo=timezone(timedelta(hours=hours)),
            )
        )


def test_a_time_before_the_first_year_is_refused() -> None:
    first = datetime(1970, 1, 1, tzinfo=UTC)
    assert check_time(first, first_year=1970) == first
    with pytest.raises(ValidationFailed, match=r"^Must be in the years 1970 to 9999, also in UTC\.$"):
        check_time(first - timedelta(microseconds=1), first_year=1970)
