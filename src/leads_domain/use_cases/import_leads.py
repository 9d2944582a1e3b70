"""Take in many leads at once; a bad one never stops the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from leads_domain.details import GivenDetails
from leads_domain.errors import DuplicateLead, Invalid
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
        outcomes: list[Imported] = []
        for candidate in candidates:
            given, past = candidate
            try:
                if rehearsal is None:
                    registered = self.register_lead(work, given, actor=actor, on_duplicate=on_duplicate, past=past)
                    outcomes.append(registered.outcome)
                else:
                    outcomes.append(self._rehearse(work, candidate, on_duplicate, rehearsal))
            except (Invalid, DuplicateLead) as refusal:
                outcomes.append(refusal)
        return outcomes

    def _rehearse(
        self, work: UnitOfWork, candidate: Candidate, on_duplicate: OnDuplicate, rehearsal: Rehearsal
    ) -> Outcome:
        """What `register_lead` would answer, if it had kept the leads of the rehearsal."""
        register = self.register_lead
        details = register.check(*candidate)
        key = details["email"].key
        existing = work.leads.with_email(key)
        if key not in rehearsal and existing is None:
            now = register.clock.now()
            rehearsal[key], _ = Lead.register(LeadId(""), details, register.pipeline, now, candidate.past)
            return Outcome.CREATED
        if on_duplicate is OnDuplicate.ERROR:
            raise DuplicateLead(existing)
        if on_duplicate is OnDuplicate.RETURN:
            return Outcome.UNCHANGED
        known = rehearsal[key] if key in rehearsal else work.leads.get(cast(LeadId, existing))
        rehearsal[key], events = known.change(details)
        return Outcome.UPDATED if events else Outcome.UNCHANGED
