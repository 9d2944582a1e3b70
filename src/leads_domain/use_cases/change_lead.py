"""Change a lead, or move it along the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leads_domain.details import ChangesInput, Details, Scalar, check_attributes, check_changes
from leads_domain.errors import ValidationFailed
from leads_domain.events import Event, make_entries
from leads_domain.lead import Lead, LeadId, Precondition, any_version
from leads_domain.pipeline import Pipeline, Status
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules
from leads_domain.sources import Clock, IdSource, Normalizer


@dataclass(frozen=True, slots=True)
class ChangeLead:
    """Change a lead's members and its status together, or neither.

    Attributes are merged name by name, a null removes one (RFC 7396). A reason belongs to the move
    that it is given with; without a move it replaces the present one. With a move, what the rules of
    the status before have scheduled is cancelled, and what those of the new one say is scheduled. A lead
    that leaves the open statuses is not followed up any more: all that is still scheduled is cancelled.
    """

    clock: Clock
    ids: IdSource
    normalizer: Normalizer
    pipeline: Pipeline
    rules: FollowUpRules

    def check(self, given: ChangesInput) -> Details:
        """Return the changes as they would be stored, the status aside; raises `ValidationFailed` with every error."""
        unknown = self.pipeline.status_errors(given["status"]) if "status" in given else ()
        others = {member: value for member, value in given.items() if member != "status"}
        return check_changes(others, self.normalizer, *unknown)

    def __call__(
        self,
        work: UnitOfWork,
        id: LeadId,
        given: ChangesInput,
        *,
        actor: str,
        precondition: Precondition = any_version,
    ) -> Lead:
        """Return the lead as it is stored.

        Raises `NotFound`, `VersionMismatch`, `ValidationFailed`, `IllegalTransition`, or `DuplicateLead` for an
        e-mail address that another lead has.
        """
        changes = self.check(given)
        now = self.clock.now()
        lead = work.leads.get_for_update(id)
        lead.check_version(precondition)
        if "attributes" in changes:
            changes["attributes"] = _merged(lead.attributes, changes["attributes"])
        moved, events = self._moved(lead, given.get("status", lead.status), changes, now)
        changed, further = moved.change(changes)
        events += further
        if not events:
            return lead
        if changed.status != lead.status:
            changed, further = self._enter_status(work, changed, now)
            events += further
        changed = changed.revised(now)
        work.leads.save(changed)
        work.timeline.add(make_entries(id, events, at=now, actor=actor, ids=self.ids))
        return changed

    def _moved(self, lead: Lead, status: Status, changes: Details, now: datetime) -> tuple[Lead, list[Event]]:
        """Return the lead after its move, if there is one. A reason given with a move belongs to the move's event."""
        if status != lead.status:
            return lead.change_status(self.pipeline, status, changes.pop("status_reason", None), now)
        if "status_reason" in changes:
            self.pipeline.check_reason(status, changes["status_reason"])
        return lead, []

    def _enter_status(self, work: UnitOfWork, moved: Lead, now: datetime) -> tuple[Lead, list[Event]]:
        """Schedule the follow-ups of the lead's new status; return the lead and the events."""
        lead, events = self._cancel_follow_ups(work, moved, now)
        lead, follow_ups, scheduled = self.rules.schedule(lead, now)
        for follow_up in follow_ups:
            work.follow_ups.add(follow_up)
        return lead, events + scheduled

    def _cancel_follow_ups(self, work: UnitOfWork, moved: Lead, now: datetime) -> tuple[Lead, list[Event]]:
        """Cancel the follow-ups that rules have made; in a closed status, all of them."""
        closed = moved.status in self.pipeline.closed
        events: list[Event] = []
        due_at = None
        for follow_up in work.follow_ups.scheduled_of_lead(moved.id) if moved.next_follow_up_at else ():
            if closed or follow_up.rule_status is not None:
                cancelled, its_events = follow_up.cancel(now)
                work.follow_ups.save(cancelled)
                events += its_events
            else:
                due_at = due_at or follow_up.due_at
        return replace(moved, next_follow_up_at=due_at), events


def _merged(present: Mapping[str, Scalar], patch: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    merged = {**present, **patch}
    for name, value in patch.items():
        if value is None:
            del merged[name]
    try:
        return check_attributes(merged)
    except ValidationFailed as invalid:
        raise ValidationFailed([error.under("attributes") for error in invalid.errors]) from None
