"""Export a person's data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, SubmissionQuery, TaskQuery, all_items
from leads_domain.ports import UnitOfWork
from leads_domain.submission import Submission
from leads_domain.task import Task

BATCH_BYTES_MAX = 2**20
"""The size of the pages that an export reads, which are in memory."""


@dataclass(frozen=True, slots=True)
class PersonalDataExport:
    """Everything stored about a lead, with the ids of merged leads and of leads that are different people.

    Follow-ups, tasks, timeline and submissions can be larger than the memory: they are read page by page, once, within
    the unit of work. Of the stored responses, which contain no further data, it has only the creation times,
    `replied_at`.
    """

    lead: Lead
    merged_ids: Sequence[LeadId]
    distinct_ids: Sequence[LeadId]
    follow_ups: Iterable[FollowUp]
    tasks: Iterable[Task]
    timeline: Iterable[TimelineEntry]
    submissions: Iterable[Submission]
    replied_at: Sequence[datetime]


def export_lead(work: UnitOfWork, id: LeadId) -> PersonalDataExport:
    """Return everything stored about a lead; raises `NotFound`."""
    lead, merged_ids = work.leads.get(id), work.leads.redirected_to(id)
    follow_ups = FollowUpQuery(lead_id=id, limit=LIMIT_MAX, bytes_max=BATCH_BYTES_MAX)
    tasks = TaskQuery(lead_id=id, limit=LIMIT_MAX, bytes_max=BATCH_BYTES_MAX)
    submissions = SubmissionQuery(lead_id=id, limit=LIMIT_MAX, bytes_max=BATCH_BYTES_MAX)
    entries = partial(work.timeline.of_lead, id, limit=LIMIT_MAX, bytes_max=BATCH_BYTES_MAX)
    return PersonalDataExport(
        lead=lead,
        merged_ids=merged_ids,
        distinct_ids=work.similar_leads.distinct_from(id),
        follow_ups=all_items(lambda after: work.follow_ups.page(replace(follow_ups, after=after))),
        tasks=all_items(lambda after: work.tasks.page(replace(tasks, after=after))),
        timeline=all_items(lambda before: entries(before=before)),
        submissions=all_items(lambda after: work.submissions.page(replace(submissions, after=after))),
        replied_at=sorted(at for each in (id, *merged_ids) for at in work.idempotency.creation_times(each)),
    )
