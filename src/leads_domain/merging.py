"""Merge two leads that are the same person."""

from dataclasses import replace

from leads_domain.details import ATTRIBUTES_MAX, Details
from leads_domain.events import Event, EventType
from leads_domain.lead import Lead

_LEFT_OUT = ("id", "next_follow_up_at")
"""Members of a duplicate that its event leaves out: the id has a place of its own, and the follow-ups move."""


def merge(survivor: Lead, duplicate: Lead) -> tuple[Lead, list[Event]]:
    """Return the survivor, its gaps filled from the duplicate, and the events.

    A gap is a phone number, a source or an owner that it does not have, or an attribute of a name that it does not
    have, as long as there is room. It was first contacted when either was. The event holds the whole duplicate: nothing
    is lost.
    """
    filled, events = survivor.change(_gaps(survivor, duplicate))
    contacts = [at for at in (survivor.contacted_at, duplicate.contacted_at) if at]
    members = {name: value for name, value in duplicate.to_dict().items() if name not in _LEFT_OUT}
    merging = Event(EventType.LEAD_MERGED, {"duplicate_id": duplicate.id, "duplicate": members})
    return replace(filled, contacted_at=min(contacts, default=None)), [merging, *events]


def _gaps(survivor: Lead, duplicate: Lead) -> Details:
    attributes = {**survivor.attributes}
    for name, value in duplicate.attributes.items():
        if len(attributes) < ATTRIBUTES_MAX:
            attributes.setdefault(name, value)
    return Details(
        phone=survivor.phone or duplicate.phone,
        source=survivor.source or duplicate.source,
        owner=survivor.owner or duplicate.owner,
        attributes=attributes,
    )
