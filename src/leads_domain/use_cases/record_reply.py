"""Record a person's reply to a message of ours."""

from dataclasses import dataclass, replace
from datetime import datetime

from leads_domain.events import Event, EventType, Json
from leads_domain.follow_up import FollowUp
from leads_domain.incoming_mail import IncomingMail
from leads_domain.lead import Lead, OptOutWay
from leads_domain.mail_enquiry import Person, attachments_of, shortened, subject_of, text_of
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.stop_words import asks_to_stop
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.cancel_follow_ups import cancel_all
from leads_domain.use_cases.next_due import next_due
from leads_domain.use_cases.opt_out import opt_out


@dataclass(frozen=True, slots=True)
class RecordReply:
    """Add a reply to the timeline of a lead, and cancel the messages to it that rules have scheduled.

    Messages to colleagues, those that clients have scheduled, and reminders stay. A reply that asks to stop opts the
    lead out. A reply is no enquiry: it starts no rules. See `docs/decisions/0050-replies-and-repeats.md`.
    """

    clock: Clock
    ids: IdSource

    def __call__(
        self,
        work: UnitOfWork,
        lead: Lead,
        answered: FollowUp | None,
        mail: IncomingMail,
        sender: Person | None,
        *,
        stop_rules: bool,
        actor: str,
    ) -> None:
        """Record the reply of a locked lead to a follow-up. Without `stop_rules`, rules go on.

        Only a message that asks to stop can have `answered` None: that answers no follow-up of the lead. If the message
        is broken, the entry says why.
        """
        now = self.clock.now()
        data: dict[str, Json] = {
            "follow_up_id": answered.id if answered else None,
            "from": str(sender.address) if sender else None,
            "subject": subject_of(mail) or None,
            "message": shortened("\n\n".join(filter(None, [mail.broken, text_of(mail)]))) or None,
            "attachments": [*attachments_of(mail)],
        }
        changed, consequences = self._consequences(work, lead, mail, now, stop_rules=stop_rules)
        if changed != lead:
            work.leads.save(changed.revised(now))
        events = [Event(EventType.LEAD_REPLIED, data), *consequences]
        add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)

    def _consequences(
        self, work: UnitOfWork, lead: Lead, mail: IncomingMail, now: datetime, *, stop_rules: bool
    ) -> tuple[Lead, list[Event]]:
        if asks_to_stop(mail.subject, mail.text):
            return opt_out(work, lead, OptOutWay.REPLY, now)
        if not stop_rules:
            return lead, []
        scheduled = work.follow_ups.scheduled_of_lead(lead.id)
        events = cancel_all(work, [each for each in scheduled if each.by_rule and each.is_for(lead)], now)
        return replace(lead, next_follow_up_at=next_due(work, lead.id)), events
