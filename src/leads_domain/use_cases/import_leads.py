"""Take in many leads at once; a bad one never stops the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, cast

from leads_domain.details import Details, GivenDetails
from leads_domain.errors import DuplicateLead, Invalid
from leads_domain.events import TimelineEntry, entries
from leads_domain.lead import Lead, LeadId, Past
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.register_lead import Newcomer, OnDuplicate, Outcome, RegisterLead


class Candidate(NamedTuple):
    """The checked details of a lead to be taken in, and its past if it has one."""

    details: Details
    past: Past | None = None


class Rehearsal(Protocol):
    """The leads that a dry run would have kept so far; it goes from batch to batch."""

    def find(self, email_key: str) -> Lead | None:
        """The lead with this e-mail key, as it would be kept by now."""

    def keep(self, lead: Lead) -> None:
        """Remember a lead in the place of the one with its e-mail key, if there is one."""


Imported = Outcome | DuplicateLead
"""What became of a candidate."""


@dataclass(slots=True)
class ImportSummary:
    """How many rows came to what."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    refused: int = 0

    @property
    def accepted(self) -> int:
        """Count the rows that are stored, or were before."""
        return self.created + self.updated + self.unchanged + self.duplicates

    def count(self, imported: Imported | Invalid) -> None:
        """Count what became of one row, which may not even have been a candidate."""
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


class _Row(NamedTuple):
    """The candidate at this place: its details, and the lead that it is if it is new."""

    place: int
    details: Details
    newcomer: Newcomer

    @property
    def key(self) -> str:
        return self.details["email"].key


@dataclass(frozen=True, slots=True)
class ImportLeads:
    """Register a batch of leads in one unit of work, each by the same rules as a single one.

    They are checked before, one by one: that takes as long as the rest, and nobody need wait for it.
    """

    register_lead: RegisterLead

    def check(self, given: GivenDetails, past: Past | None) -> Candidate:
        """The candidate; raises `Invalid` with every fault."""
        return Candidate(self.register_lead.check(given, past), past)

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
        rows = [
            _Row(place, candidate.details, self.register_lead.newcomer(candidate.details, now, candidate.past))
            for place, candidate in enumerate(candidates)
        ]
        # All imports touch leads in the same order: no two wait for each other. The sort keeps that of one lead's rows.
        rows.sort(key=lambda row: row.key)
        for row, duplicate in self._keep(work, rows, now, actor):
            outcomes[row.place] = self._meet(work, row, duplicate, now, actor, on_duplicate)
        return outcomes

    def _keep(
        self, work: UnitOfWork, rows: Sequence[_Row], now: datetime, actor: str
    ) -> list[tuple[_Row, DuplicateLead]]:
        """Keep all that can be kept with one question to the store; answers the others, and what they met."""
        story: list[TimelineEntry] = []
        met: list[tuple[_Row, DuplicateLead]] = []
        holders = work.leads.add_many([row.newcomer.lead for row in rows])
        for row, holder in zip(rows, holders, strict=True):
            lead, events, follow_ups = row.newcomer
            if holder == lead.id:
                for follow_up in follow_ups:
                    work.follow_ups.add(follow_up)
                story += entries(holder, events, at=now, actor=actor, ids=self.register_lead.ids)
            else:
                met.append((row, DuplicateLead(holder)))
        work.timeline.add(story)
        return met

    def _meet(
        self,
        work: UnitOfWork,
        row: _Row,
        duplicate: DuplicateLead,
        now: datetime,
        actor: str,
        on_duplicate: OnDuplicate,
    ) -> Imported:
        register, (_, details, newcomer) = self.register_lead, row
        try:
            met = register.met(work, duplicate, details, now, actor=actor, on_duplicate=on_duplicate)
            if met is None:
                met = register.keep(work, newcomer, details, now, actor=actor, on_duplicate=on_duplicate)
        except DuplicateLead as refusal:
            return refusal
        return met.outcome

    def _rehearse(
        self, work: UnitOfWork, candidate: Candidate, on_duplicate: OnDuplicate, rehearsal: Rehearsal
    ) -> Imported:
        """What would become of the candidate, if the leads of the rehearsal had been kept."""
        register = self.register_lead
        details = candidate.details
        rehearsed = rehearsal.find(details["email"].key)
        existing = work.leads.with_email(details["email"].key)
        if rehearsed is None and existing is None:
            lead, _ = Lead.register(LeadId(""), details, register.pipeline, register.clock.now(), candidate.past)
            rehearsal.keep(lead)
            return Outcome.CREATED
        if on_duplicate is OnDuplicate.ERROR:
            return DuplicateLead(existing)
        if on_duplicate is OnDuplicate.RETURN:
            return Outcome.UNCHANGED
        changed, events = (rehearsed or work.leads.get(cast(LeadId, existing))).change(details)
        if not events:
            return Outcome.UNCHANGED
        rehearsal.keep(changed)
        return Outcome.UPDATED
