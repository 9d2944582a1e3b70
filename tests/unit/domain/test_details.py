"""Test the limits of a lead's fields, and that every error has a pointer to its field."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_phone, an_email, details_input
from fakes import PlainNormalizer
from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.control_characters import CONTROL
from leads_domain.details import (
    Details,
    DetailsInput,
    Scalar,
    check_attributes,
    check_changes,
    check_new_details,
)
from leads_domain.errors import FieldError, ValidationFailed
from strategies import attribute_names, attributes, texts


def check(**fields: Any) -> Details:
    """Check these fields as a change of a lead."""
    values: DetailsInput = fields  # type: ignore[assignment]
    return check_changes(values, PlainNormalizer())


def field_errors(**fields: Any) -> tuple[FieldError, ...]:
    """Return the errors of these fields."""
    with pytest.raises(ValidationFailed) as caught:
        check(**fields)
    return caught.value.errors


def test_fields_are_trimmed_and_normalised() -> None:
    details = check(
        name="  John Doe\n",
        email="John@Example.com",
        phone="+12025550123",
        source=" fair ",
        owner="ann@example.com",
        attributes={"size": 3},
        status_reason=" No budget",
    )
    assert details == {
        "name": "John Doe",
        "email": an_email("John@Example.com"),
        "phone": a_phone("+12025550123"),
        "source": "fair",
        "owner": an_email("ann@example.com"),
        "attributes": {"size": 3},
        "status_reason": "No budget",
    }


def test_a_field_that_is_left_out_is_not_in_the_result() -> None:
    assert check() == {}


@pytest.mark.parametrize("field", ["phone", "source", "owner", "status_reason"])
@pytest.mark.parametrize("empty", [None, "", " \t\n\u3000"])
def test_null_and_blank_text_clear_an_optional_field(field: str, empty: str | None) -> None:
    assert check(**{field: empty}) == {field: None}


@pytest.mark.parametrize("text", ["NULL", "N/A", "n/a", "#N/A", "-", " -- ", "\u2013", "None", "NaN", "0", "(null)"])
def test_a_placeholder_clears_the_phone_number_and_the_owner(text: str) -> None:
    assert check(phone=text, owner=text) == {"phone": None, "owner": None}


def test_a_person_can_have_the_name_null() -> None:
    assert check(name="Null", source="-") == {"name": "Null", "source": "-"}


@pytest.mark.parametrize(("field", "max_length"), [("name", 200), ("source", 100), ("status_reason", 1000)])
def test_a_text_can_be_as_long_as_its_limit(field: str, max_length: int) -> None:
    longest = "é" * max_length
    assert check(**{field: f" {longest} "}) == {field: longest}


@pytest.mark.parametrize(("field", "max_length"), [("name", 200), ("source", 100), ("status_reason", 1000)])
def test_a_text_that_is_too_long_is_refused_with_its_length(field: str, max_length: int) -> None:
    detail = f"Must have 1 to {max_length} characters, but has {max_length + 1}."
    assert field_errors(**{field: "x" * (max_length + 1)}) == (FieldError(f"/{field}", detail),)


def test_a_blank_name_is_refused() -> None:
    assert field_errors(name=" \t\n") == (FieldError("/name", "Must have 1 to 200 characters, but has 0."),)


@pytest.mark.parametrize("field", ["name", "source", "email", "owner", "attributes"])
@pytest.mark.parametrize("char", ["\x1b", "\n", "\u202e"])
def test_control_characters_are_refused_in_short_texts(field: str, char: str) -> None:
    value: Any = {f"a{char}b": 1} if field == "attributes" else f"john{char}@example.com"
    with pytest.raises(ValidationFailed):
        check_changes({field: value}, InternationalNormalizer())


def test_a_reason_and_the_text_of_an_attribute_keep_their_line_breaks() -> None:
    text = "Main Street 1\r\n\t10115 Berlin"
    assert check(status_reason=text, attributes={"address": text})["attributes"] == {"address": text}
    assert [error.pointer for error in field_errors(status_reason="a\x1bb", attributes={"a": "\x9b"})] == [
        "/status_reason",
        "/attributes/a",
    ]


@pytest.mark.parametrize("field", ["name", "source", "status_reason"])
def test_a_text_with_nul_is_refused(field: str) -> None:
    detail = "Remove the NUL character (U+0000): it cannot be stored."
    assert field_errors(**{field: "John\0Doe"}) == (FieldError(f"/{field}", detail),)


@given(st.text(max_size=250))
def test_a_name_is_trimmed_and_refused_only_for_its_length_or_a_control_character(text: str) -> None:
    trimmed = text.strip()
    if 1 <= len(trimmed) <= 200 and not CONTROL.search(trimmed):
        assert check(name=text) == {"name": trimmed}
    else:
        assert [error.pointer for error in field_errors(name=text)] == ["/name"]


@pytest.mark.parametrize(
    ("field", "detail"),
    [
        ("email", "This is not an e-mail address."),
        ("owner", "This is not an e-mail address."),
        ("phone", "This is not a phone number."),
    ],
)
def test_an_invalid_contact_is_refused_at_its_field(field: str, detail: str) -> None:
    assert field_errors(**{field: "nonsense"}) == (FieldError(f"/{field}", detail),)


def test_all_errors_are_reported_together_in_the_order_of_the_input() -> None:
    errors = field_errors(
        status_reason="x" * 1001,
        name=" ",
        email="nonsense",
        attributes={"good": 1, "big": 2**63, "odd": float("nan")},
        source="x" * 101,
        phone="nonsense",
        owner="nonsense",
    )
    assert [error.pointer for error in errors] == [
        "/status_reason",
        "/name",
        "/email",
        "/attributes/big",
        "/attributes/odd",
        "/source",
        "/phone",
        "/owner",
    ]


def test_known_errors_of_the_caller_are_reported_first() -> None:
    known = FieldError("/status", "Unknown status 'old'.")
    with pytest.raises(ValidationFailed) as caught:
        check_changes(details_input(name=""), PlainNormalizer(), known)
    assert caught.value.errors == (known, FieldError("/name", "Must have 1 to 200 characters, but has 0."))


def test_known_errors_of_the_caller_are_enough_to_refuse() -> None:
    with pytest.raises(ValidationFailed):
        check_changes(details_input(), PlainNormalizer(), FieldError("/status", "Unknown status 'old'."))


def test_a_new_lead_with_a_name_and_an_address_is_complete() -> None:
    assert check_new_details(details_input(name="John"), PlainNormalizer()) == {"name": "John", "email": an_email()}


def test_missing_required_fields_are_reported_together_with_other_errors() -> None:
    with pytest.raises(ValidationFailed) as caught:
        check_new_details({"phone": "nonsense"}, PlainNormalizer())
    assert caught.value.errors == (
        FieldError("/name", "This field is required."),
        FieldError("/phone", "This is not a phone number."),
    )


def test_a_missing_name_is_reported_at_its_pointer() -> None:
    values = details_input()
    del values["name"]
    with pytest.raises(ValidationFailed) as caught:
        check_new_details(values, PlainNormalizer())
    assert caught.value.errors == (FieldError("/name", "This field is required."),)


@pytest.mark.parametrize("email", [{}, {"email": None}, {"email": " "}, {"email": "N/A"}])
@pytest.mark.parametrize("phone", [{}, {"phone": None}, {"phone": ""}, {"phone": "-"}])
def test_a_new_lead_without_email_and_phone_is_refused_as_a_whole(email: DetailsInput, phone: DetailsInput) -> None:
    with pytest.raises(ValidationFailed) as caught:
        check_new_details({"name": "John", **email, **phone}, PlainNormalizer())
    assert caught.value.errors == (FieldError("", "Give an e-mail address or a phone number."),)


@pytest.mark.parametrize("email", [{}, {"email": None}, {"email": " "}, {"email": "N/A"}])
def test_a_new_lead_with_a_phone_number_needs_no_email_address(email: DetailsInput) -> None:
    checked = check_new_details({"name": "John", "phone": "+12025550123", **email}, PlainNormalizer())
    assert checked.get("email") is None
    assert checked["phone"] == a_phone()


@pytest.mark.parametrize("field", ["email", "phone"])
def test_an_invalid_email_address_or_phone_number_is_reported_once_at_its_field(field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        check_new_details(cast(DetailsInput, {"name": "John", field: "nonsense"}), PlainNormalizer())
    assert [error.pointer for error in caught.value.errors] == [f"/{field}"]


@given(attributes())
def test_attributes_within_the_limits_are_not_changed(valid: dict[str, Scalar]) -> None:
    assert repr(check_attributes(dict(valid))) == repr(valid)


@pytest.mark.parametrize(
    "value", [2**63 - 1, -(2**63), 1.7976931348623157e308, 5e-324, True, False, None, "", " ", "x" * 1000]
)
def test_an_attribute_can_have_any_value_up_to_its_limit(value: Scalar) -> None:
    assert check(attributes={"x": value}) == {"attributes": {"x": value}}


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (2**63, "Must be an integer of at most 64 bits. Send a larger one as text."),
        (-(2**63) - 1, "Must be an integer of at most 64 bits. Send a larger one as text."),
        (float("nan"), "Must be a finite number."),
        (float("inf"), "Must be a finite number."),
        (float("-inf"), "Must be a finite number."),
        ("x" * 1001, "Must have at most 1000 characters, but has 1001."),
        ("a\0b", "Remove the NUL character (U+0000): it cannot be stored."),
        ("\ud800", "Remove the lone surrogates (U+D800 to U+DFFF): they are not characters."),
    ],
)
def test_an_attribute_that_cannot_be_stored_is_refused_at_its_pointer(value: Scalar, detail: str) -> None:
    assert field_errors(attributes={"fine": 1, "x": value}) == (FieldError("/attributes/x", detail),)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("", "The name of an attribute must have 1 to 64 characters."),
        ("x" * 65, "The name of an attribute must have 1 to 64 characters."),
        ("a\0b", "Remove the NUL character (U+0000): it cannot be stored."),
    ],
)
def test_an_attribute_needs_a_name_that_can_be_stored(name: str, detail: str) -> None:
    assert field_errors(attributes={name: 1}) == (FieldError(f"/attributes/{name}", detail),)


def test_a_lead_can_have_at_most_fifty_attributes() -> None:
    fifty: dict[str, Scalar] = {f"{number:064}": number for number in range(50)}
    assert check_attributes(fifty) == fifty
    detail = "Must have at most 50 attributes, but has 51."
    with pytest.raises(ValidationFailed) as caught:
        check_new_details(details_input(attributes={**fifty, "one more": 1}), PlainNormalizer())
    assert caught.value.errors == (FieldError("/attributes", detail),)


@pytest.mark.parametrize(
    ("name", "pointer"),
    [("a/b", "/attributes/a~1b"), ("m~n", "/attributes/m~0n"), ("~1", "/attributes/~01"), (" ", "/attributes/ ")],
)
def test_a_pointer_is_escaped_by_rfc_6901(name: str, pointer: str) -> None:
    assert field_errors(attributes={name: float("nan")})[0].pointer == pointer


@given(st.dictionaries(attribute_names(), st.just(1), max_size=4), attribute_names(), st.sampled_from([2**63, "\x1b"]))
def test_a_pointer_resolves_to_the_invalid_value(good: dict[str, Scalar], name: str, bad: Scalar) -> None:
    document = {"attributes": {**good, name: bad}}
    (error,) = field_errors(**document)
    assert _resolve(error.pointer, document) == bad


@given(texts(max_size=4), texts(max_size=4))
def test_errors_at_different_fields_have_different_pointers(one: str, other: str) -> None:
    same = FieldError("", "x").under(one).pointer == FieldError("", "x").under(other).pointer
    assert same == (one == other)


def _resolve(pointer: str, document: Any) -> object:
    """Return the value at an RFC 6901 pointer (section 4)."""
    for token in pointer.split("/")[1:]:
        document = document[token.replace("~1", "/").replace("~0", "~")]
    return document
