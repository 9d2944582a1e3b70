"""Change the fields and the status of a lead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leads_domain.details import ChangesInput, Details, Scalar, check_attribute_number, check_changes
from leads_domain.errors import ValidationFailed
from leads_domain.events import Event
from leads_domain.lead import Lead, LeadId, Precondition, any_version
from leads_domain.pipeline import Pipeline, Status
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules
from leads_domain.sources import Clock, IdSource, Normalizer
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.assign_tasks import assign_tasks
from leads_domain.use_cases.cancel_follow_ups import cancel_messages
from leads_domain.use_cases.next_due import next_due
from leads_domain.use_cases.opt_out import cancel_if_opted_out
from leads_domain.use_cases.store_scheduled import store_scheduled


@dataclass(frozen=True, slots=True)
class ChangeLead:
    """Change the fields and the status of a lead, all together or not at all.

    Attributes are merged by name; null removes one (RFC 7396). A reason applies to the transition in the same
    request; without a transition it replaces the current reason. A transition cancels the follow-ups that the rules of
    the old status have scheduled, and schedules those of the new status. In a closed status, all scheduled follow-ups
    are cancelled, except the reminders of open tasks. The first owner gets the tasks without an assignee. Opting out
    cancels the messages to the lead.
    """

    clock: Clock
    ids: IdSource
    normalizer: Normalizer
    pipeline: Pipeline
    rules: FollowUpRules

    def check(self, values: ChangesInput) -> Details:
        """Return the validated changes, except the status; raises `ValidationFailed` with all errors."""
        status_errors = self.pipeline.status_errors(values["status"]) if "status" in values else ()
        others = {field: value for field, value in values.items() if field != "status"}
        return check_changes(others, self.normalizer, *status_errors)

    def __call__(
        self,
        work: UnitOfWork,
        id: LeadId,
        values: ChangesInput,
        *,
        actor: str,
        precondition: Precondition = any_version,
    ) -> Lead:
        """Return the stored lead.

        Raises `NotFound`, `VersionMismatch`, `ValidationFailed`, `IllegalTransition`, or `DuplicateLead` if another
        lead has the new identity.
        """
        changes = self.check(values)
        now = self.clock.now()
        lead = work.leads.get_for_update(id)
        lead.check_version(precondition)
        changed, events = self.apply(work, lead, values.get("status"), changes, now)
        if not events:
            return lead
        changed = changed.revised(now)
        work.leads.save(changed)
        add_events(work, id, events, now=now, actor=actor, ids=self.ids)
        return changed

    def apply(
        self, work: UnitOfWork, lead: Lead, status: Status | None, changes: Details, now: datetime
    ) -> tuple[Lead, list[Event]]:
        """Change a locked lead, and store its follow-ups; return the lead and the events, which are not stored yet.

        Raises `ValidationFailed` or `IllegalTransition` before anything is stored.
        """
        if "attributes" in changes:
            changes["attributes"] = _merge_attributes(lead.attributes, changes["attributes"])
        changed, events = self._change_status(lead, status or lead.status, changes, now)
        changed, more_events = changed.change(changes)
        events += more_events
        if changes.get("do_not_contact") is False:
            changed, more_events = changed.opt_in()
            events += more_events
        changed, more_events = cancel_if_opted_out(work, lead, changed, now)
        events += more_events
        changed, more_events = assign_tasks(work, lead, changed, self.ids, now)
        events += more_events
        if changed.status != lead.status:
            changed, more_events = self._replace_follow_ups(work, changed, now)
            events += more_events
        return changed, events

    def _change_status(self, lead: Lead, status: Status, changes: Details, now: datetime) -> tuple[Lead, list[Event]]:
        """Return the lead in `status`. A transition takes its reason out of `changes`."""
        if status != lead.status:
            return lead.change_status(self.pipeline, status, changes.pop("status_reason", None), now)
        if "status_reason" in changes:
            self.pipeline.check_reason(status, changes["status_reason"])
        return lead, []

    def _replace_follow_ups(self, work: UnitOfWork, changed: Lead, now: datetime) -> tuple[Lead, list[Event]]:
        """Cancel the follow-ups of the old status, schedule those of the new one; return the lead and the events."""
        events: list[Event] = []
        if changed.next_follow_up_at is not None:
            is_closed = changed.status in self.pipeline.closed
            events = cancel_messages(work, changed.id, now, is_closed=is_closed)
            changed = replace(changed, next_follow_up_at=next_due(work, changed.id))
        scheduled = self.rules.schedule(changed, now)
        store_scheduled(work, scheduled)
        return scheduled.lead, [*events, *scheduled.events]


def _merge_attributes(current: Mapping[str, Scalar], patch: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    merged = {**current, **patch}
    for name, value in patch.items():
        if value is None:
            del merged[name]
    try:
        return check_attribute_number(merged)
    except ValidationFailed as invalid:
        raise ValidationFailed([error.under("attributes") for error in invalid.errors]) from None
