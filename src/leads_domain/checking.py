"""Check what clients send: each member by its own rule, all broken rules reported together."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from leads_domain.errors import FieldError, ValidationFailed

Context = TypeVar("Context")
KeptT = TypeVar("KeptT")

SHOWN_MAX = 50
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_fields(
    given: Mapping[str, Any],
    rules: Mapping[str, Callable[[Any, Context], object]],
    context: Context,
    *also: FieldError,
) -> dict[str, Any]:
    """Return each member as its rule returns it; raises `ValidationFailed` with every error, each at its member.

    `also` are errors that the caller has found already, to be reported together with these.
    """
    checked: dict[str, Any] = {}
    errors = list(also)
    for member, value in given.items():
        try:
            checked[member] = rules[member](value, context)
        except ValidationFailed as invalid:
            errors += (error.under(member) for error in invalid.errors)
    if errors:
        raise ValidationFailed(errors)
    return checked


def optional(rule: Callable[[str, Context], KeptT]) -> Callable[[str | None, Context], KeptT | None]:
    """Return the rule of a member that may be empty: null and blank text, as forms send it, become None."""
    return lambda text, context: rule(text, context) if text and text.strip() else None


def missing(given: Mapping[str, Any], *required: str) -> list[FieldError]:
    """Return an error for each required member that is not given."""
    return [FieldError(f"/{member}", "This member is required.") for member in required if member not in given]


def truncate(text: str) -> str:
    """Return a client's text, quoted and short enough for an error message."""
    return repr(text) if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]!r}..."


def check_id(text: str) -> str:
    """Return an id of this service in lower case; raises `ValidationFailed` for text that is no UUID."""
    id = text.lower()
    if not _UUID.fullmatch(id):
        raise ValidationFailed.because(f"{truncate(text)} is no id; an id is a UUID.")
    return id


def check_storable(text: str) -> None:
    """Raise `ValidationFailed` for a NUL, which PostgreSQL cannot keep, or a lone surrogate, which is no character."""
    if "\0" in text:
        raise ValidationFailed.because("Remove the NUL character (U+0000); it cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationFailed.because(
            "Remove the lone surrogates (U+D800 to U+DFFF); they are no characters."
        ) from None


def check_text(text: str, *, max_length: int) -> str:
    """Return `text` stripped; raises `ValidationFailed` unless it then has 1 to `max_length` characters and no NUL."""
    check_storable(text)
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= max_length:
        raise ValidationFailed.because(f"Give 1 to {max_length} characters; this has {len(trimmed)}.")
    return trimmed


def check_time(at: datetime) -> datetime:
    """Return the same moment in UTC; raises `ValidationFailed` for one outside the years 1 to 9999."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValidationFailed.because("Give a time that is in the years 1 to 9999 in UTC, too.") from None
