"""Test that a wrong optional value is kept as an attribute instead of refusing the rest."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import PlainNormalizer
from leads_domain.details import ATTRIBUTES_MAX, Details, DetailsInput, check_new_details
from leads_domain.errors import ValidationFailed
from leads_domain.lenient import add_attributes, check_leniently, put_on_one_line


def check(values: DetailsInput) -> Details:
    return check_new_details(values, PlainNormalizer())


def leniently(**values: Any) -> tuple[dict[str, Any], int]:
    """Return the details as plain values, and the number of values that were set aside."""
    details, count = check_leniently(cast(DetailsInput, values), check)
    texts = {field: str(value) for field, value in details.items() if field != "attributes" and value is not None}
    return texts | {"attributes": details.get("attributes")}, count


def pointers(caught: pytest.ExceptionInfo[ValidationFailed]) -> list[str]:
    return [error.pointer for error in caught.value.errors]


def test_valid_values_are_kept() -> None:
    values = DetailsInput(name="Ada", email="ada@example.com", attributes={"size": 5})
    assert check_leniently(values, check) == (check(values), 0)


def test_wrong_optional_values_become_attributes() -> None:
    details, count = leniently(
        name="Ada", email="ada@example.com", phone="ask later", owner="Dana", source="x" * 101, attributes={"size": 5}
    )
    assert details.keys() == {"name", "email", "attributes"}
    assert details["attributes"] == {
        "phone_as_given": "ask later",
        "owner_as_given": "Dana",
        "source_as_given": "x" * 101,
        "size": 5,
    }
    assert count == 3


def test_a_wrong_email_address_is_set_aside_if_there_is_a_phone_number() -> None:
    details, count = leniently(name="Ada", email="nobody", phone="+4930123456")
    assert (details["attributes"], count) == ({"email_as_given": "nobody"}, 1)


def test_without_a_valid_email_address_or_phone_number_the_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValidationFailed) as caught:
        leniently(name="Ada", email="nobody", phone="ask", owner="Dana")
    assert pointers(caught) == ["/email", "/phone", "/owner"]
    with pytest.raises(ValidationFailed) as caught:
        leniently(name="Ada")
    assert pointers(caught) == [""]


def test_only_what_remains_wrong_is_reported() -> None:
    with pytest.raises(ValidationFailed) as caught:
        leniently(name="", email="ada@example.com", phone="ask")
    assert pointers(caught) == ["/name"]


def test_only_the_chosen_fields_are_set_aside() -> None:
    values = DetailsInput(name="Ada", email="ada@example.com", owner="Dana", phone="ask")
    with pytest.raises(ValidationFailed) as caught:
        check_leniently(values, check, ["owner"])
    assert pointers(caught) == ["/phone"]


def test_attributes_are_cut_to_what_can_be_stored() -> None:
    attributes = {"long": "x" * 1001, "n" * 65: "y", "nul": "a\0b", "fine": "z", "number": 5, "\0": "empty"}
    details, count = leniently(name="Ada", email="ada@example.com", attributes=attributes)
    expected = {"long": "x" * 1000, "n" * 64: "y", "nul": "ab", "fine": "z", "number": 5, "_": "empty"}
    assert (details["attributes"], count) == (expected, 4)


def test_a_value_that_was_set_aside_takes_precedence_over_the_last_attribute() -> None:
    attributes = {f"a{number}": "x" for number in range(ATTRIBUTES_MAX)}
    details, count = leniently(name="Ada", email="ada@example.com", phone="ask", attributes=attributes)
    assert len(details["attributes"]) == ATTRIBUTES_MAX
    assert details["attributes"]["phone_as_given"] == "ask"
    assert count == 2


def test_added_attributes_replace_others_of_the_same_name() -> None:
    assert add_attributes({"a": 1, "b": 2}, {"a": 3}) == ({"a": 3, "b": 2}, 0)


_TEXTS = st.text(alphabet="a@.+49 0x\0\ud800", max_size=30) | st.text(max_size=120)


@given(
    st.fixed_dictionaries(
        {"name": st.just("Ada"), "email": st.just("ada@example.com")},
        optional={
            "phone": _TEXTS,
            "source": _TEXTS,
            "owner": _TEXTS,
            "attributes": st.dictionaries(_TEXTS, _TEXTS | st.none() | st.integers(-5, 5), max_size=60),
        },
    )
)
def test_a_person_with_a_name_and_an_email_address_is_never_refused(values: dict[str, Any]) -> None:
    details, _ = check_leniently(cast(DetailsInput, values), check)
    assert details["name"] == "Ada"


def test_control_characters_are_removed_from_texts_of_one_line() -> None:
    values = DetailsInput(
        name="Ada\r\nMuster\x1b",
        email="\u202aada@example.com\u202c",
        phone="+49 30 1\n+49 30 2",
        source=None,
        owner="\x9b",
    )
    assert put_on_one_line(values) == {
        "name": "Ada Muster",
        "email": "ada@example.com",
        "phone": "+49 30 1\n+49 30 2",
        "source": None,
        "owner": "",
    }


def test_control_characters_are_removed_from_wrong_attributes() -> None:
    details, count = leniently(name="Ada", email="ada@example.com", attributes={"a\nb": "\x1b[2J\nx", "c": "d"})
    assert details["attributes"] == {"a b": "[2J\nx", "c": "d"}
    assert count == 1


def test_a_long_wrong_value_is_cut_to_the_length_of_an_attribute() -> None:
    details, count = leniently(name="Ada", email="ada@example.com", source="x" * 1001)
    assert (details["attributes"], count) == ({"source_as_given": "x" * 1000}, 1)
