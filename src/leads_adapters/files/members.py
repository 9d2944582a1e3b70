"""The members of a lead as files name them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from leads_domain.details import Scalar
from leads_domain.errors import Fault, Invalid
from leads_domain.events import rfc3339
from leads_domain.lead import Lead, Past

MEMBERS = (
    "id",
    "name",
    "email",
    "phone",
    "status",
    "status_reason",
    "source",
    "owner",
    "attributes",
    "created_at",
    "updated_at",
    "contacted_at",
    "next_follow_up_at",
    "version",
)
"""All members of a lead, in the order of `members`: the columns of an export."""

GIVEN = ("name", "email", "phone", "source", "owner", "attributes")
"""What can be said of a lead that is not there yet."""

PAST = ("status", "status_reason", "created_at", "contacted_at")
"""What an export tells of a lead's past, for an import that is to give the same lead."""

ASSIGNED = tuple(member for member in MEMBERS if member not in GIVEN)
"""What the service assigns itself: nothing but an export says it of a lead."""

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null", list: "a list"}


def members(lead: Lead) -> dict[str, Any]:
    """A lead as in the JSON of the HTTP interface, members in the same order, times as RFC 3339 in UTC."""
    return {
        "id": lead.id,
        "name": lead.name,
        "email": str(lead.email),
        "phone": lead.phone and str(lead.phone),
        "status": lead.status,
        "status_reason": lead.status_reason,
        "source": lead.source,
        "owner": lead.owner and str(lead.owner),
        "attributes": lead.attributes,
        "created_at": rfc3339(lead.created_at),
        "updated_at": rfc3339(lead.updated_at),
        "contacted_at": lead.contacted_at and rfc3339(lead.contacted_at),
        "next_follow_up_at": lead.next_follow_up_at and rfc3339(lead.next_follow_up_at),
        "version": lead.version,
    }


class _AwareTime(msgspec.Struct):
    at: Annotated[datetime, msgspec.Meta(tz=True)]


def past(told: Mapping[str, Any]) -> Past | None:
    """The past of a lead, if `told` (members of an export) has all of it; raises `Invalid` for impossible members."""
    if not told.get("status") or not told.get("created_at"):
        return None
    return Past(
        status=str(told["status"]),
        status_reason=str(told["status_reason"]) if told.get("status_reason") else None,
        created_at=_time("created_at", told["created_at"]),
        contacted_at=_time("contacted_at", told["contacted_at"]) if told.get("contacted_at") else None,
    )


def _time(member: str, told: object) -> datetime:
    try:
        return msgspec.convert({"at": told}, _AwareTime).at.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise Invalid.because("Give a time such as 2026-11-22T06:15:00Z.", f"/{member}") from None


def attribute_faults(given: object) -> Iterator[Fault]:
    """What is wrong with the kinds of values in `given`, decoded JSON that is to be a lead's attributes."""
    if not isinstance(given, dict):
        yield Fault("", f'Give an object such as {{"company": "ACME"}}, not {kind(given)}.')
        return
    for name, value in given.items():
        if not isinstance(value, Scalar):
            yield Fault("", f"Give text, a number, true, false or null, not {kind(value)}.").under(name)


def kind(value: object) -> str:
    """What a value of decoded JSON is, in words."""
    return _KINDS.get(type(value), "an object")
