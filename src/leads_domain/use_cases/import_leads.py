"""Take in many leads at once; a bad one never stops the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from leads_domain.details import Details, GivenDetails
from leads_domain.errors import DuplicateLead, Invalid
from leads_domain.events import TimelineEntry, entries
from leads_domain.lead import Lead, LeadId, Past
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.register_lead import Newcomer, OnDuplicate, Outcome, RegisterLead


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


class _Row(NamedTuple):
    """The candidate at this place: its details, and the lead that it is if it is new."""

    place: int
    details: Details
    newcomer: Newcomer


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
        rows = []
        for place, candidate in enumerate(candidates):
            try:
                rows.append(self._row(place, candidate, now))
            except Invalid as refusal:
                outcomes[place] = refusal
        for row, duplicate in self._keep(work, rows, now, actor):
            outcomes[row.place] = self._meet(work, row, duplicate, now, actor, on_duplicate)
        return outcomes

    def _row(self, place: int, candidate: Candidate, now: datetime) -> _Row:
        details = self.register_lead.check(*candidate)
        return _Row(place, details, self.register_lead.newcomer(details, now, candidate.past))

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
