"""Checking what clients give: every member by its own rule, all broken rules reported together."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from leads_domain.errors import Fault, Invalid

Context = TypeVar("Context")
KeptT = TypeVar("KeptT")

SHOWN_MAX = 50
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_members(
    given: Mapping[str, Any],
    rules: Mapping[str, Callable[[Any, Context], object]],
    context: Context,
    *also: Fault,
) -> dict[str, Any]:
    """Each given member as its rule returns it; raises `Invalid` with every fault, each at its member.

    `also` are faults that the caller has found already and wants told together with these.
    """
    checked: dict[str, Any] = {}
    faults = list(also)
    for member, value in given.items():
        try:
            checked[member] = rules[member](value, context)
        except Invalid as invalid:
            faults += (fault.under(member) for fault in invalid.faults)
    if faults:
        raise Invalid(faults)
    return checked


def optional(rule: Callable[[str, Context], KeptT]) -> Callable[[str | None, Context], KeptT | None]:
    """Return the rule of a member that may be empty: null and blank text, as forms send it, become None."""
    return lambda text, context: rule(text, context) if text and text.strip() else None


def missing(given: Mapping[str, Any], *required: str) -> list[Fault]:
    """A fault for each required member that is not given."""
    return [Fault(f"/{member}", "This member is required.") for member in required if member not in given]


def shown(text: str) -> str:
    """What somebody gave, short enough to be told back."""
    return repr(text) if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]!r}..."


def check_id(text: str) -> str:
    """An id as the service gives them out, in lower case; raises `Invalid` for what can be none."""
    id = text.lower()
    if not _UUID.fullmatch(id):
        raise Invalid.because(f"{shown(text)} is no id; an id is a UUID.")
    return id


def check_storable(text: str) -> None:
    """Raise `Invalid` for a NUL, which PostgreSQL cannot keep, or a lone surrogate, which is no character."""
    if "\0" in text:
        raise Invalid.because("Remove the NUL character (U+0000); it cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid.because("Remove the lone surrogates (U+D800 to U+DFFF); they are no characters.") from None


def check_text(text: str, *, most: int) -> str:
    """`text` without outer white space, if it then has 1 to `most` characters and no NUL; raises `Invalid`."""
    check_storable(text)
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= most:
        raise Invalid.because(f"Give 1 to {most} characters; this has {len(trimmed)}.")
    return trimmed


def check_time(at: datetime) -> datetime:
    """The same moment in UTC; raises `Invalid` for one that UTC cannot tell."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Invalid.because("Give a time that is in the years 1 to 9999 in UTC, too.") from None
