"""Accept the rest of what people send if an optional value is wrong, and keep the wrong value as an attribute."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar, cast

from leads_domain.control_characters import on_one_line, remove_controls
from leads_domain.details import ATTRIBUTE_NAME_MAX, ATTRIBUTE_TEXT_MAX, ATTRIBUTES_MAX, DetailsInput, Scalar
from leads_domain.errors import ValidationFailed

OPTIONAL_FIELDS = frozenset(["email", "phone", "source", "owner", "do_not_contact", "attributes"])
"""The fields that a lead does not need, as long as it has an e-mail address or a phone number."""

_LINES = frozenset(["name", "email", "source", "owner"])
"""The texts of one line. A phone field can have a second number on another line, so it is left out."""

ResultT = TypeVar("ResultT")


def as_given(field: str) -> str:
    """Return the name of the attribute that keeps a wrong value of a field."""
    return f"{field}_as_given"


def put_on_one_line(values: DetailsInput) -> DetailsInput:
    """Remove control characters and line breaks from the name, the source and the e-mail addresses."""
    lines = {field: on_one_line(text) for field, text in values.items() if field in _LINES and isinstance(text, str)}
    return cast(DetailsInput, {**values, **lines})


def check_leniently(
    values: DetailsInput,
    check: Callable[[DetailsInput], ResultT],
    fields: Collection[str] = OPTIONAL_FIELDS,
) -> tuple[ResultT, int]:
    """Return the checked values, and the number of wrong values that were kept as attributes instead.

    A wrong value of one of `fields` becomes the attribute `FIELD_as_given`. Wrong attributes are cut to their limits,
    and lose their control characters. Raises `ValidationFailed` if that does not suffice.
    """
    try:
        return check(values), 0
    except ValidationFailed as invalid:
        wrong = [error.pointer.split("/")[1] for error in invalid.errors if error.pointer]
        kept, count = _set_aside(values, set(fields).intersection(wrong))
        if not count:
            raise
        try:
            return check(kept), count
        except ValidationFailed as remaining:
            # Without a valid e-mail address or phone number, report what is wrong with those that were sent.
            raise (remaining if all(error.pointer for error in remaining.errors) else invalid) from None


def add_attributes(attributes: Mapping[str, Scalar], added: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], int]:
    """Return the `added` attributes and the others, as many as a lead can have, and the number of those left out."""
    joined = {**added, **{name: value for name, value in attributes.items() if name not in added}}
    return dict(list(joined.items())[:ATTRIBUTES_MAX]), max(0, len(joined) - ATTRIBUTES_MAX)


def _set_aside(values: DetailsInput, fields: Collection[str]) -> tuple[DetailsInput, int]:
    attributes = values.get("attributes") or {}
    within_limits = dict(_within_limits(attributes)) if "attributes" in fields else attributes
    wrong = {
        as_given(field): _storable(str(text))[:ATTRIBUTE_TEXT_MAX]
        for field, text in values.items()
        if field in fields and field != "attributes"
    }
    joined, left_out = add_attributes(within_limits, wrong)
    kept: dict[str, Any] = {field: value for field, value in values.items() if field not in fields}
    changed = sum(attributes.get(name) != value for name, value in within_limits.items())
    return cast(DetailsInput, kept | {"attributes": joined}), len(wrong) + changed + bool(left_out)


def _within_limits(attributes: Mapping[str, Scalar]) -> Iterator[tuple[str, Scalar]]:
    """Yield the attributes with names and texts that can be stored. Later ones of the same shortened name win."""
    for name, value in attributes.items():
        number = isinstance(value, int | float) or value is None
        short = on_one_line(_storable(name))[:ATTRIBUTE_NAME_MAX] or "_"
        yield short, value if number else _storable(str(value))[:ATTRIBUTE_TEXT_MAX]


def _storable(text: str) -> str:
    """Return a text without control characters and lone surrogates."""
    return remove_controls(text).encode(errors="ignore").decode()
