"""Import leads in batches. An invalid lead does not stop the import."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol, cast

from leads_domain.contact import identity_of
from leads_domain.details import Details, DetailsInput
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.events import TimelineEntry, make_entries
from leads_domain.lead import ImportedState, Lead, LeadId
from leads_domain.lenient import OPTIONAL_FIELDS, add_attributes, check_leniently, put_on_one_line
from leads_domain.ports import UnitOfWork
from leads_domain.rules import Scheduled
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome, RegisterLead
from leads_domain.use_cases.store_scheduled import store_scheduled


class Candidate(NamedTuple):
    """The validated details and the imported state of a lead to import.

    `unknown_status` is the status in the file if the pipeline does not have it. With `merge_attributes`, an update does
    not remove other attributes of an existing lead. `warnings` counts wrong values that became attributes, and rows
    with attributes left out.
    """

    details: Details
    state: ImportedState | None = None
    unknown_status: str | None = None
    merge_attributes: bool = False
    warnings: int = 0


class DryRun(Protocol):
    """The leads that a dry run would have imported so far, for the next batches."""

    def find(self, identity: str) -> Lead | None:
        """Return the lead with this identity as the import would have stored it; None if there is none."""

    def store(self, lead: Lead) -> None:
        """Add a lead, or replace the lead with the same identity."""


_OWNER = frozenset(["owner"])
"""The field of which a wrong value never refuses a row: other programs have names of persons there."""

ImportResult = Outcome | DuplicateLead | ValidationFailed
"""The result of one candidate."""


class _Row(NamedTuple):
    """A candidate, its position in the batch, and its lead if it is new."""

    position: int
    candidate: Candidate
    new_lead: Scheduled
    has_turn: bool

    @property
    def identity(self) -> str:
        return self.new_lead.lead.identity


@dataclass(frozen=True, slots=True)
class ImportLeads:
    """Register a batch of leads in one unit of work.

    Call `check` for each lead before the unit of work, so that other writers do not wait for the validation.
    """

    register_lead: RegisterLead

    def check(
        self,
        values: DetailsInput,
        state: ImportedState | None = None,
        *,
        merge_attributes: bool = False,
        lenient: bool = False,
        warnings: int = 0,
    ) -> Candidate:
        """Return a candidate, with the status as the pipeline spells it; raises `ValidationFailed` with all errors.

        An unknown status, a wrong owner, and if `lenient` any wrong optional value become attributes (`as_given`).
        """
        errors, unknown = [], None
        if state is not None:
            errors = state.errors()
            status = self.register_lead.pipeline.find(state.status) if state.status else None
            unknown = state.status if status is None else None
            errors += (
                self.register_lead.pipeline.status_errors(unknown) if unknown and not state.status_attribute else ()
            )
            state = replace(state, status=status)
        given = put_on_one_line(values) if lenient else values
        if unknown and state and state.status_attribute:
            attributes, left_out = add_attributes(values.get("attributes", {}), {state.status_attribute: unknown})
            given, warnings = {**given, "attributes": attributes}, warnings + (left_out > 0)
        details, set_aside = check_leniently(
            given, lambda checked: self.register_lead.check(checked, *errors), OPTIONAL_FIELDS if lenient else _OWNER
        )
        merge_attributes = merge_attributes or "attributes" not in values
        return Candidate(details, state, unknown, merge_attributes, warnings + set_aside)

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
        """Return the result of each candidate, in order. With a `dry_run`, nothing is stored.

        The follow-up rules apply to new leads only if `rules` is true.
        """
        if dry_run is not None:
            return [self._dry_run(work, candidate, on_duplicate, dry_run) for candidate in candidates]
        now = self.register_lead.clock.now()
        results: list[ImportResult] = [Outcome.CREATED] * len(candidates)
        assigned = self.register_lead.assign(work, [each.details for each in candidates])
        rows = [
            _Row(position, each, self.register_lead.prepare(details, now, each.state, rules=rules), has_turn)
            for position, (each, (details, has_turn)) in enumerate(zip(candidates, assigned, strict=True))
        ]
        # All imports lock leads in the same order, so that they cannot deadlock. The sort is stable: rows of the same
        # lead stay in the order of the file.
        rows.sort(key=lambda row: row.identity)
        for row, duplicate in self._store_new(work, rows, now, actor):
            results[row.position] = self._resolve_duplicate(work, row, duplicate, now, actor, on_duplicate)
        unused = sum(row.has_turn and results[row.position] is not Outcome.CREATED for row in rows)
        if unused:
            work.turns.give_back(unused)
        return results

    def _store_new(
        self, work: UnitOfWork, rows: Sequence[_Row], now: datetime, actor: str
    ) -> list[tuple[_Row, DuplicateLead]]:
        """Store all new leads with one call of the store; return the other rows with their duplicates."""
        timeline: list[TimelineEntry] = []
        duplicates: list[tuple[_Row, DuplicateLead]] = []
        stored_ids = work.leads.add_many([row.new_lead.lead for row in rows])
        for row, stored_id in zip(rows, stored_ids, strict=True):
            new_lead = row.new_lead
            if stored_id == new_lead.lead.id:
                store_scheduled(work, new_lead)
                timeline += make_entries(stored_id, new_lead.events, at=now, actor=actor, ids=self.register_lead.ids)
            else:
                duplicates.append((row, DuplicateLead(stored_id)))
        work.timeline.add(timeline)
        return duplicates

    def _resolve_duplicate(
        self,
        work: UnitOfWork,
        row: _Row,
        duplicate: DuplicateLead,
        now: datetime,
        actor: str,
        on_duplicate: OnDuplicate,
    ) -> ImportResult:
        register, candidate, new_lead = self.register_lead, row.candidate, row.new_lead
        details, merge = candidate.details, candidate.merge_attributes
        try:
            registered = register.resolve_duplicate(
                work, duplicate, details, now, actor=actor, on_duplicate=on_duplicate, merge_attributes=merge
            )
            if registered is None:
                registered = register.store(work, new_lead, details, now, actor=actor, on_duplicate=on_duplicate)
        except (DuplicateLead, ValidationFailed) as error:
            return error
        return registered.outcome

    def _dry_run(
        self, work: UnitOfWork, candidate: Candidate, on_duplicate: OnDuplicate, dry_run: DryRun
    ) -> ImportResult:
        """Return the result that the candidate would have if the earlier leads of the dry run were stored."""
        register = self.register_lead
        details = candidate.details
        identity = identity_of(details.get("email"), details.get("phone"))
        planned = dry_run.find(identity)
        existing = work.leads.find_by_identity(identity)
        if planned is None and existing is None:
            lead, _ = Lead.register(LeadId(""), details, register.pipeline, register.clock.now(), candidate.state)
            dry_run.store(lead)
            return Outcome.CREATED
        if on_duplicate is OnDuplicate.ERROR:
            return DuplicateLead(existing)
        if on_duplicate is OnDuplicate.RETURN:
            return Outcome.UNCHANGED
        lead = planned or work.leads.get(cast(LeadId, existing))
        try:
            changed, events = lead.change(details, merge_attributes=candidate.merge_attributes)
        except ValidationFailed as error:
            return error
        if not events:
            return Outcome.UNCHANGED
        dry_run.store(changed)
        return Outcome.UPDATED
