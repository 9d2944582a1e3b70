"""Add events to the timeline of a stored lead."""

from collections.abc import Sequence
from datetime import datetime

from leads_domain.events import Event, TimelineEntry, make_entries
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.sources import IdSource


def add_events(
    work: UnitOfWork, lead_id: LeadId, events: Sequence[Event], *, now: datetime, actor: str, ids: IdSource
) -> list[TimelineEntry]:
    """Store the events of a locked lead and return the entries.

    They are no earlier than the last entry of the lead, even if the clock was set back since.
    """
    at = max(now, work.timeline.last_time(lead_id) or now)
    entries = make_entries(lead_id, events, at=at, actor=actor, ids=ids)
    work.timeline.add(entries)
    return entries
