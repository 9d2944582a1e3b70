"""What the members of a lead may hold: one small rule for each."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast

from leads_domain.checking import check_fields, check_storable, check_text, missing, optional
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.pipeline import Status
from leads_domain.sources import Normalizer

Scalar = str | int | float | bool | None
"""What an attribute may hold."""

NAME_MAX = 200
SOURCE_MAX = 100
REASON_MAX = 1000
ATTRIBUTES_MAX = 50
ATTRIBUTE_NAME_MAX = 64
ATTRIBUTE_TEXT_MAX = 1000
PLACEHOLDERS = frozenset(
    ["-", "--", "\u2013", "\u2014", "0", "na", "n/a", "#n/a", "nan", "nil", "none", "null", "(null)", "undefined"]
)
"""What forms and spreadsheets write where there is no address and no number; in any case."""

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1


class DetailsInput(TypedDict, total=False):
    """A lead's members as a client gives them. Members can be left out."""

    name: str
    email: str
    phone: str | None
    source: str | None
    owner: str | None
    attributes: Mapping[str, Scalar]


class ChangesInput(DetailsInput, total=False):
    """Changes of an existing lead: attributes are merged by name, a null removes one (RFC 7396)."""

    status: Status
    status_reason: str | None


class Details(TypedDict, total=False):
    """A lead's members after the check: trimmed, canonical, within bounds."""

    name: str
    email: EmailAddress
    phone: PhoneNumber | None
    source: str | None
    owner: EmailAddress | None
    attributes: Mapping[str, Scalar]
    status_reason: str | None


def check_new_details(given: DetailsInput, normalizer: Normalizer, *also: FieldError) -> Details:
    """Return the details of a new lead, which needs a name and an e-mail address.

    Raises `ValidationFailed` with every error, those in `also` included.
    """
    return cast(Details, check_fields(given, _RULES, normalizer, *missing(given, "name", "email"), *also))


def check_changes(given: Mapping[str, Any], normalizer: Normalizer, *also: FieldError) -> Details:
    """Return the members to change in an existing lead, its status aside; raises `ValidationFailed` as above.

    Attributes may outnumber their bound here, because removed names count as well.
    """
    return cast(Details, check_fields(given, _CHANGE_RULES, normalizer, *also))


def check_attributes(attributes: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Return up to 50 named values: text of up to 1,000 characters, 64-bit integers, finite numbers, booleans, null."""
    if len(attributes) > ATTRIBUTES_MAX:
        raise ValidationFailed.because(f"Give at most {ATTRIBUTES_MAX} attributes; these are {len(attributes)}.")
    return _each_checked(attributes)


def _each_checked(attributes: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    errors: list[FieldError] = []
    for name, value in attributes.items():
        try:
            _check_attribute(name, value)
        except ValidationFailed as invalid:
            errors += (error.under(name) for error in invalid.errors)
    if errors:
        raise ValidationFailed(errors)
    return dict(attributes)


def _check_attribute(name: str, value: Scalar) -> None:
    check_storable(name)
    if not 1 <= len(name) <= ATTRIBUTE_NAME_MAX:
        raise ValidationFailed.because(f"Give the attribute a name of 1 to {ATTRIBUTE_NAME_MAX} characters.")
    if isinstance(value, str):
        check_storable(value)
        if len(value) > ATTRIBUTE_TEXT_MAX:
            raise ValidationFailed.because(f"Give at most {ATTRIBUTE_TEXT_MAX} characters; this has {len(value)}.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationFailed.because("Give a finite number.")
    elif isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        raise ValidationFailed.because("Give an integer of at most 64 bits, or write it as text.")


def is_placeholder(text: str) -> bool:
    """Return whether this text stands for a missing address or number."""
    return text.strip().casefold() in PLACEHOLDERS


_Rules = Mapping[str, Callable[[Any, Normalizer], object]]

_RULES: _Rules = {
    "name": lambda text, _: check_text(text, max_length=NAME_MAX),
    "email": lambda text, normalizer: normalizer.email(text),
    "phone": optional(lambda text, normalizer: None if is_placeholder(text) else normalizer.phone(text)),
    "source": optional(lambda text, _: check_text(text, max_length=SOURCE_MAX)),
    "owner": optional(lambda text, normalizer: None if is_placeholder(text) else normalizer.email(text)),
    "attributes": lambda attributes, _: check_attributes(attributes),
}
_CHANGE_RULES: _Rules = {
    **_RULES,
    "attributes": lambda attributes, _: _each_checked(attributes),
    "status_reason": optional(lambda text, _: check_text(text, max_length=REASON_MAX)),
}
