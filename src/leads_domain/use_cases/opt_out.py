"""Opt a person out of messages."""

from dataclasses import replace
from datetime import datetime

from leads_domain.events import Event
from leads_domain.lead import Lead, OptOutWay
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.cancel_follow_ups import cancel_all
from leads_domain.use_cases.next_due import next_due


def opt_out(work: UnitOfWork, lead: Lead, way: OptOutWay, now: datetime) -> tuple[Lead, list[Event]]:
    """Opt a locked lead out, and cancel the scheduled messages to it; return the lead and the events.

    The caller stores both. A lead that has opted out before has no events.
    """
    changed, events = lead.opt_out(way)
    changed, cancelled = cancel_if_opted_out(work, lead, changed, now)
    return changed, events + cancelled


def cancel_if_opted_out(work: UnitOfWork, before: Lead, lead: Lead, now: datetime) -> tuple[Lead, list[Event]]:
    """Cancel the scheduled messages to a locked lead if it has just opted out; return the lead and the events."""
    if before.do_not_contact or not lead.do_not_contact:
        return lead, []
    events = cancel_messages_to(work, lead, now)
    return (replace(lead, next_follow_up_at=next_due(work, lead.id)) if events else lead), events


def cancel_messages_to(work: UnitOfWork, lead: Lead, now: datetime) -> list[Event]:
    """Cancel the scheduled messages to a locked lead; return the events. Those to colleagues and reminders stay.

    Reading the messages locks them: a dispatcher has claimed a message before, or finds it cancelled. See
    `docs/decisions/0046-opting-out.md`.
    """
    return cancel_all(work, [each for each in work.follow_ups.scheduled_of_lead(lead.id) if each.is_for(lead)], now)
