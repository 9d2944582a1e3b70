"""Store submissions in a dictionary."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from leads_adapters.memory.sizes import json_size
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, SubmissionQuery, cut
from leads_domain.submission import Submission, SubmissionId, SubmissionState


class MemorySubmissionStore:
    """A store of submissions in a dictionary."""

    def __init__(self, stored: dict[SubmissionId, Submission]) -> None:
        self._stored = stored

    def add(self, submission: Submission, *, repeated_within: timedelta | None) -> Submission:
        """See `SubmissionStore.add`."""
        for each in [*self._stored.values()]:
            if _is_repeated(each, submission):
                if repeated_within is None or abs(submission.received_at - each.received_at) < repeated_within:
                    return each
                self.save(replace(each, digest=None, content_digest=None))
        self.save(submission)
        return submission

    def get(self, id: SubmissionId) -> Submission:
        """See `SubmissionStore.get`."""
        if id not in self._stored:
            raise NotFound("submission", id)
        return self._stored[id]

    get_for_update = get

    def save(self, submission: Submission) -> None:
        """See `SubmissionStore.save`."""
        self._stored[submission.id] = submission

    def page(self, query: SubmissionQuery) -> Page[Submission, Position]:
        """See `SubmissionStore.page`."""
        found = sorted(
            (
                each
                for each in self._matching(query)
                if query.after is None or (each.received_at, each.id) < (query.after.at, query.after.id)
            ),
            key=lambda each: (each.received_at, each.id),
            reverse=True,
        )
        sized = ((each, json_size(each.content)) for each in found)
        page = cut(sized, limit=query.limit, bytes_max=query.bytes_max)
        next = Position(page.items[-1].received_at, page.items[-1].id) if page.has_more else None
        return Page(page.items, next, page.is_cut)

    def count(self, query: SubmissionQuery) -> int:
        """See `SubmissionStore.count`."""
        return len(self._matching(query))

    def unprocessed(self, *, limit: int) -> Sequence[SubmissionId]:
        """See `SubmissionStore.unprocessed`."""
        received = self._matching(SubmissionQuery(states=(SubmissionState.RECEIVED,)))
        return [each.id for each in self._oldest_first(received)][:limit]

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `SubmissionStore.move`."""
        for each in self._matching(SubmissionQuery(lead_id=from_lead)):
            self.save(replace(each, lead_id=to_lead))

    def erase(self, lead_id: LeadId) -> None:
        """See `SubmissionStore.erase`."""
        for each in self._matching(SubmissionQuery(lead_id=lead_id)):
            del self._stored[each.id]

    def delete_expired(self, *, before: datetime, limit: int) -> int:
        """See `SubmissionStore.delete_expired`."""
        expired = [each for each in self._oldest_first(self._stored.values()) if each.received_at < before][:limit]
        for each in expired:
            del self._stored[each.id]
        return len(expired)

    def _matching(self, query: SubmissionQuery) -> list[Submission]:
        return [
            each
            for each in self._stored.values()
            if query.lead_id in (None, each.lead_id)
            and (not query.states or each.state in query.states)
            and query.origin in (None, each.origin)
        ]

    def _oldest_first(self, submissions: Iterable[Submission]) -> list[Submission]:
        return sorted(submissions, key=lambda each: (each.received_at, each.id))


def _is_repeated(stored: Submission, added: Submission) -> bool:
    pairs = (stored.digest, added.digest), (stored.content_digest, added.content_digest)
    return any(one is not None and one == other for one, other in pairs)
