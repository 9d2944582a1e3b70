"""Validate the fields of a lead, each by its own rule."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast

from leads_domain.checking import (
    check_fields,
    check_line,
    check_no_controls,
    check_one_line,
    check_text,
    missing_fields,
    optional,
    truncate,
)
from leads_domain.contact import NO_CONTACT, EmailAddress, PhoneNumber
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.field_values import yes_or_no
from leads_domain.pipeline import Status
from leads_domain.sources import Normalizer

Scalar = str | int | float | bool | None
"""The value of an attribute."""

NAME_MAX = 200
SOURCE_MAX = 100
REASON_MAX = 1000
ATTRIBUTES_MAX = 50
ATTRIBUTE_NAME_MAX = 64
ATTRIBUTE_TEXT_MAX = 1000
PLACEHOLDERS = frozenset(
    ["-", "--", "\u2013", "\u2014", "0", "na", "n/a", "#n/a", "nan", "nil", "none", "null", "(null)", "undefined"]
)
"""Texts that forms and spreadsheets write instead of an e-mail address or a phone number, in lower case."""

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1


class DetailsInput(TypedDict, total=False):
    """The fields of a lead as a client sends them. All can be left out.

    Programs send `do_not_contact` as true or false, files and forms as text (`yes_or_no`).
    """

    name: str
    email: str | None
    phone: str | None
    source: str | None
    owner: str | None
    do_not_contact: bool | str
    attributes: Mapping[str, Scalar]


class ChangesInput(DetailsInput, total=False):
    """Changes to an existing lead. Attributes are merged by name; null removes one (RFC 7396)."""

    status: Status
    status_reason: str | None


class Details(TypedDict, total=False):
    """The fields of a lead after validation: stripped, canonical, within limits."""

    name: str
    email: EmailAddress | None
    phone: PhoneNumber | None
    source: str | None
    owner: EmailAddress | None
    do_not_contact: bool
    attributes: Mapping[str, Scalar]
    status_reason: str | None


def check_new_details(values: DetailsInput, normalizer: Normalizer, *other_errors: FieldError) -> Details:
    """Return the details of a new lead, which needs a name, and an e-mail address or a phone number.

    Raises `ValidationFailed` with all errors, including `other_errors`.
    """
    errors = missing_fields(values, "name") + contact_errors(values)
    return cast(Details, check_fields(values, RULES, normalizer, *errors, *other_errors))


def contact_errors(values: DetailsInput) -> list[FieldError]:
    """Return an error if there is neither an e-mail address nor a phone number."""
    return [] if _is_given(values.get("email")) or _is_given(values.get("phone")) else [NO_CONTACT]


def check_changes(values: Mapping[str, Any], normalizer: Normalizer, *other_errors: FieldError) -> Details:
    """Return the fields to change in an existing lead, except its status.

    The number of attributes is not limited here, because names to remove count too. Raises `ValidationFailed` with all
    errors, including `other_errors`.
    """
    return cast(Details, check_fields(values, _CHANGE_RULES, normalizer, *other_errors))


def check_attributes(attributes: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Return the attributes; raises `ValidationFailed` with the errors of all attributes, or if there are too many."""
    return _check_each_attribute(check_attribute_number(attributes))


def check_attribute_number(attributes: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Return the attributes; raises `ValidationFailed` if a lead cannot have so many.

    The attributes themselves are not checked, because older versions have stored others.
    """
    if len(attributes) > ATTRIBUTES_MAX:
        raise ValidationFailed.because(f"Must have at most {ATTRIBUTES_MAX} attributes, but has {len(attributes)}.")
    return attributes


def _check_each_attribute(attributes: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    errors: list[FieldError] = []
    for name, value in attributes.items():
        try:
            _check_attribute(name, value)
        except ValidationFailed as invalid:
            errors += (error.under(name) for error in invalid.errors)
    if errors:
        raise ValidationFailed(errors)
    return dict(attributes)


def _check_attribute_patch(attributes: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Check the attributes to set. One to remove can have any name, because older versions have stored others."""
    _check_each_attribute({name: value for name, value in attributes.items() if value is not None})
    return dict(attributes)


def _check_attribute(name: str, value: Scalar) -> None:
    check_one_line(name)
    if not 1 <= len(name) <= ATTRIBUTE_NAME_MAX:
        raise ValidationFailed.because(f"The name of an attribute must have 1 to {ATTRIBUTE_NAME_MAX} characters.")
    if isinstance(value, str):
        check_no_controls(value)
        if len(value) > ATTRIBUTE_TEXT_MAX:
            raise ValidationFailed.because(f"Must have at most {ATTRIBUTE_TEXT_MAX} characters, but has {len(value)}.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationFailed.because("Must be a finite number.")
    elif isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        raise ValidationFailed.because("Must be an integer of at most 64 bits. Send a larger one as text.")


def is_placeholder(text: str) -> bool:
    """Return whether a form or spreadsheet writes this text instead of an address or number."""
    return text.strip().casefold() in PLACEHOLDERS


def _is_given(text: str | None) -> bool:
    return bool(text and text.strip()) and not is_placeholder(text or "")


def _email(text: str, normalizer: Normalizer) -> EmailAddress | None:
    return None if is_placeholder(text) else normalizer.email(text)


def _flag(value: bool | str) -> bool:
    flag = value if isinstance(value, bool) else yes_or_no(value)
    if flag is None:
        raise ValidationFailed.because(f"Write yes or no, true or false, or 1 or 0, not {truncate(str(value))}.")
    return flag


def _phone(text: str, normalizer: Normalizer) -> PhoneNumber | None:
    return None if is_placeholder(text) else normalizer.phone(text)


_Rules = Mapping[str, Callable[[Any, Normalizer], object]]

RULES: _Rules = {
    "name": lambda text, _: check_line(text, max_length=NAME_MAX),
    "email": optional(_email),
    "phone": optional(_phone),
    "source": optional(lambda text, _: check_line(text, max_length=SOURCE_MAX)),
    "owner": optional(_email),
    "do_not_contact": lambda value, _: _flag(value),
    "attributes": lambda attributes, _: check_attributes(attributes),
}
"""The rule of each field of a lead."""

_CHANGE_RULES: _Rules = {
    **RULES,
    "attributes": lambda attributes, _: _check_attribute_patch(attributes),
    "status_reason": optional(lambda text, _: check_text(text, max_length=REASON_MAX)),
}
