"""Add an enquiry to the lead of a person, who may be new."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leads_domain.enquiry import Enquiry, EnquiryInput, check_enquiry
from leads_domain.errors import DuplicateLead, FieldError, NotFound, Unavailable
from leads_domain.events import TimelineEntry
from leads_domain.lead import Lead
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.assign_tasks import assign_tasks
from leads_domain.use_cases.recently_written import was_recently_written_to
from leads_domain.use_cases.register_lead import OnDuplicate, RegisterLead
from leads_domain.use_cases.store_scheduled import store_scheduled

_ATTEMPTS_MAX = 5
"""The maximum number of attempts to find or create the lead while other requests change who it is."""


class EnquiryOutcome(StrEnum):
    """The outcome of an enquiry: a new lead with its first enquiry, or another enquiry of an existing lead."""

    LEAD_CREATED = "lead_created"
    ENQUIRY_ADDED = "enquiry_added"


@dataclass(frozen=True, slots=True)
class EnquiryResult:
    """The outcome, the stored lead, and the timeline entry of the enquiry."""

    outcome: EnquiryOutcome
    lead: Lead
    enquiry: TimelineEntry


@dataclass(frozen=True, slots=True)
class AddEnquiry:
    """Add an enquiry to the existing lead of the person, else to a new lead, and schedule the follow-ups of the rules.

    The e-mail address identifies the person, else the phone number. The identity of a merged lead leads to the lead
    that has replaced it. See `docs/decisions/0028-enquiries.md`. An enquiry `by_mail` may come from a program: rules
    write to its lead at most once in a period (`was_recently_written_to`).
    """

    register_lead: RegisterLead

    def check(self, values: EnquiryInput, *other_errors: FieldError) -> Enquiry:
        """Return the validated enquiry; raises `ValidationFailed` with all errors, including `other_errors`."""
        return check_enquiry(values, self.register_lead.normalizer, *other_errors)

    def __call__(self, work: UnitOfWork, values: EnquiryInput, *, actor: str, by_mail: bool = False) -> EnquiryResult:
        """Return the outcome; raises `ValidationFailed`."""
        enquiry = self.check(values)
        now = self.register_lead.clock.now()
        for _ in range(_ATTEMPTS_MAX):
            try:
                if lead := _lock_lead_of(work, enquiry):
                    return self._add(work, lead, enquiry, EnquiryOutcome.ENQUIRY_ADDED, now, actor, by_mail=by_mail)
                lead = self._create_lead(work, enquiry, now, actor)
                return self._add(work, lead, enquiry, EnquiryOutcome.LEAD_CREATED, now, actor, by_mail=by_mail)
            except (NotFound, DuplicateLead):
                continue  # another request has just merged, erased, created or changed the lead
        raise Unavailable("Other requests keep changing which lead has this e-mail address or phone number. Try again.")

    def _create_lead(self, work: UnitOfWork, enquiry: Enquiry, now: datetime, actor: str) -> Lead:
        details = enquiry.details_of_new_lead
        return self.register_lead.register(work, details, now, actor=actor, on_duplicate=OnDuplicate.ERROR).lead

    def _add(
        self,
        work: UnitOfWork,
        lead: Lead,
        enquiry: Enquiry,
        outcome: EnquiryOutcome,
        now: datetime,
        actor: str,
        *,
        by_mail: bool,
    ) -> EnquiryResult:
        """Save the lead first: that can raise `DuplicateLead`, and nothing may be stored then."""
        filled, events = enquiry.add_to(lead)
        may_write = not (by_mail and was_recently_written_to(work, lead, now))
        scheduled = self.register_lead.rules.schedule_for_enquiry(
            filled, enquiry.message, now, may_write_to_lead=may_write
        )
        changed = scheduled.lead
        if changed != lead:
            changed = changed if outcome is EnquiryOutcome.LEAD_CREATED else changed.revised(now)
            work.leads.save(changed)
        store_scheduled(work, scheduled)
        events = [*events, *scheduled.events]
        changed, assigned = assign_tasks(work, lead, changed, self.register_lead.ids, now)
        if assigned:
            work.leads.save(changed)
            events += assigned
        entries = add_events(work, lead.id, events, now=now, actor=actor, ids=self.register_lead.ids)
        return EnquiryResult(outcome, changed, entries[0])


def _lock_lead_of(work: UnitOfWork, enquiry: Enquiry) -> Lead | None:
    """Return the locked lead of the person; None if there is none."""
    id = work.leads.find_person(enquiry.identity)
    return work.leads.get_for_update(id) if id else None
