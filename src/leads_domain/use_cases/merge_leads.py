"""Merge two leads that are the same person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict, cast

from leads_domain.checking import check_fields, check_id, missing
from leads_domain.errors import Merged, NotFound, ValidationFailed
from leads_domain.events import Event, make_entries
from leads_domain.lead import Lead, LeadId, Precondition, any_version
from leads_domain.merging import merge
from leads_domain.pipeline import Pipeline
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource


class MergeInput(TypedDict, total=False):
    """A merge as a client asks for it."""

    duplicate_id: LeadId


def check_merge(given: MergeInput) -> MergeInput:
    """Return the same with the id in lower case; raises `ValidationFailed`."""
    return cast(MergeInput, check_fields(given, _RULES, None, *missing(given, "duplicate_id")))


@dataclass(frozen=True, slots=True)
class MergeLeads:
    """Merge a duplicate into the survivor, see `merging.merge`, and redirect its id.

    Timeline and follow-ups move over. Of the duplicate's scheduled follow-ups, those are cancelled that rules have
    made, for which the survivor has its own; if the survivor is closed, all of them.
    """

    clock: Clock
    ids: IdSource
    pipeline: Pipeline

    def __call__(
        self,
        work: UnitOfWork,
        id: LeadId,
        given: MergeInput,
        *,
        actor: str,
        precondition: Precondition = any_version,
    ) -> Lead:
        """Return the survivor as it is stored. Repeating a merge has no effect.

        Raises `NotFound`, `VersionMismatch` for the survivor, or `ValidationFailed` for a duplicate that does not
        exist or is a part of another lead.
        """
        duplicate_id = check_merge(given)["duplicate_id"]
        survivor, duplicate = _both(work, id, duplicate_id)
        if duplicate is None:
            return survivor
        survivor.check_version(precondition)
        now = self.clock.now()
        cancelled = self._cancel(work, survivor, duplicate, now)
        work.follow_ups.move(duplicate.id, id)
        work.timeline.move(duplicate.id, id)
        work.leads.redirect(duplicate.id, id)
        lead, events = merge(survivor, duplicate)
        scheduled = work.follow_ups.scheduled_of_lead(id)
        lead = replace(lead, next_follow_up_at=scheduled[0].due_at if scheduled else None).revised(now)
        work.leads.save(lead)
        work.timeline.add(make_entries(id, events + cancelled, at=now, actor=actor, ids=self.ids))
        return lead

    def _cancel(self, work: UnitOfWork, survivor: Lead, duplicate: Lead, now: datetime) -> list[Event]:
        closed = survivor.status in self.pipeline.closed
        events: list[Event] = []
        for follow_up in work.follow_ups.scheduled_of_lead(duplicate.id):
            if closed or follow_up.rule_status is not None:
                cancelled, its_events = follow_up.cancel(now)
                work.follow_ups.save(cancelled)
                events += its_events
        return events


def _both(work: UnitOfWork, id: LeadId, duplicate_id: LeadId) -> tuple[Lead, Lead | None]:
    """Return both leads for a change; no duplicate if it was merged into this lead before."""
    if duplicate_id == id:
        raise ValidationFailed.because("A lead cannot be merged into itself.", "/duplicate_id")
    leads: dict[LeadId, Lead] = {}
    gone: dict[LeadId, NotFound] = {}
    for each in sorted([id, duplicate_id]):  # always in this order: two merges crosswise never wait for each other
        try:
            leads[each] = work.leads.get_for_update(each)
        except NotFound as not_found:
            gone[each] = not_found
    if id in gone:
        raise gone[id]
    error = gone.get(duplicate_id)
    if error and not (isinstance(error, Merged) and error.into == id):
        raise ValidationFailed.because(str(error), "/duplicate_id")
    return leads[id], leads.get(duplicate_id)


_RULES: Mapping[str, Callable[[Any, None], object]] = {"duplicate_id": lambda text, _: LeadId(check_id(text))}
