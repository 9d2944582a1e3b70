"""Record a person's reply to a message of ours."""

from dataclasses import dataclass

from leads_domain.events import Event, EventType, Json
from leads_domain.follow_up import FollowUp, Recipient
from leads_domain.incoming_mail import IncomingMail
from leads_domain.lead import Lead
from leads_domain.mail_enquiry import Person, attachments_of, shortened, subject_of, text_of
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.cancel_follow_ups import cancel_all
from leads_domain.use_cases.next_due import update_next_due


@dataclass(frozen=True, slots=True)
class RecordReply:
    """Add a reply to the timeline of a lead, and cancel the messages to it that rules have scheduled.

    Messages to colleagues, those that clients have scheduled, and reminders stay. A reply is no enquiry: it starts no
    rules. See `docs/decisions/0050-replies-and-repeats.md`.
    """

    clock: Clock
    ids: IdSource

    def __call__(
        self,
        work: UnitOfWork,
        lead: Lead,
        answered: FollowUp,
        mail: IncomingMail,
        sender: Person,
        *,
        stop_rules: bool,
        actor: str,
    ) -> None:
        """Record the reply to a follow-up of a locked lead. Without `stop_rules`, nothing is cancelled."""
        now = self.clock.now()
        data: dict[str, Json] = {
            "follow_up_id": answered.id,
            "from": str(sender.address),
            "subject": subject_of(mail) or None,
            "message": shortened(text_of(mail)) or None,
            "attachments": [*attachments_of(mail)],
        }
        events = [Event(EventType.LEAD_REPLIED, data)]
        if stop_rules:
            scheduled = work.follow_ups.scheduled_of_lead(lead.id)
            events += cancel_all(work, [each for each in scheduled if _is_of_rule(each)], now)
            update_next_due(work, lead, now)
        add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)


def _is_of_rule(follow_up: FollowUp) -> bool:
    return follow_up.by_rule and follow_up.recipient == Recipient.LEAD
