"""Store follow-ups in a dictionary."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from leads_adapters.memory.sizes import json_size
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import FollowUpQuery, Page, Position, cut
from leads_domain.task import Task, TaskId, TaskState


class MemoryFollowUpStore:
    """A store of follow-ups in a dictionary."""

    def __init__(
        self, stored: dict[FollowUpId, FollowUp], leads: Mapping[LeadId, Lead], tasks: Mapping[TaskId, Task]
    ) -> None:
        self._stored = stored
        self._leads = leads
        self._tasks = tasks

    def add(self, follow_up: FollowUp) -> None:
        """See `FollowUpStore.add`."""
        self._stored[follow_up.id] = follow_up

    save = add

    def get(self, id: FollowUpId) -> FollowUp:
        """See `FollowUpStore.get`."""
        if id not in self._stored:
            raise NotFound("follow-up", id)
        return self._stored[id]

    get_for_update = get

    def page(self, query: FollowUpQuery) -> Page[FollowUp, Position]:
        """See `FollowUpStore.page`."""
        found = sorted(
            (
                each
                for each in self._matching(query)
                if query.after is None or (each.due_at, each.id) > (query.after.at, query.after.id)
            ),
            key=lambda each: (each.due_at, each.id),
        )
        sized = ((each, json_size(each.message)) for each in found)
        page = cut(sized, limit=query.limit, bytes_max=query.bytes_max)
        next = Position(page.items[-1].due_at, page.items[-1].id) if page.has_more else None
        return Page(page.items, next, page.is_cut)

    def count(self, query: FollowUpQuery) -> int:
        """See `FollowUpStore.count`."""
        return len(self._matching(query))

    def _matching(self, query: FollowUpQuery) -> list[FollowUp]:
        return [
            each
            for each in self._stored.values()
            if query.lead_id in (None, each.lead_id)
            and (not query.states or each.state in query.states)
            and query.channel in (None, each.channel)
            and query.task_id in (None, each.task_id)
            and (query.due_before is None or each.due_at < query.due_before)
        ]

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """See `FollowUpStore.scheduled_of_lead`."""
        query = FollowUpQuery(lead_id=lead_id, states=(FollowUpState.SCHEDULED,), limit=len(self._stored))
        return self.page(query).items

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `FollowUpStore.move`."""
        for each in self._of_lead(from_lead):
            self._stored[each.id] = replace(each, lead_id=to_lead)

    def erase(self, lead_id: LeadId) -> None:
        """See `FollowUpStore.erase`."""
        for each in self._of_lead(lead_id):
            del self._stored[each.id]

    def next_attempts(self, now: datetime) -> Mapping[str, datetime]:
        """See `FollowUpStore.next_attempts`."""
        return {follow_up.channel: at for at, follow_up in reversed(self._unleased(now))}

    def backlog(self, now: datetime) -> Mapping[str, Backlog]:
        """See `FollowUpStore.backlog`."""
        found: dict[str, list[datetime]] = {}
        for each in self._stored.values():
            if each.next_attempt_at is not None:
                found.setdefault(each.channel, []).append(each.next_attempt_at)
        return {
            channel: Backlog(scheduled=len(times), due=sum(at <= now for at in times), next_attempt_at=min(times))
            for channel, times in found.items()
        }

    def claim_due(self, channel: str, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """See `FollowUpStore.claim_due`."""
        due = [follow_up for at, follow_up in self._unleased(now) if follow_up.channel == channel and at <= now]
        claimed = [follow_up.claim(owner, until, now) for follow_up in due[:limit]]
        self._stored.update({follow_up.id: follow_up for follow_up in claimed})
        return claimed

    def recently_failed(self, since: datetime, *, owner_key: str | None, limit: int) -> Sequence[FollowUp]:
        """See `FollowUpStore.recently_failed`."""
        return self._failed(since, owner_key)[:limit]

    def count_recently_failed(self, since: datetime, *, owner_key: str | None) -> int:
        """See `FollowUpStore.count_recently_failed`."""
        return len(self._failed(since, owner_key))

    def owners_of_failed(self, since: datetime) -> Sequence[EmailAddress]:
        """See `FollowUpStore.owners_of_failed`."""
        owners = (self._leads[each.lead_id].owner for each in self._failed(since, None))
        return [*{owner.key: owner for owner in owners if owner}.values()]

    def _failed(self, since: datetime, owner_key: str | None) -> list[FollowUp]:
        found = [
            each
            for each in self._stored.values()
            if each.state is FollowUpState.FAILED
            and each.updated_at >= since
            and (each.task_id is None or self._tasks[each.task_id].state is TaskState.OPEN)
            and (owner_key is None or owner_key == getattr(self._leads[each.lead_id].owner, "key", None))
        ]
        return sorted(found, key=lambda each: (each.updated_at, each.id), reverse=True)

    def _of_lead(self, lead_id: LeadId) -> list[FollowUp]:
        return [each for each in self._stored.values() if each.lead_id == lead_id]

    def _unleased(self, now: datetime) -> list[tuple[datetime, FollowUp]]:
        """Return pairs of next attempt and follow-up, without currently leased follow-ups, ordered by time."""
        unleased = [
            (each.next_attempt_at, each)
            for each in self._stored.values()
            if each.next_attempt_at is not None and (each.lease is None or each.lease.until <= now)
        ]
        return sorted(unleased, key=lambda each: (each[0], each[1].id))
