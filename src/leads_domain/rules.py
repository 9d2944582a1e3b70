"""Rules that schedule follow-ups or make tasks when a lead enters a status, or when a person enquires."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from leads_domain.contact import EmailAddress
from leads_domain.errors import ValidationFailed
from leads_domain.events import Event
from leads_domain.follow_up import FollowUp, FollowUpId, Recipient, is_address_of
from leads_domain.lead import Lead
from leads_domain.pipeline import Status
from leads_domain.reminder import remind
from leads_domain.sources import IdSource
from leads_domain.task import Task, TaskId
from leads_domain.template import Template
from leads_domain.working_hours import WorkingHours

DELAY_MAX = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRule:
    """Send a text when a lead enters the status `when`, after the time `after`; or make a task that is due then.

    If `when` is None, each enquiry of a lead starts the rule, in any status. If `channel` is None, the default channel
    is used. `recipient` is a `Recipient`, or an address for the channel. A task is for `assignee`, else for the owner,
    and its reminder goes through the channel. Raises `ValidationFailed` unless `after` is positive and at most
    `DELAY_MAX`.
    """

    when: Status | None
    after: timedelta
    text: Template
    makes_task: bool = False
    channel: str | None = None
    recipient: str = Recipient.LEAD
    assignee: EmailAddress | None = None

    def __post_init__(self) -> None:
        if not timedelta() < self.after <= DELAY_MAX:
            raise ValidationFailed.because(
                f"The delay of a follow-up must be positive and at most {DELAY_MAX.days} days."
            )

    def writes_to(self, lead: Lead) -> bool:
        """Return whether this rule sends a message to the lead: not one to a colleague, and not a reminder."""
        return not self.makes_task and is_address_of(self.recipient, lead)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A lead with its next due time, and its new events, tasks and follow-ups. They are not stored yet."""

    lead: Lead
    events: Sequence[Event]
    tasks: Sequence[Task] = ()
    follow_ups: Sequence[FollowUp] = ()


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """All rules. They are independent of each other; the working `hours`, if set, apply to all."""

    ids: IdSource
    default_channel: str
    rules: Sequence[FollowUpRule] = ()
    hours: WorkingHours | None = None

    def schedule(self, lead: Lead, now: datetime) -> Scheduled:
        """Schedule the follow-ups of a lead that has entered its status, except messages to a lead that has opted out.

        The address of the recipient is not checked until the follow-up is due: it may still be added.
        """
        return self._schedule(lead, lead.status, None, now)

    def schedule_for_enquiry(
        self, lead: Lead, message: str | None, now: datetime, *, may_write_to_lead: bool = True
    ) -> Scheduled:
        """Schedule the follow-ups of an enquiry with this message, as `schedule` does.

        They do not belong to a status, so a transition to an open status does not cancel them.
        """
        return self._schedule(lead, None, message, now, may_write_to_lead=may_write_to_lead)

    def _schedule(
        self, lead: Lead, when: Status | None, message: str | None, now: datetime, *, may_write_to_lead: bool = True
    ) -> Scheduled:
        may_write_to_lead = may_write_to_lead and not lead.do_not_contact
        tasks: list[Task] = []
        follow_ups: list[FollowUp] = []
        events: list[Event] = []
        for rule in self.rules:
            if rule.when == when and (may_write_to_lead or not rule.writes_to(lead)):
                task, follow_up, rule_events = self._apply(rule, lead, message, now)
                tasks += [task] if task else []
                follow_ups.append(follow_up)
                events += rule_events
        if follow_ups:
            due = [follow_up.due_at for follow_up in follow_ups]
            lead = replace(lead, next_follow_up_at=min([lead.next_follow_up_at or due[0], *due]))
        return Scheduled(lead, events, tasks, follow_ups)

    def _apply(
        self, rule: FollowUpRule, lead: Lead, message: str | None, now: datetime
    ) -> tuple[Task | None, FollowUp, list[Event]]:
        """Return the task if the rule makes one, the follow-up that is its reminder or the message, and the events."""
        channel = rule.channel or self.default_channel
        text = rule.text.fill(lead, message)
        due_at = now + rule.after
        due_at = self.hours.next_opening(due_at) if self.hours else due_at
        if rule.makes_task:
            assignee = rule.assignee or lead.owner
            task, events = Task.create(
                TaskId(self.ids.new()), lead.id, assignee=assignee, text=text, due_at=due_at, remind=True, now=now
            )
            reminder, more_events = remind(task, lead, channel, FollowUpId(self.ids.new()), now)
            return task, reminder, events + more_events
        follow_up, events = FollowUp.schedule(
            FollowUpId(self.ids.new()),
            lead.id,
            recipient=rule.recipient,
            channel=channel,
            message=text,
            due_at=due_at,
            now=now,
            rule_status=rule.when,
        )
        return None, replace(follow_up, by_rule=True), events
