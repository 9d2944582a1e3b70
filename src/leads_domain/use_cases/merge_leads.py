"""Merge two leads that are the same person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_id, missing_fields
from leads_domain.errors import Merged, ValidationFailed
from leads_domain.lead import Lead, LeadId, Precondition, any_version
from leads_domain.merging import merge
from leads_domain.pipeline import Pipeline
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.assign_tasks import assign_tasks
from leads_domain.use_cases.cancel_follow_ups import cancel_messages
from leads_domain.use_cases.lock_pair import lock_pair
from leads_domain.use_cases.next_due import next_due
from leads_domain.use_cases.opt_out import cancel_messages_to


class MergeInput(TypedDict, total=False):
    """A merge as a client requests it."""

    duplicate_id: LeadId


def check_merge(values: MergeInput) -> MergeInput:
    """Return the validated input; raises `ValidationFailed`."""
    return check_fields(values, _RULES, None, *missing_fields(values, "duplicate_id"))


@dataclass(frozen=True, slots=True)
class MergeLeads:
    """Merge a duplicate into the target lead (see `merging.merge`), and redirect its id.

    Its timeline, follow-ups, tasks and submissions are moved to the target. Scheduled follow-ups of the duplicate that
    come from rules are cancelled, because the target has its own. If the target is closed, all of them are cancelled,
    except the reminders of open tasks. If one of both has opted out, the messages to both are cancelled. Tasks without
    an assignee get the owner.
    """

    clock: Clock
    ids: IdSource
    pipeline: Pipeline

    def __call__(
        self,
        work: UnitOfWork,
        id: LeadId,
        values: MergeInput,
        *,
        actor: str,
        precondition: Precondition = any_version,
    ) -> Lead:
        """Return the stored target. Repeating a merge has no effect.

        Raises `NotFound` or `VersionMismatch` for the target, and `ValidationFailed` for a duplicate that does not
        exist or was merged into another lead.
        """
        duplicate_id = check_merge(values)["duplicate_id"]
        target, duplicate = _lock_both(work, id, duplicate_id)
        if duplicate is None:
            return target
        target.check_version(precondition)
        now = self.clock.now()
        cancelled = cancel_messages(work, duplicate.id, now, is_closed=target.status in self.pipeline.closed)
        work.follow_ups.move(duplicate.id, id)
        work.tasks.move(duplicate.id, id)
        work.submissions.move(duplicate.id, id)
        work.timeline.move(duplicate.id, id)
        _move_distinct_leads(work, duplicate.id, id)
        work.leads.redirect(duplicate.id, id)
        lead, events = merge(target, duplicate)
        cancelled += cancel_messages_to(work, lead, now) if lead.do_not_contact else []
        lead = replace(lead, next_follow_up_at=next_due(work, id))
        lead, assigned = assign_tasks(work, None, lead, self.ids, now)
        lead = lead.revised(now)
        work.leads.save(lead)
        add_events(work, id, events + cancelled + assigned, now=now, actor=actor, ids=self.ids)
        return lead


def _lock_both(work: UnitOfWork, id: LeadId, duplicate_id: LeadId) -> tuple[Lead, Lead | None]:
    """Lock and return both leads; the duplicate is None if it was merged into this lead before."""
    if duplicate_id == id:
        raise ValidationFailed.because("A lead cannot be merged into itself.", "/duplicate_id")
    target, duplicate = lock_pair(work, id, duplicate_id)
    if isinstance(duplicate, Lead):
        return target, duplicate
    if isinstance(duplicate, Merged) and duplicate.into == id:
        return target, None
    raise ValidationFailed.because(str(duplicate), "/duplicate_id")


def _move_distinct_leads(work: UnitOfWork, from_lead: LeadId, to_lead: LeadId) -> None:
    """Make the leads that are distinct from one lead distinct from another one."""
    others = work.similar_leads.distinct_from(from_lead)
    work.similar_leads.erase(from_lead)
    for other in others:
        if other != to_lead:
            work.similar_leads.add_distinct(to_lead, other)


_RULES: Mapping[str, Callable[[Any, None], object]] = {"duplicate_id": lambda text, _: LeadId(check_id(text))}
