"""What may be said of a lead: the limits, and that every broken one is told at its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_phone, an_email, details_input
from fakes import PlainNormalizer
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


def checked(**members: Any) -> Details:
    """These members, checked."""
    given: DetailsInput = members  # type: ignore[assignment]
    return check_changes(given, PlainNormalizer())


def faults(**members: Any) -> tuple[FieldError, ...]:
    """What is wrong with these members."""
    with pytest.raises(ValidationFailed) as refusal:
        checked(**members)
    return refusal.value.errors


def test_what_is_said_of_a_lead_is_trimmed_and_made_canonical() -> None:
    said = checked(
        name="  John Doe\n",
        email="John@Example.com",
        phone="+12025550123",
        source=" fair ",
        owner="ann@example.com",
        attributes={"size": 3},
        status_reason=" No budget",
    )
    assert said == {
        "name": "John Doe",
        "email": an_email("John@Example.com"),
        "phone": a_phone("+12025550123"),
        "source": "fair",
        "owner": an_email("ann@example.com"),
        "attributes": {"size": 3},
        "status_reason": "No budget",
    }


def test_a_member_that_is_left_out_is_not_spoken_of() -> None:
    assert checked() == {}


@pytest.mark.parametrize("member", ["phone", "source", "owner", "status_reason"])
@pytest.mark.parametrize("nothing", [None, "", " \t\n\u3000"])
def test_null_and_blank_text_clear_a_member_that_may_be_unknown(member: str, nothing: str | None) -> None:
    assert checked(**{member: nothing}) == {member: None}


@pytest.mark.parametrize("text", ["NULL", "N/A", "n/a", "#N/A", "-", " -- ", "\u2013", "None", "NaN", "0", "(null)"])
def test_a_placeholder_is_no_phone_number_and_no_owner(text: str) -> None:
    assert checked(phone=text, owner=text) == {"phone": None, "owner": None}


def test_a_person_may_be_called_null() -> None:
    assert checked(name="Null", source="-") == {"name": "Null", "source": "-"}


@pytest.mark.parametrize(("member", "most"), [("name", 200), ("source", 100), ("status_reason", 1000)])
def test_a_text_may_be_as_long_as_its_limit(member: str, most: int) -> None:
    longest = "é" * most
    assert checked(**{member: f" {longest} "}) == {member: longest}


@pytest.mark.parametrize(("member", "most"), [("name", 200), ("source", 100), ("status_reason", 1000)])
def test_a_text_that_is_too_long_is_refused_with_its_length(member: str, most: int) -> None:
    detail = f"Must have 1 to {most} characters, but has {most + 1}."
    assert faults(**{member: "x" * (most + 1)}) == (FieldError(f"/{member}", detail),)


def test_a_blank_name_is_refused() -> None:
    assert faults(name=" \t\n") == (FieldError("/name", "Must have 1 to 200 characters, but has 0."),)


@pytest.mark.parametrize("member", ["name", "source", "status_reason"])
def test_a_text_with_nul_is_refused(member: str) -> None:
    detail = "Remove the NUL character (U+0000): it cannot be stored."
    assert faults(**{member: "John\0Doe"}) == (FieldError(f"/{member}", detail),)


@given(st.text(max_size=250))
def test_a_name_is_kept_trimmed_or_refused_for_its_length_or_nul(text: str) -> None:
    trimmed = text.strip()
    if 1 <= len(trimmed) <= 200 and "\0" not in text:
        assert checked(name=text) == {"name": trimmed}
    else:
        assert [fault.pointer for fault in faults(name=text)] == ["/name"]


@pytest.mark.parametrize(
    ("member", "detail"),
    [
        ("email", "This is not an e-mail address."),
        ("owner", "This is not an e-mail address."),
        ("phone", "This is not a telephone number."),
    ],
)
def test_what_no_contact_can_be_made_of_is_refused_where_it_was_given(member: str, detail: str) -> None:
    assert faults(**{member: "nonsense"}) == (FieldError(f"/{member}", detail),)


def test_all_faults_are_told_at_once_in_the_order_of_the_input() -> None:
    found = faults(
        status_reason="x" * 1001,
        name=" ",
        email="nonsense",
        attributes={"good": 1, "big": 2**63, "odd": float("nan")},
        source="x" * 101,
        phone="nonsense",
        owner="nonsense",
    )
    assert [fault.pointer for fault in found] == [
        "/status_reason",
        "/name",
        "/email",
        "/attributes/big",
        "/attributes/odd",
        "/source",
        "/phone",
        "/owner",
    ]


def test_what_the_caller_found_already_is_told_first() -> None:
    known = FieldError("/status", "There is no status 'old'.")
    with pytest.raises(ValidationFailed) as refusal:
        check_changes(details_input(name=""), PlainNormalizer(), known)
    assert refusal.value.errors == (known, FieldError("/name", "Must have 1 to 200 characters, but has 0."))


def test_what_the_caller_found_already_is_enough_to_refuse() -> None:
    with pytest.raises(ValidationFailed):
        check_changes(details_input(), PlainNormalizer(), FieldError("/status", "There is no status 'old'."))


def test_a_new_lead_with_a_name_and_an_address_is_complete() -> None:
    assert check_new_details(details_input(name="John"), PlainNormalizer()) == {"name": "John", "email": an_email()}


def test_a_new_lead_needs_a_name_and_an_address_and_hears_of_its_other_faults_as_well() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        check_new_details({"phone": "nonsense"}, PlainNormalizer())
    assert refusal.value.errors == (
        FieldError("/name", "This field is required."),
        FieldError("/email", "This field is required."),
        FieldError("/phone", "This is not a telephone number."),
    )


@pytest.mark.parametrize("missing", ["name", "email"])
def test_a_new_lead_without_either_is_told_which(missing: str) -> None:
    given = details_input()
    del given[missing]  # type: ignore[misc]
    with pytest.raises(ValidationFailed) as refusal:
        check_new_details(given, PlainNormalizer())
    assert refusal.value.errors == (FieldError(f"/{missing}", "This field is required."),)


@given(attributes())
def test_attributes_within_the_limits_are_kept_as_they_are(given: dict[str, Scalar]) -> None:
    assert repr(check_attributes(dict(given))) == repr(given)


@pytest.mark.parametrize(
    "value", [2**63 - 1, -(2**63), 1.7976931348623157e308, 5e-324, True, False, None, "", " ", "x" * 1000]
)
def test_an_attribute_may_hold_anything_up_to_its_limit(value: Scalar) -> None:
    assert checked(attributes={"x": value}) == {"attributes": {"x": value}}


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
def test_an_attribute_that_could_not_be_stored_is_refused_at_its_place(value: Scalar, detail: str) -> None:
    assert faults(attributes={"fine": 1, "x": value}) == (FieldError("/attributes/x", detail),)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("", "The name of an attribute must have 1 to 64 characters."),
        ("x" * 65, "The name of an attribute must have 1 to 64 characters."),
        ("a\0b", "Remove the NUL character (U+0000): it cannot be stored."),
    ],
)
def test_an_attribute_needs_a_name_that_can_be_stored(name: str, detail: str) -> None:
    assert faults(attributes={name: 1}) == (FieldError(f"/attributes/{name}", detail),)


def test_fifty_attributes_are_the_most() -> None:
    fifty: dict[str, Scalar] = {f"{number:064}": number for number in range(50)}
    assert check_attributes(fifty) == fifty
    detail = "Must have at most 50 attributes, but has 51."
    with pytest.raises(ValidationFailed) as refusal:
        check_new_details(details_input(attributes={**fifty, "one more": 1}), PlainNormalizer())
    assert refusal.value.errors == (FieldError("/attributes", detail),)


@pytest.mark.parametrize(
    ("name", "pointer"),
    [("a/b", "/attributes/a~1b"), ("m~n", "/attributes/m~0n"), ("~1", "/attributes/~01"), (" ", "/attributes/ ")],
)
def test_a_pointer_is_escaped_as_rfc_6901_says(name: str, pointer: str) -> None:
    assert faults(attributes={name: float("nan")})[0].pointer == pointer


@given(st.dictionaries(attribute_names(), st.just(1), max_size=4), attribute_names(), st.sampled_from([2**63, "\0"]))
def test_a_pointer_leads_to_the_value_that_is_meant(good: dict[str, Scalar], name: str, bad: Scalar) -> None:
    document = {"attributes": {**good, name: bad}}
    (fault,) = faults(**document)
    assert _resolve(fault.pointer, document) == bad


@given(texts(max_size=4), texts(max_size=4))
def test_faults_at_different_members_have_different_pointers(one: str, other: str) -> None:
    same = FieldError("", "x").under(one).pointer == FieldError("", "x").under(other).pointer
    assert same == (one == other)


def _resolve(pointer: str, document: Any) -> object:
    """What an RFC 6901 pointer points to, as a client would look it up (section 4)."""
    for token in pointer.split("/")[1:]:
        document = document[token.replace("~1", "/").replace("~0", "~")]
    return document
