"""Validate input from clients, each field by its own rule, and report all broken rules together."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from leads_domain.control_characters import CONTROL, CONTROL_IN_TEXT
from leads_domain.errors import FieldError, ValidationFailed

ContextT = TypeVar("ContextT")
InputT = TypeVar("InputT", bound=Mapping[str, Any])
ValueT = TypeVar("ValueT")

QUOTE_MAX = 50
"""The maximum number of characters that a message quotes from a client's text."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_fields(
    values: InputT,
    rules: Mapping[str, Callable[[Any, ContextT], object]],
    context: ContextT,
    *other_errors: FieldError,
) -> InputT:
    """Apply its rule to each field, and return the results; raises `ValidationFailed` with the errors of all fields.

    `other_errors` are errors that the caller has already found. They are reported first.
    """
    checked: dict[str, Any] = {}
    errors = list(other_errors)
    for field, value in values.items():
        try:
            checked[field] = rules[field](value, context)
        except ValidationFailed as invalid:
            errors += (error.under(field) for error in invalid.errors)
    if errors:
        raise ValidationFailed(errors)
    return cast(InputT, checked)


def optional(rule: Callable[[str, ContextT], ValueT]) -> Callable[[str | None, ContextT], ValueT | None]:
    """Extend a rule to an optional field: null and blank text, which forms send for empty fields, become None."""
    return lambda text, context: rule(text, context) if text and text.strip() else None


def missing_fields(values: Mapping[str, Any], *required: str) -> list[FieldError]:
    """Return an error for each required field that is missing."""
    return [FieldError(f"/{field}", "This field is required.") for field in required if field not in values]


def truncate(text: str) -> str:
    """Quote a client's text for an error message, shortened to `QUOTE_MAX` characters."""
    return repr(text) if len(text) <= QUOTE_MAX else f"{text[:QUOTE_MAX]!r}..."


def check_id(text: str) -> str:
    """Return an id in lower case; raises `ValidationFailed` for text that is not a UUID."""
    id = text.lower()
    if not _UUID.fullmatch(id):
        raise ValidationFailed.because(f"{truncate(text)} is not an id. An id is a UUID.")
    return id


def check_storable(text: str) -> None:
    """Raise `ValidationFailed` for a NUL character, which PostgreSQL cannot store, and for a lone surrogate."""
    if "\0" in text:
        raise ValidationFailed.because("Remove the NUL character (U+0000): it cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationFailed.because(
            "Remove the lone surrogates (U+D800 to U+DFFF): they are not characters."
        ) from None


def check_text(text: str, *, max_length: int) -> str:
    """Return the stripped text; raises `ValidationFailed` unless it has 1 to `max_length` characters and no controls.

    Tabs and line breaks are allowed.
    """
    stripped = _check_length(text, max_length)
    check_no_controls(stripped)
    return stripped


def check_line(text: str, *, max_length: int) -> str:
    """Return the stripped text as `check_text` does; raises `ValidationFailed` also for tabs and line breaks."""
    stripped = _check_length(text, max_length)
    check_one_line(stripped)
    return stripped


def check_no_controls(text: str) -> None:
    """Raise `ValidationFailed` for a control character that is neither a tab nor a line break."""
    check_storable(text)
    if found := CONTROL_IN_TEXT.search(text):
        raise ValidationFailed.because(f"Remove the control character U+{ord(found[0]):04X}.")


def check_one_line(text: str) -> None:
    """Raise `ValidationFailed` for a line break or another control character."""
    check_storable(text)
    if found := CONTROL.search(text):
        raise ValidationFailed.because(
            f"Remove the character U+{ord(found[0]):04X}: line breaks, tabs and control characters are not allowed."
        )


def _check_length(text: str, max_length: int) -> str:
    stripped = text.strip()
    if not 1 <= len(stripped) <= max_length:
        raise ValidationFailed.because(f"Must have 1 to {max_length} characters, but has {len(stripped)}.")
    return stripped


def check_time(at: datetime, *, first_year: int = 1) -> datetime:
    """Convert a time to UTC; raises `ValidationFailed` if that is outside the years `first_year` to 9999."""
    try:
        in_utc = at.astimezone(UTC)
    except OverflowError:
        in_utc = None
    if in_utc is None or in_utc.year < first_year:
        raise ValidationFailed.because(f"Must be in the years {first_year} to 9999, also in UTC.")
    return in_utc
