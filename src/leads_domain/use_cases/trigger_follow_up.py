"""Schedule a follow-up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_text, check_time, optional, truncate
from leads_domain.control_characters import on_one_line
from leads_domain.errors import DoNotContact, ValidationFailed
from leads_domain.follow_up import MESSAGE_MAX, FollowUp, FollowUpId, Recipient
from leads_domain.lead import Lead, LeadId
from leads_domain.notifier import Address
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.next_due import add_due_time

Channels = Mapping[str, Address | None]
"""The configured channels by name, with the kind of address that each needs."""


class FollowUpInput(TypedDict, total=False):
    """A follow-up as a client requests it. A field that is left out, null or blank has a default."""

    channel: str | None
    message: str | None
    due_at: datetime | None
    recipient: Recipient | None


@dataclass(frozen=True, slots=True)
class TriggerFollowUp:
    """Schedule a follow-up. By default it goes to the lead, through the default channel, immediately."""

    clock: Clock
    ids: IdSource
    channels: Channels
    default_channel: str

    def check(self, values: FollowUpInput) -> FollowUpInput:
        """Return the validated input; raises `ValidationFailed` with all errors."""
        return check_fields(values, _RULES, self.channels)

    def __call__(self, work: UnitOfWork, lead_id: LeadId, values: FollowUpInput, *, actor: str) -> FollowUp:
        """Return the follow-up.

        Raises `NotFound`, `DoNotContact`, or `ValidationFailed` if the channel cannot reach the recipient.
        """
        values = self.check(values)
        lead = work.leads.get_for_update(lead_id)
        recipient = values.get("recipient") or Recipient.LEAD
        channel = values.get("channel") or self.default_channel
        if recipient is Recipient.LEAD and lead.do_not_contact:
            raise DoNotContact
        _check_reachable(lead, recipient, channel, self.channels[channel])
        now = self.clock.now()
        follow_up, events = FollowUp.schedule(
            FollowUpId(self.ids.new()),
            lead_id,
            recipient=recipient,
            channel=channel,
            message=values.get("message") or _default_message(lead, recipient),
            due_at=values.get("due_at") or now,
            now=now,
        )
        work.follow_ups.add(follow_up)
        add_due_time(work, lead, follow_up.due_at, now)
        add_events(work, lead_id, events, now=now, actor=actor, ids=self.ids)
        return follow_up


def _check_channel(channel: str, channels: Channels) -> str:
    if channel not in channels:
        raise ValidationFailed.because(
            f"Unknown channel {truncate(channel)}. Use one of: {', '.join(sorted(channels))}."
        )
    return channel


_RULES: Mapping[str, Callable[[Any, Channels], object]] = {
    "channel": optional(_check_channel),
    "message": optional(lambda text, _: check_text(text, max_length=MESSAGE_MAX)),
    "due_at": lambda at, _: at and check_time(at),
    "recipient": lambda recipient, _: recipient,
}


def _check_reachable(lead: Lead, recipient: Recipient, channel: str, needs: Address | None) -> None:
    if recipient is Recipient.OWNER and lead.owner is None:
        raise ValidationFailed.because(
            "The lead has no owner. Set its `owner` first, or use the recipient `lead`.", "/recipient"
        )
    if needs is Address.EMAIL and recipient is Recipient.LEAD and lead.email is None:
        raise ValidationFailed.because(
            f"The channel {channel} needs an e-mail address, and the {recipient} has none.", "/channel"
        )
    if needs is Address.EMAIL and recipient is Recipient.LEAD and lead.email_bounced:
        raise ValidationFailed.because(
            "The lead's e-mail address accepts no mail: a message to it bounced. Change its `email` first.", "/channel"
        )
    if needs is Address.PHONE and (recipient is Recipient.OWNER or lead.phone is None):
        raise ValidationFailed.because(
            f"The channel {channel} needs a phone number, and the {recipient} has none.", "/channel"
        )


def _default_message(lead: Lead, recipient: Recipient) -> str:
    name = on_one_line(lead.name)
    if recipient is Recipient.OWNER:
        return f"Please follow up with {name}."
    return f"Hello {name}, thank you for your interest. We will be in touch with you soon."
