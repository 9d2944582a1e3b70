"""Change what is known of a lead, or move it along the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leads_domain.details import (
    Details,
    GivenDetails,
    Scalar,
    check_attributes,
    check_details,
)
from leads_domain.errors import Invalid
from leads_domain.events import Event, entries
from leads_domain.lead import Lead, LeadId
from leads_domain.pipeline import Pipeline, Status
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, Contacts, IdSource


@dataclass(frozen=True, slots=True)
class ChangeLead:
    """Change a lead's members and its status together, or neither.

    Attributes are merged name by name, a null removes one (RFC 7396). A reason belongs to the move
    that it is given with; without a move it replaces the present one. A lead that leaves the open
    statuses is not followed up any more: what is still scheduled is cancelled.
    """

    clock: Clock
    ids: IdSource
    contacts: Contacts
    pipeline: Pipeline

    def check(self, given: GivenDetails, status: Status | None) -> Details:
        """The details as they would be kept; raises `Invalid` with every fault."""
        return check_details(given, self.contacts, *(self.pipeline.unknown(status) if status is not None else ()))

    def __call__(
        self, work: UnitOfWork, id: LeadId, given: GivenDetails, status: Status | None = None, *, actor: str
    ) -> Lead:
        """The lead as it is now kept.

        Raises `NotFound`, `Invalid`, `IllegalTransition`, or `DuplicateLead` for an e-mail address
        that another lead has.
        """
        details = self.check(given, status)
        now = self.clock.now()
        lead = work.leads.get_for_change(id)
        if "attributes" in details:
            details["attributes"] = _merged(lead.attributes, details["attributes"])
        moved, events = self._moved(lead, status, details, now)
        changed, further = moved.change(details)
        events += further
        if not events:
            return lead
        if changed.status != lead.status and changed.status in self.pipeline.closed:
            changed = replace(changed, next_follow_up_at=None)
            events += _cancel_follow_ups(work, id, now)
        changed = changed.revised(now)
        work.leads.save(changed)
        work.timeline.add(entries(id, events, at=now, actor=actor, ids=self.ids))
        return changed

    def _moved(self, lead: Lead, status: Status | None, details: Details, now: datetime) -> tuple[Lead, list[Event]]:
        if status is not None and status != lead.status:
            return lead.move(self.pipeline, status, details.pop("status_reason", None), now)
        if "status_reason" in details:
            self.pipeline.check_reason(lead.status, details["status_reason"])
        return lead, []


def _merged(present: Mapping[str, Scalar], patch: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    merged = {**present, **patch}
    for name, value in patch.items():
        if value is None:
            del merged[name]
    try:
        return check_attributes(merged)
    except Invalid as invalid:
        raise Invalid([fault.under("attributes") for fault in invalid.faults]) from None


def _cancel_follow_ups(work: UnitOfWork, lead_id: LeadId, now: datetime) -> list[Event]:
    events: list[Event] = []
    for follow_up in work.follow_ups.scheduled_of_lead(lead_id):
        cancelled, told = follow_up.cancel(now)
        work.follow_ups.save(cancelled)
        events += told
    return events
