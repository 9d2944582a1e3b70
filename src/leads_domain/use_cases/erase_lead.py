"""Erase a person's data."""

from dataclasses import dataclass

from leads_domain.events import Event, EventType, make_entries
from leads_domain.lead import LeadId, Precondition, any_version
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource


@dataclass(frozen=True, slots=True)
class EraseLead:
    """Erase all data about a lead, and about the leads that were merged into it.

    The timeline keeps an entry with the time and actor of the erasure, and with the ids of the merged leads: after a
    backup is restored, these leads must be erased again as well.
    """

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: LeadId, *, actor: str, precondition: Precondition = any_version) -> None:
        """Erase the lead; raises `NotFound` or `VersionMismatch`."""
        work.leads.get_for_update(id).check_version(precondition)
        merged_ids = list(work.leads.redirected_to(id))
        event = Event(EventType.LEAD_ERASED, {"merged_ids": [*merged_ids]} if merged_ids else {})
        [tombstone] = make_entries(id, [event], at=self.clock.now(), actor=actor, ids=self.ids)
        work.timeline.erase(tombstone)
        for each in (id, *merged_ids):
            work.idempotency.erase(each)
        work.follow_ups.erase(id)
        for each in (id, *merged_ids):  # after the follow-ups: a claim that has just added a token locks them
            work.unsubscribe_tokens.erase(each)
        work.tasks.erase(id)
        work.similar_leads.erase(id)
        work.submissions.erase(id)
        work.leads.erase(id)
