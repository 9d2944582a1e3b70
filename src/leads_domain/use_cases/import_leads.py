"""Import many leads at once; an invalid one never stops the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, Protocol, cast

from leads_domain.checking import SHOWN_MAX
from leads_domain.details import Details, DetailsInput
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.events import TimelineEntry, make_entries
from leads_domain.lead import ImportedState, Lead, LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.register_lead import Newcomer, OnDuplicate, Outcome, RegisterLead


class Candidate(NamedTuple):
    """The checked details of a lead to be imported, and its imported state.

    `unknown_status` is a status from the file that the pipeline does not have. With `merge_attributes`, an update
    leaves other attributes of an existing lead as they are.
    """

    details: Details
    state: ImportedState | None = None
    unknown_status: str | None = None
    merge_attributes: bool = False


class DryRun(Protocol):
    """Holds the leads that an import would have stored so far, from batch to batch."""

    def find(self, email_key: str) -> Lead | None:
        """Return the lead with this e-mail key as it would be stored by now."""

    def store(self, lead: Lead) -> None:
        """Replace the lead with the same e-mail key, or add it."""


ImportResult = Outcome | DuplicateLead | ValidationFailed
"""What became of a candidate."""


UNKNOWN_STATUSES_MAX = 10
"""How many different statuses a summary names that the pipeline does not have."""


@dataclass(slots=True)
class ImportSummary:
    """Count the rows of a file by result, and those with a status by what became of it.

    The status of a new lead is set; an existing lead keeps its own.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    refused: int = 0
    statuses_set: int = 0
    statuses_kept: int = 0
    statuses_unknown: int = 0
    unknown_statuses: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Count the rows that are stored, or were before."""
        return self.created + self.updated + self.unchanged + self.duplicates

    def count(self, imported: ImportResult, candidate: Candidate | None = None) -> None:
        """Count the result of one row, which need not have become a candidate."""
        if candidate and candidate.unknown_status is not None:
            self._count_unknown(candidate.unknown_status[:SHOWN_MAX])
        if candidate and candidate.state and candidate.state.status:
            self.statuses_set += imported is Outcome.CREATED
            self.statuses_kept += imported in (Outcome.UPDATED, Outcome.UNCHANGED)
        match imported:
            case Outcome.CREATED:
                self.created += 1
            case Outcome.UPDATED:
                self.updated += 1
            case Outcome.UNCHANGED:
                self.unchanged += 1
            case DuplicateLead():
                self.duplicates += 1
            case ValidationFailed():
                self.refused += 1

    def _count_unknown(self, status: str) -> None:
        self.statuses_unknown += 1
        if status not in self.unknown_statuses and len(self.unknown_statuses) < UNKNOWN_STATUSES_MAX:
            self.unknown_statuses.append(status)


class _Row(NamedTuple):
    """The candidate at this place, and the lead that it is if it is new."""

    place: int
    candidate: Candidate
    newcomer: Newcomer

    @property
    def key(self) -> str:
        return self.candidate.details["email"].key


@dataclass(frozen=True, slots=True)
class ImportLeads:
    """Register a batch of leads in one unit of work, each by the same rules as a single one.

    Check them before, one by one: that takes as long as the rest, and other writes need not wait for it.
    """

    register_lead: RegisterLead

    def check(
        self, given: DetailsInput, state: ImportedState | None = None, *, merge_attributes: bool = False
    ) -> Candidate:
        """Return the candidate, its status in the pipeline's spelling; raises `ValidationFailed` with every error."""
        if state is None:
            return Candidate(self.register_lead.check(given), merge_attributes=merge_attributes)
        errors = state.errors()
        pipeline = self.register_lead.pipeline
        status = pipeline.find(state.status) if state.status else None
        unknown = state.status if status is None else None
        if unknown and state.status_attribute:
            merge_attributes = merge_attributes or "attributes" not in given
            given = {**given, "attributes": {state.status_attribute: unknown, **given.get("attributes", {})}}
        elif unknown:
            errors += pipeline.status_errors(unknown)
        details = self.register_lead.check(given, *errors)
        return Candidate(details, replace(state, status=status), unknown, merge_attributes)

    def __call__(
        self,
        work: UnitOfWork,
        candidates: Sequence[Candidate],
        *,
        actor: str,
        on_duplicate: OnDuplicate = OnDuplicate.ERROR,
        rules: bool = False,
        dry_run: DryRun | None = None,
    ) -> list[ImportResult]:
        """Return the result of each candidate, in order; with a `dry_run`, store nothing.

        Follow-up rules start for new leads only if `rules` asks for it.
        """
        if dry_run is not None:
            return [self._try_out(work, candidate, on_duplicate, dry_run) for candidate in candidates]
        now = self.register_lead.clock.now()
        outcomes: list[ImportResult] = [Outcome.CREATED] * len(candidates)
        rows = [
            _Row(place, each, self.register_lead.newcomer(each.details, now, each.state, rules=rules))
            for place, each in enumerate(candidates)
        ]
        # All imports touch leads in the same order: no two wait for each other. The sort keeps that of one lead's rows.
        rows.sort(key=lambda row: row.key)
        for row, duplicate in self._keep(work, rows, now, actor):
            outcomes[row.place] = self._meet(work, row, duplicate, now, actor, on_duplicate)
        return outcomes

    def _keep(
        self, work: UnitOfWork, rows: Sequence[_Row], now: datetime, actor: str
    ) -> list[tuple[_Row, DuplicateLead]]:
        """Store all new leads by one call of the store; return the other rows with their duplicates."""
        timeline: list[TimelineEntry] = []
        met: list[tuple[_Row, DuplicateLead]] = []
        holders = work.leads.add_many([row.newcomer.lead for row in rows])
        for row, holder in zip(rows, holders, strict=True):
            lead, events, follow_ups = row.newcomer
            if holder == lead.id:
                for follow_up in follow_ups:
                    work.follow_ups.add(follow_up)
                timeline += make_entries(holder, events, at=now, actor=actor, ids=self.register_lead.ids)
            else:
                met.append((row, DuplicateLead(holder)))
        work.timeline.add(timeline)
        return met

    def _meet(
        self,
        work: UnitOfWork,
        row: _Row,
        duplicate: DuplicateLead,
        now: datetime,
        actor: str,
        on_duplicate: OnDuplicate,
    ) -> ImportResult:
        register, (_, candidate, newcomer) = self.register_lead, row
        details, merge = candidate.details, candidate.merge_attributes
        try:
            met = register.met(
                work, duplicate, details, now, actor=actor, on_duplicate=on_duplicate, merge_attributes=merge
            )
            if met is None:
                met = register.keep(work, newcomer, details, now, actor=actor, on_duplicate=on_duplicate)
        except (DuplicateLead, ValidationFailed) as refusal:
            return refusal
        return met.outcome

    def _try_out(
        self, work: UnitOfWork, candidate: Candidate, on_duplicate: OnDuplicate, dry_run: DryRun
    ) -> ImportResult:
        """Return the result that the candidate would have if the leads of the dry run were stored."""
        register = self.register_lead
        details = candidate.details
        tried = dry_run.find(details["email"].key)
        existing = work.leads.find_by_email(details["email"].key)
        if tried is None and existing is None:
            lead, _ = Lead.register(LeadId(""), details, register.pipeline, register.clock.now(), candidate.state)
            dry_run.store(lead)
            return Outcome.CREATED
        if on_duplicate is OnDuplicate.ERROR:
            return DuplicateLead(existing)
        if on_duplicate is OnDuplicate.RETURN:
            return Outcome.UNCHANGED
        lead = tried or work.leads.get(cast(LeadId, existing))
        try:
            changed, events = lead.change(details, merge_attributes=candidate.merge_attributes)
        except ValidationFailed as refusal:
            return refusal
        if not events:
            return Outcome.UNCHANGED
        dry_run.store(changed)
        return Outcome.UPDATED
