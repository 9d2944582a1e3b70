"""Register a lead, and handle duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from leads_domain.assignment import NO_ASSIGNMENT, AssignedDetails, Assignment
from leads_domain.contact import identity_of
from leads_domain.details import Details, DetailsInput, check_new_details
from leads_domain.errors import DuplicateLead, FieldError, NotFound, Unavailable
from leads_domain.events import make_entries
from leads_domain.lead import ImportedState, Lead, LeadId
from leads_domain.pipeline import Pipeline
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules, Scheduled
from leads_domain.sources import Clock, IdSource, Normalizer
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.assign_tasks import assign_tasks
from leads_domain.use_cases.opt_out import cancel_if_opted_out
from leads_domain.use_cases.store_scheduled import store_scheduled

_ATTEMPTS_MAX = 5
"""The maximum number of attempts to store a lead while other requests free and take its identity."""


class OnDuplicate(StrEnum):
    """The policy for a duplicate: refuse it, return the existing lead, or update the existing lead."""

    ERROR = "error"
    RETURN = "return"
    UPDATE = "update"


class Outcome(StrEnum):
    """The outcome of registering a lead."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Registered:
    """The stored lead, and the outcome."""

    lead: Lead
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RegisterLead:
    """Store a new lead in the initial status, and schedule the follow-ups of the rules for that status.

    If an existing lead has the same identity (`Lead.identity`), `on_duplicate` decides: raise `DuplicateLead`, return
    the existing lead, or update its fields.
    """

    clock: Clock
    ids: IdSource
    normalizer: Normalizer
    pipeline: Pipeline
    rules: FollowUpRules
    assignment: Assignment = NO_ASSIGNMENT

    def check(self, values: DetailsInput, *other_errors: FieldError) -> Details:
        """Return the validated details; raises `ValidationFailed` with all errors, including `other_errors`."""
        return check_new_details(values, self.normalizer, *other_errors)

    def __call__(
        self,
        work: UnitOfWork,
        values: DetailsInput,
        *,
        actor: str,
        on_duplicate: OnDuplicate = OnDuplicate.ERROR,
    ) -> Registered:
        """Return the stored lead; raises `ValidationFailed`, or `DuplicateLead` if the policy is `ERROR`."""
        return self.register(work, self.check(values), self.clock.now(), actor=actor, on_duplicate=on_duplicate)

    def register(
        self, work: UnitOfWork, details: Details, now: datetime, *, actor: str, on_duplicate: OnDuplicate
    ) -> Registered:
        """Assign an owner and store a new lead; else apply the policy, with the details as given."""
        if not self.assignment:
            return self.store(work, self.prepare(details, now), details, now, actor=actor, on_duplicate=on_duplicate)
        [(assigned, has_turn)] = self.assign(work, [details])
        new_lead = self.prepare(assigned, now)
        try:
            registered = self.store(work, new_lead, details, now, actor=actor, on_duplicate=on_duplicate)
        except DuplicateLead:
            if has_turn:
                work.turns.give_back(1)
            raise
        if has_turn and registered.outcome is not Outcome.CREATED:
            work.turns.give_back(1)
        return registered

    def assign(self, work: UnitOfWork, leads: Sequence[Details]) -> Sequence[AssignedDetails]:
        """Assign an owner to each new lead without one."""
        taken: set[str] = set()

        def is_new(details: Details) -> bool:
            identity = identity_of(details.get("email"), details.get("phone"))
            is_first = identity not in taken
            taken.add(identity)
            return is_first and work.leads.find_by_identity(identity) is None

        return self.assignment.assign(leads, work.turns, is_new)

    def store(
        self,
        work: UnitOfWork,
        new_lead: Scheduled,
        details: Details,
        now: datetime,
        *,
        actor: str,
        on_duplicate: OnDuplicate,
    ) -> Registered:
        """Store a new lead with these details, or apply the policy to the existing lead with its identity."""
        lead = new_lead.lead
        for _ in range(_ATTEMPTS_MAX):
            try:
                work.leads.add(lead)
            except DuplicateLead as duplicate:
                if registered := self.resolve_duplicate(
                    work, duplicate, details, now, actor=actor, on_duplicate=on_duplicate
                ):
                    return registered
                continue
            store_scheduled(work, new_lead)
            work.timeline.add(make_entries(lead.id, new_lead.events, at=now, actor=actor, ids=self.ids))
            return Registered(lead, Outcome.CREATED)
        raise Unavailable("Other requests keep changing which lead has this e-mail address or phone number. Try again.")

    def prepare(
        self, details: Details, now: datetime, state: ImportedState | None = None, *, rules: bool = True
    ) -> Scheduled:
        """Return a new lead with these details, and with the follow-ups that the rules schedule if `rules` is true."""
        lead, events = Lead.register(LeadId(self.ids.new()), details, self.pipeline, now, state)
        if not rules:
            return Scheduled(lead, events)
        scheduled = self.rules.schedule(lead, now)
        return replace(scheduled, events=[*events, *scheduled.events])

    def resolve_duplicate(
        self,
        work: UnitOfWork,
        duplicate: DuplicateLead,
        details: Details,
        now: datetime,
        *,
        actor: str,
        on_duplicate: OnDuplicate,
        merge_attributes: bool = False,
    ) -> Registered | None:
        """Apply the policy to the existing lead of `duplicate`; raises `duplicate` if the policy is `ERROR`.

        Returns None if that lead was erased, merged or changed before it was locked, and no longer has the identity.
        """
        if duplicate.existing_id is None:
            return None
        if on_duplicate is OnDuplicate.ERROR:
            raise duplicate
        try:
            lead = work.leads.get_for_update(LeadId(duplicate.existing_id))
        except NotFound:
            return None
        if lead.identity != identity_of(details.get("email"), details.get("phone")):
            return None
        if on_duplicate is OnDuplicate.RETURN:
            return Registered(lead, Outcome.UNCHANGED)
        changed, events = lead.change(details, merge_attributes=merge_attributes)
        if not events:
            return Registered(lead, Outcome.UNCHANGED)
        changed, more_events = cancel_if_opted_out(work, lead, changed, now)
        events += more_events
        changed, more_events = assign_tasks(work, lead, changed, self.ids, now)
        events += more_events
        changed = changed.revised(now)
        work.leads.save(changed)
        add_events(work, changed.id, events, now=now, actor=actor, ids=self.ids)
        return Registered(changed, Outcome.UPDATED)
