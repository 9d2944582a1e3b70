"""Rules that schedule follow-ups when a lead enters a status."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from leads_domain.errors import ValidationFailed
from leads_domain.events import Event
from leads_domain.follow_up import FollowUp, FollowUpId, Recipient
from leads_domain.lead import Lead
from leads_domain.pipeline import Status
from leads_domain.sources import IdSource
from leads_domain.template import Template
from leads_domain.working_hours import WorkingHours

DELAY_MAX = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRule:
    """Schedule a follow-up when a lead enters the status `when`, due after the time `after`.

    If `channel` is None, the default channel is used. `recipient` is a `Recipient`, or an address for the channel.
    Raises `ValidationFailed` unless `after` is positive and at most `DELAY_MAX`.
    """

    when: Status
    after: timedelta
    message: Template
    channel: str | None = None
    recipient: str = Recipient.LEAD

    def __post_init__(self) -> None:
        if not timedelta() < self.after <= DELAY_MAX:
            raise ValidationFailed.because(
                f"The delay of a follow-up must be positive and at most {DELAY_MAX.days} days."
            )


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """All rules. They are independent of each other; the working `hours`, if set, apply to all."""

    ids: IdSource
    default_channel: str
    rules: Sequence[FollowUpRule] = ()
    hours: WorkingHours | None = None

    def schedule(self, lead: Lead, now: datetime) -> tuple[Lead, list[FollowUp], list[Event]]:
        """Schedule the follow-ups of a lead that has entered its status; return lead, follow-ups and events.

        The address of the recipient is not checked until the follow-up is due: it may still be added.
        """
        follow_ups: list[FollowUp] = []
        events: list[Event] = []
        for rule in self.rules:
            if rule.when == lead.status:
                follow_up, follow_up_events = self._schedule(lead, rule, now)
                follow_ups.append(follow_up)
                events += follow_up_events
        if follow_ups:
            due = [follow_up.due_at for follow_up in follow_ups]
            lead = replace(lead, next_follow_up_at=min([lead.next_follow_up_at or due[0], *due]))
        return lead, follow_ups, events

    def _schedule(self, lead: Lead, rule: FollowUpRule, now: datetime) -> tuple[FollowUp, list[Event]]:
        due_at = now + rule.after
        return FollowUp.schedule(
            FollowUpId(self.ids.new()),
            lead.id,
            recipient=rule.recipient,
            channel=rule.channel or self.default_channel,
            message=rule.message.fill(lead),
            due_at=self.hours.next_opening(due_at) if self.hours else due_at,
            now=now,
            rule_status=rule.when,
        )
