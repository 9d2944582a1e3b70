"""The fields of a lead in files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from leads_domain.details import Scalar
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.lead import VISIBLE_FIELDS, ImportedState

FIELDS = VISIBLE_FIELDS
"""All fields of a lead that clients see: the columns of an export."""

INPUT_FIELDS = ("name", "email", "phone", "source", "owner", "do_not_contact", "attributes")
"""The fields that a client can set in a new lead, except its status."""

ASSIGNED_FIELDS = tuple(name for name in FIELDS if name not in INPUT_FIELDS)
"""The fields that the service sets. An import uses some of them for new leads (`imported_state`)."""

EXPORT_ONLY_FIELDS = {"status_reason", "contacted_at", "next_follow_up_at"}
"""The field names that occur only in exports of this service."""

ROW_ERRORS_MAX = 50
"""The maximum number of errors of a row: one line can have 100,000 wrong fields."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(Z|[+-][0-9]{2}:[0-9]{2})")
_EXPORT_FORMATS = {
    "id": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "version": re.compile(r"[1-9][0-9]*"),
    "created_at": _TIME,
    "updated_at": _TIME,
    "contacted_at": _TIME,
    "next_follow_up_at": _TIME,
}
"""The format of exported values, for fields whose names files of other programs use, too."""

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null", list: "a list"}


class _AwareTime(msgspec.Struct):
    at: Annotated[datetime, msgspec.Meta(tz=True)]


def is_export(names: Iterable[str]) -> bool:
    """Return whether these field names, in lower case, occur only in an export of this service."""
    return not EXPORT_ONLY_FIELDS.isdisjoint(names)


def looks_exported(field: str, text: str) -> bool:
    """Return whether the value of an assigned field is a status or has the format of an export."""
    return field == "status" or (field in _EXPORT_FORMATS and _EXPORT_FORMATS[field].fullmatch(text) is not None)


def readable_time(text: str) -> datetime | None:
    """Return the time in UTC from any ISO 8601 form, as spreadsheets may write it; None for other text."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def imported_state(values: Mapping[str, Any], status_attribute: str | None) -> ImportedState | None:
    """Return status and times for a new lead, or None; raises `ValidationFailed` for invalid times."""
    if not (values.get("status") or values.get("created_at") or values.get("contacted_at")):
        return None
    return ImportedState(
        status=values.get("status") or None,
        status_reason=values.get("status_reason") or None,
        created_at=_time("created_at", values.get("created_at")),
        contacted_at=_time("contacted_at", values.get("contacted_at")),
        status_attribute=status_attribute,
    )


def _time(field: str, value: object) -> datetime | None:
    if not value:
        return None
    if isinstance(value, datetime):
        return value
    try:
        return msgspec.convert({"at": value}, _AwareTime).at.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise ValidationFailed.because("Give a time such as 2026-11-22T06:15:00Z.", f"/{field}") from None


def attribute_errors(attributes: object) -> Iterator[FieldError]:
    """Yield an error for each value of a wrong type in the decoded attributes of a lead."""
    if not isinstance(attributes, dict):
        yield FieldError("", f'Give an object such as {{"company": "ACME"}}, not {kind(attributes)}.')
        return
    for name, value in attributes.items():
        if not isinstance(value, Scalar):
            yield FieldError("", f"Give text, a number, true, false or null, not {kind(value)}.").under(name)


def kind(value: object) -> str:
    """Return the JSON type of a decoded value, in words."""
    return _KINDS.get(type(value), "an object")
