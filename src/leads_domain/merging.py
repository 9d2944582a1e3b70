"""Merge two leads that are the same person."""

from dataclasses import replace

from leads_domain.details import ATTRIBUTES_MAX, Details
from leads_domain.events import Event, EventType
from leads_domain.lead import Lead

_OMITTED = ("id", "next_follow_up_at")
"""Fields of the duplicate that the event omits: the id is stored as `duplicate_id`, and the follow-ups are moved."""


def merge(target: Lead, duplicate: Lead) -> tuple[Lead, list[Event]]:
    """Fill the missing values of the target from the duplicate; return the target and the events.

    This applies to e-mail address, phone number, source, owner, attributes up to their maximum number, and the name if
    none was given. The first contact is the earlier one of both. If one of both has opted out, the target has. The
    event stores all values of the duplicate, so that none is lost.
    """
    filled, events = target.change(_missing_values(target, duplicate))
    contacts = [at for at in (target.contacted_at, duplicate.contacted_at) if at]
    values = {name: value for name, value in duplicate.to_dict().items() if name not in _OMITTED}
    event = Event(EventType.LEAD_MERGED, {"duplicate_id": duplicate.id, "duplicate": values})
    email_bounced = target.email_bounced if target.email else duplicate.email_bounced
    merged = replace(filled, contacted_at=min(contacts, default=None), email_bounced=email_bounced)
    return merged, [event, *events]


def _missing_values(target: Lead, duplicate: Lead) -> Details:
    attributes = {**target.attributes}
    for name, value in duplicate.attributes.items():
        if len(attributes) < ATTRIBUTES_MAX:
            attributes.setdefault(name, value)
    return Details(
        name=duplicate.name if target.has_default_name and not duplicate.has_default_name else target.name,
        email=target.email or duplicate.email,
        phone=target.phone or duplicate.phone,
        source=target.source or duplicate.source,
        owner=target.owner or duplicate.owner,
        do_not_contact=duplicate.do_not_contact,
        attributes=attributes,
    )
