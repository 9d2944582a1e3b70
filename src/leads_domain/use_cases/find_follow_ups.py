"""List and count follow-ups."""

from dataclasses import dataclass, replace

from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.paging import FollowUpQuery, Page, Position
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock


@dataclass(frozen=True, slots=True)
class ListFollowUps:
    """List follow-ups by due time. A follow-up is overdue if it is scheduled and past its due time."""

    clock: Clock

    def __call__(self, work: UnitOfWork, query: FollowUpQuery, *, overdue: bool = False) -> Page[FollowUp, Position]:
        """Return a page of follow-ups; raises `NotFound` if the lead of the query does not exist."""
        store_query = self._store_query(work, query, overdue)
        return work.follow_ups.page(store_query) if store_query else Page([], None)

    def count(self, work: UnitOfWork, query: FollowUpQuery, *, overdue: bool = False) -> int:
        """Return the number of follow-ups on all pages; raises `NotFound` if the lead of the query does not exist."""
        store_query = self._store_query(work, query, overdue)
        return work.follow_ups.count(store_query) if store_query else 0

    def _store_query(self, work: UnitOfWork, query: FollowUpQuery, overdue: bool) -> FollowUpQuery | None:
        """Return the query for the store; None if no follow-up can match."""
        if query.lead_id is not None:
            work.leads.get(query.lead_id)
        if not overdue:
            return query
        if query.states and FollowUpState.SCHEDULED not in query.states:
            return None
        now = self.clock.now()
        return replace(query, states=(FollowUpState.SCHEDULED,), due_before=min(query.due_before or now, now))
