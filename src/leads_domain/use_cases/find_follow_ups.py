"""Find follow-ups."""

from dataclasses import dataclass, replace

from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.paging import FollowUpQuery, Page, Position
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock


@dataclass(frozen=True, slots=True)
class ListFollowUps:
    """List follow-ups by due time. Overdue ones are scheduled and past their due time."""

    clock: Clock

    def __call__(self, work: UnitOfWork, query: FollowUpQuery, *, overdue: bool = False) -> Page[FollowUp, Position]:
        """Return a page; raises `NotFound` if `query` names a lead that does not exist."""
        asked = self._asked(work, query, overdue)
        return work.follow_ups.page(asked) if asked else Page([], None)

    def count(self, work: UnitOfWork, query: FollowUpQuery, *, overdue: bool = False) -> int:
        """Return how many there are on all pages; raises `NotFound` as well."""
        asked = self._asked(work, query, overdue)
        return work.follow_ups.count(asked) if asked else 0

    def _asked(self, work: UnitOfWork, query: FollowUpQuery, overdue: bool) -> FollowUpQuery | None:
        """Return the query for the store; None if no follow-up can match."""
        if query.lead_id is not None:
            work.leads.get(query.lead_id)
        if not overdue:
            return query
        if query.states and FollowUpState.SCHEDULED not in query.states:
            return None
        now = self.clock.now()
        return replace(query, states=(FollowUpState.SCHEDULED,), due_before=min(query.due_before or now, now))
