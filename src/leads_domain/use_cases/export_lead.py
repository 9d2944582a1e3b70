"""Export a person's data."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, Page, SubmissionQuery
from leads_domain.ports import UnitOfWork
from leads_domain.submission import Submission

ItemT = TypeVar("ItemT")
PositionT = TypeVar("PositionT")


@dataclass(frozen=True, slots=True)
class PersonalDataExport:
    """Everything stored about a lead, with the ids of merged leads and of leads that are different people.

    Of the stored responses, which contain no further data, it has only the creation times, `replied_at`.
    """

    lead: Lead
    merged_ids: Sequence[LeadId]
    distinct_ids: Sequence[LeadId]
    follow_ups: Sequence[FollowUp]
    timeline: Sequence[TimelineEntry]
    submissions: Sequence[Submission]
    replied_at: Sequence[datetime]


def export_lead(work: UnitOfWork, id: LeadId) -> PersonalDataExport:
    """Return everything stored about a lead; raises `NotFound`."""
    lead, merged_ids = work.leads.get(id), work.leads.redirected_to(id)
    return PersonalDataExport(
        lead=lead,
        merged_ids=merged_ids,
        distinct_ids=work.similar_leads.distinct_from(id),
        follow_ups=[*_all(lambda after: work.follow_ups.page(FollowUpQuery(lead_id=id, after=after, limit=LIMIT_MAX)))],
        timeline=[*_all(lambda before: work.timeline.of_lead(id, before=before, limit=LIMIT_MAX))],
        submissions=[
            *_all(lambda after: work.submissions.page(SubmissionQuery(lead_id=id, after=after, limit=LIMIT_MAX)))
        ],
        replied_at=sorted(at for each in (id, *merged_ids) for at in work.idempotency.creation_times(each)),
    )


def _all(read_page: Callable[[PositionT | None], Page[ItemT, PositionT]]) -> Iterator[ItemT]:
    """Yield the items of all pages."""
    position: PositionT | None = None
    while True:
        page = read_page(position)
        yield from page.items
        position = page.next
        if position is None:
            return
