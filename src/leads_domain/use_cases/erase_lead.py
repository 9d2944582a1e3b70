"""Erase a person."""

from dataclasses import dataclass

from leads_domain.events import Event, EventType, make_entries
from leads_domain.lead import LeadId, Precondition, any_version
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource


@dataclass(frozen=True, slots=True)
class EraseLead:
    """Remove everything stored about a lead, and about those merged into it.

    Its id stays, and on its timeline when and by whom it was erased, and which ids were merged into it: after a
    backup is restored, those leads have to be erased again, too.
    """

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: LeadId, *, actor: str, precondition: Precondition = any_version) -> None:
        """Raises `NotFound` or `VersionMismatch`."""
        work.leads.get_for_update(id).check_version(precondition)
        merged_ids = list(work.leads.redirected_to(id))
        event = Event(EventType.LEAD_ERASED, {"merged_ids": [*merged_ids]} if merged_ids else {})
        [tombstone] = make_entries(id, [event], at=self.clock.now(), actor=actor, ids=self.ids)
        work.timeline.erase(tombstone)
        for each in (id, *merged_ids):
            work.idempotency.erase(each)
        work.follow_ups.erase(id)
        work.leads.erase(id)
