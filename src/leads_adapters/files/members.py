"""The members of a lead as files name them."""

from collections.abc import Iterator
from typing import Any

from leads_domain.details import Scalar
from leads_domain.errors import Fault
from leads_domain.events import rfc3339
from leads_domain.lead import Lead

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

ASSIGNED = tuple(member for member in MEMBERS if member not in GIVEN)
"""What the service assigns itself: an import, which makes new leads, passes over it."""

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
