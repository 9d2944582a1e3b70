"""The members of a lead as files name them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from leads_domain.details import Scalar
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import ImportedState, Lead

MEMBERS = tuple(field.name for field in fields(Lead))
"""All members of a lead: the columns of an export."""

GIVEN = ("name", "email", "phone", "source", "owner", "attributes")
"""What a client can set in a new lead, its status aside."""

ASSIGNED = tuple(member for member in MEMBERS if member not in GIVEN)
"""What the service assigns itself; an import takes some of it over for new leads (`imported_state`)."""

OWN = {"status_reason", "contacted_at", "next_follow_up_at"}
"""What only exports of this service call so."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(Z|[+-][0-9]{2}:[0-9]{2})")
_EXPORTED = {
    "id": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "version": re.compile(r"[1-9][0-9]*"),
    "created_at": _TIME,
    "updated_at": _TIME,
    "contacted_at": _TIME,
    "next_follow_up_at": _TIME,
}
"""How an export writes what files of others may have columns for, too."""

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null", list: "a list"}


class _AwareTime(msgspec.Struct):
    at: Annotated[datetime, msgspec.Meta(tz=True)]


def is_own(names: Iterable[str]) -> bool:
    """Return whether columns of these names, in lower case, can only come from an export of this service."""
    return not OWN.isdisjoint(names)


def is_exported(member: str, text: str) -> bool:
    """Return whether a text of a member that the service assigns is a status, or as only exports write it."""
    return member == "status" or (member in _EXPORTED and _EXPORTED[member].fullmatch(text) is not None)


def readable_time(text: str) -> datetime | None:
    """Return the time that a spreadsheet may have written in another form, in UTC; None if that is not clear."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def imported_state(found: Mapping[str, Any], status_attribute: str | None) -> ImportedState | None:
    """Return status and times for a new lead, if there are any; raises `ValidationFailed` for impossible values."""
    if not (found.get("status") or found.get("created_at") or found.get("contacted_at")):
        return None
    return ImportedState(
        status=found.get("status") or None,
        status_reason=found.get("status_reason") or None,
        created_at=_time("created_at", found.get("created_at")),
        contacted_at=_time("contacted_at", found.get("contacted_at")),
        status_attribute=status_attribute,
    )


def _time(member: str, value: object) -> datetime | None:
    if not value:
        return None
    if isinstance(value, datetime):
        return value
    try:
        return msgspec.convert({"at": value}, _AwareTime).at.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise ValidationFailed.because("Give a time such as 2026-11-22T06:15:00Z.", f"/{member}") from None


def attribute_errors(given: object) -> Iterator[FieldError]:
    """What is wrong with the kinds of values in `given`, decoded JSON that is to be a lead's attributes."""
    if not isinstance(given, dict):
        yield FieldError("", f'Give an object such as {{"company": "ACME"}}, not {kind(given)}.')
        return
    for name, value in given.items():
        if not isinstance(value, Scalar):
            yield FieldError("", f"Give text, a number, true, false or null, not {kind(value)}.").under(name)


def kind(value: object) -> str:
    """What a value of decoded JSON is, in words."""
    return _KINDS.get(type(value), "an object")
