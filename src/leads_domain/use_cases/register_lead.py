"""Register a lead, unless it exists already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from leads_domain.details import Details, DetailsInput, check_new_details
from leads_domain.errors import DuplicateLead, FieldError, NotFound, Unavailable
from leads_domain.events import Event, make_entries
from leads_domain.follow_up import FollowUp
from leads_domain.lead import ImportedState, Lead, LeadId
from leads_domain.pipeline import Pipeline
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules
from leads_domain.sources import Clock, IdSource, Normalizer

_TRIES = 5
"""How often to try to store a lead whose address other leads give up and take meanwhile."""


class OnDuplicate(StrEnum):
    """What to do if a lead with the same e-mail address exists."""

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
    """The lead as it is stored, and the outcome."""

    lead: Lead
    outcome: Outcome


class Newcomer(NamedTuple):
    """A lead as it would be stored if it is new, with its events and the follow-ups that the rules schedule."""

    lead: Lead
    events: Sequence[Event]
    follow_ups: Sequence[FollowUp]


@dataclass(frozen=True, slots=True)
class RegisterLead:
    """Store a new lead at the start of the pipeline, and schedule the follow-ups that the rules have for that status.

    If its e-mail address is taken, `on_duplicate` decides: raise `DuplicateLead`, return the existing lead, or
    overwrite that lead's members with the given ones.
    """

    clock: Clock
    ids: IdSource
    normalizer: Normalizer
    pipeline: Pipeline
    rules: FollowUpRules

    def check(self, given: DetailsInput, *also: FieldError) -> Details:
        """Return the details as they would be stored; raises `ValidationFailed` with all errors, also `also`."""
        return check_new_details(given, self.normalizer, *also)

    def __call__(
        self,
        work: UnitOfWork,
        given: DetailsInput,
        *,
        actor: str,
        on_duplicate: OnDuplicate = OnDuplicate.ERROR,
    ) -> Registered:
        """Return the stored lead; raises `ValidationFailed`, or `DuplicateLead` if that is the policy."""
        details = self.check(given)
        now = self.clock.now()
        newcomer = self.newcomer(details, now)
        return self.keep(work, newcomer, details, now, actor=actor, on_duplicate=on_duplicate)

    def keep(
        self,
        work: UnitOfWork,
        newcomer: Newcomer,
        details: Details,
        now: datetime,
        *,
        actor: str,
        on_duplicate: OnDuplicate,
    ) -> Registered:
        """Store a newcomer with these details, or apply the policy to the lead that has its address."""
        lead, events, follow_ups = newcomer
        for _ in range(_TRIES):
            try:
                work.leads.add(lead)
            except DuplicateLead as duplicate:
                if met := self.met(work, duplicate, details, now, actor=actor, on_duplicate=on_duplicate):
                    return met
                continue
            for follow_up in follow_ups:
                work.follow_ups.add(follow_up)
            work.timeline.add(make_entries(lead.id, events, at=now, actor=actor, ids=self.ids))
            return Registered(lead, Outcome.CREATED)
        raise Unavailable("The lead that has this e-mail address is another one each time.")

    def newcomer(
        self, details: Details, now: datetime, state: ImportedState | None = None, *, rules: bool = True
    ) -> Newcomer:
        """Return the lead with these details, and what the rules schedule for it, if they are to start."""
        lead, events = Lead.register(LeadId(self.ids.new()), details, self.pipeline, now, state)
        if not rules:
            return Newcomer(lead, events, ())
        lead, follow_ups, scheduling = self.rules.schedule(lead, now)
        return Newcomer(lead, events + scheduling, follow_ups)

    def met(
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
        """Apply the policy to the existing lead of `duplicate`; raises `duplicate` if that is the policy.

        Returns None if no lead has the address any more: it may be erased or changed before it is locked.
        """
        if duplicate.existing_id is None:
            return None
        if on_duplicate is OnDuplicate.ERROR:
            raise duplicate
        try:
            lead = work.leads.get_for_update(LeadId(duplicate.existing_id))
        except NotFound:
            return None
        if lead.email.key != details["email"].key:
            return None
        if on_duplicate is OnDuplicate.RETURN:
            return Registered(lead, Outcome.UNCHANGED)
        changed, events = lead.change(details, merge_attributes=merge_attributes)
        if not events:
            return Registered(lead, Outcome.UNCHANGED)
        changed = changed.revised(now)
        work.leads.save(changed)
        work.timeline.add(make_entries(changed.id, events, at=now, actor=actor, ids=self.ids))
        return Registered(changed, Outcome.UPDATED)
