"""Take in many leads at once; a bad one never stops the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from leads_domain.details import Details, GivenDetails
from leads_domain.errors import DuplicateLead, Invalid
from leads_domain.events import Event, TimelineEntry, entries
from leads_domain.lead import Lead, LeadId, Past
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome, RegisterLead


class Candidate(NamedTuple):
    """A lead to be taken in, and its past if it has one."""

    given: GivenDetails
    past: Past | None = None


Rehearsal = dict[str, Lead]
"""The leads that a dry run would have kept so far, by e-mail key; it goes from batch to batch."""

Imported = Outcome | Invalid | DuplicateLead
"""What became of one row."""


@dataclass(slots=True)
class ImportSummary:
    """How many rows came to what."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    refused: int = 0

    def count(self, imported: Imported) -> None:
        """Count what became of one row."""
        match imported:
            case Outcome.CREATED:
                self.created += 1
            case Outcome.UPDATED:
                self.updated += 1
            case Outcome.UNCHANGED:
                self.unchanged += 1
            case DuplicateLead():
                self.duplicates += 1
            case Invalid():
                self.refused += 1


class _Newcomer(NamedTuple):
    """A lead that may be new, which was the candidate at this place."""

    place: int
    details: Details
    lead: Lead
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class ImportLeads:
    """Register a batch of leads in one unit of work, each by the same rules as a single one."""

    register_lead: RegisterLead

    def __call__(
        self,
        work: UnitOfWork,
        candidates: Sequence[Candidate],
        *,
        actor: str,
        on_duplicate: OnDuplicate = OnDuplicate.ERROR,
        rehearsal: Rehearsal | None = None,
    ) -> list[Imported]:
        """What became of each candidate, in order. With a `rehearsal`, what would become of it: nothing is kept."""
        if rehearsal is not None:
            return [self._rehearse(work, candidate, on_duplicate, rehearsal) for candidate in candidates]
        now = self.register_lead.clock.now()
        outcomes: list[Imported] = [Outcome.CREATED] * len(candidates)
        newcomers = []
        for place, candidate in enumerate(candidates):
            try:
                newcomers.append(self._newcomer(place, candidate, now))
            except Invalid as refusal:
                outcomes[place] = refusal
        for newcomer, duplicate in self._keep(work, newcomers, now, actor):
            outcomes[newcomer.place] = self._meet(work, newcomer, duplicate, now, actor, on_duplicate)
        return outcomes

    def _newcomer(self, place: int, candidate: Candidate, now: datetime) -> _Newcomer:
        register = self.register_lead
        details = register.check(*candidate)
        lead, events = Lead.register(LeadId(register.ids.new()), details, register.pipeline, now, candidate.past)
        return _Newcomer(place, details, lead, events)

    def _keep(
        self, work: UnitOfWork, newcomers: Sequence[_Newcomer], now: datetime, actor: str
    ) -> list[tuple[_Newcomer, DuplicateLead]]:
        """Keep all that can be kept with one question to the store; answers the others, and what they met."""
        story: list[TimelineEntry] = []
        met: list[tuple[_Newcomer, DuplicateLead]] = []
        holders = work.leads.add_many([newcomer.lead for newcomer in newcomers])
        for newcomer, holder in zip(newcomers, holders, strict=True):
            if holder == newcomer.lead.id:
                story += entries(holder, newcomer.events, at=now, actor=actor, ids=self.register_lead.ids)
            else:
                met.append((newcomer, DuplicateLead(holder)))
        work.timeline.add(story)
        return met

    def _meet(
        self,
        work: UnitOfWork,
        newcomer: _Newcomer,
        duplicate: DuplicateLead,
        now: datetime,
        actor: str,
        on_duplicate: OnDuplicate,
    ) -> Imported:
        try:
            met = self.register_lead.met(work, duplicate, newcomer.details, now, actor=actor, on_duplicate=on_duplicate)
        except DuplicateLead as refusal:
            return refusal
        return met.outcome

    def _rehearse(
        self, work: UnitOfWork, candidate: Candidate, on_duplicate: OnDuplicate, rehearsal: Rehearsal
    ) -> Imported:
        """What would become of the candidate, if the leads of the rehearsal had been kept."""
        register = self.register_lead
        try:
            details = register.check(*candidate)
        except Invalid as refusal:
            return refusal
        key = details["email"].key
        existing = work.leads.with_email(key)
        if key not in rehearsal and existing is None:
            now = register.clock.now()
            rehearsal[key], _ = Lead.register(LeadId(""), details, register.pipeline, now, candidate.past)
            return Outcome.CREATED
        if on_duplicate is OnDuplicate.ERROR:
            return DuplicateLead(existing)
        if on_duplicate is OnDuplicate.RETURN:
            return Outcome.UNCHANGED
        known = rehearsal[key] if key in rehearsal else work.leads.get(cast(LeadId, existing))
        rehearsal[key], events = known.change(details)
        return Outcome.UPDATED if events else Outcome.UNCHANGED
