"""What becomes of two leads that are the same person."""

from dataclasses import replace

from leads_domain.details import ATTRIBUTES_MAX, Details
from leads_domain.events import Event, EventType, Json, rfc3339
from leads_domain.lead import Lead


def merged(survivor: Lead, duplicate: Lead) -> tuple[Lead, list[Event]]:
    """The survivor, its gaps filled from the duplicate, and what is told of it.

    A gap is a phone number, a source or an owner that it does not have, or an attribute of a name that it does not
    have, as long as there is room. It was first contacted when either was. Everything that the duplicate was is
    told, what was not taken over too: nothing is lost without a trace.
    """
    filled, events = survivor.change(_gaps(survivor, duplicate))
    normalizer = [at for at in (survivor.contacted_at, duplicate.contacted_at) if at]
    told = Event(EventType.LEAD_MERGED, {"duplicate_id": duplicate.id, "duplicate": _told(duplicate)})
    return replace(filled, contacted_at=min(normalizer, default=None)), [told, *events]


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


def _told(lead: Lead) -> Json:
    return {
        "name": lead.name,
        "email": str(lead.email),
        "phone": str(lead.phone) if lead.phone else None,
        "status": lead.status,
        "status_reason": lead.status_reason,
        "source": lead.source,
        "owner": str(lead.owner) if lead.owner else None,
        "attributes": lead.attributes,
        "created_at": rfc3339(lead.created_at),
        "updated_at": rfc3339(lead.updated_at),
        "contacted_at": rfc3339(lead.contacted_at) if lead.contacted_at else None,
        "version": lead.version,
    }
