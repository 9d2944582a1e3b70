"""Find possible duplicates of a lead, and remember which ones are different people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_id, missing_fields
from leads_domain.errors import ValidationFailed
from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.similarity import SimilarLead, rank
from leads_domain.use_cases.lock_pair import lock_pair

CANDIDATES_MAX = 100
"""The maximum number of leads that are compared for each reason."""


class DistinctInput(TypedDict, total=False):
    """The other lead as a client names it."""

    lead_id: LeadId


def check_distinct(values: DistinctInput) -> DistinctInput:
    """Return the validated input; raises `ValidationFailed`."""
    return check_fields(values, _RULES, None, *missing_fields(values, "lead_id"))


def find_similar_leads(work: UnitOfWork, id: LeadId) -> Sequence[SimilarLead]:
    """Return the leads that may be the same person as this one, best first; raises `NotFound`."""
    lead = work.leads.get(id)
    return rank(lead, work.similar_leads.find(lead, CANDIDATES_MAX))


def mark_distinct(work: UnitOfWork, id: LeadId, values: DistinctInput) -> Lead:
    """Store that two leads are different people, and return the first one. Repeating it has no effect.

    Raises `NotFound` for the first lead, and `ValidationFailed` if the other one does not exist or was merged.
    """
    other_id = check_distinct(values)["lead_id"]
    if other_id == id:
        raise ValidationFailed.because("A lead cannot be distinct from itself.", "/lead_id")
    lead, other = lock_pair(work, id, other_id)
    if not isinstance(other, Lead):
        raise ValidationFailed.because(str(other), "/lead_id")
    work.similar_leads.add_distinct(id, other_id)
    return lead


_RULES: Mapping[str, Callable[[Any, None], object]] = {"lead_id": lambda text, _: LeadId(check_id(text))}
