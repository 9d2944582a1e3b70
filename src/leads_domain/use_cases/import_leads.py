"""Take in many leads at once; a bad one never stops the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leads_domain.details import Details, GivenDetails
from leads_domain.errors import DuplicateLead, Invalid
from leads_domain.lead import Past
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome, RegisterLead


class Candidate(NamedTuple):
    """A lead to be taken in, and its past if it has one."""

    given: GivenDetails
    past: Past | None = None


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
        rehearsal: set[str] | None = None,
    ) -> list[Imported]:
        """What became of each candidate, in order.

        With a `rehearsal`, what would become of it: nothing is kept but the e-mail keys that would have
        been added, in that set, for the batches to come.
        """
        outcomes: list[Imported] = []
        for given, past in candidates:
            try:
                if rehearsal is None:
                    registered = self.register_lead(work, given, actor=actor, on_duplicate=on_duplicate, past=past)
                    outcomes.append(registered.outcome)
                else:
                    details = self.register_lead.check(given, past)
                    outcomes.append(_rehearse(work, details, on_duplicate, rehearsal))
            except (Invalid, DuplicateLead) as refusal:
                outcomes.append(refusal)
        return outcomes


def _rehearse(work: UnitOfWork, details: Details, on_duplicate: OnDuplicate, rehearsal: set[str]) -> Outcome:
    key = details["email"].key
    existing = work.leads.with_email(key)
    if existing is None and key not in rehearsal:
        rehearsal.add(key)
        return Outcome.CREATED
    if on_duplicate is OnDuplicate.ERROR:
        raise DuplicateLead(existing)
    if on_duplicate is OnDuplicate.RETURN or existing is None:
        return Outcome.UNCHANGED
    _, events = work.leads.get(existing).change(details)
    return Outcome.UPDATED if events else Outcome.UNCHANGED
