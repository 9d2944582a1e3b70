"""Find leads."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_time
from leads_domain.errors import ValidationFailed
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_DEFAULT, LeadQuery, LeadSort
from leads_domain.pipeline import Pipeline, Status
from leads_domain.ports import UnitOfWork
from leads_domain.search import query_words
from leads_domain.sources import Clock, Normalizer

Q_MAX = 200
WORDS_MAX = 20

_Meant = Mapping[str, object]
"""The members of `LeadQuery` that a filter sets."""


class FollowedUp(StrEnum):
    """Filters by a lead's follow-ups: one is scheduled, one is overdue, or none is scheduled."""

    OVERDUE = "overdue"
    SCHEDULED = "scheduled"
    NONE = "none"


class FiltersInput(TypedDict, total=False):
    """The filters of a list as a client gives them. Filters can be left out."""

    status: Collection[Status]
    source: str
    owner: str
    email: str
    created_from: datetime
    created_to: datetime
    updated_from: datetime
    follow_up: FollowedUp
    q: str


def find_leads(work: UnitOfWork, ids: Collection[LeadId]) -> Mapping[LeadId, Lead]:
    """Return the existing leads with these ids."""
    return {lead.id: lead for lead in work.leads.get_many(ids)}


@dataclass(frozen=True, slots=True)
class BuildLeadQuery:
    """Turns a client's filters into a query for the store."""

    clock: Clock
    normalizer: Normalizer
    pipeline: Pipeline

    def __call__(
        self, filters: FiltersInput, *, sort: LeadSort = LeadSort.NEWEST_FIRST, limit: int = LIMIT_DEFAULT
    ) -> LeadQuery:
        """Return the query for the first page.

        Raises `ValidationFailed` with every filter that is invalid or that no lead can match.
        """
        members: dict[str, Any] = {}
        for meant in check_fields(filters, _RULES, self).values():
            members |= meant
        return LeadQuery(**members, sort=sort, limit=limit)


def _status(statuses: Collection[Status], ask: BuildLeadQuery) -> _Meant:
    known = tuple(dict.fromkeys(statuses))
    if errors := [error for status in known for error in ask.pipeline.status_errors(status)]:
        raise ValidationFailed(errors)
    return {"statuses": known}


def _source(source: str, _: BuildLeadQuery) -> _Meant:
    if not source:
        raise ValidationFailed.because("No source is empty.")
    return {"source": source}


def _follow_up(followed_up: FollowedUp, ask: BuildLeadQuery) -> _Meant:
    if followed_up is FollowedUp.OVERDUE:
        return {"has_follow_up": True, "follow_up_due_before": ask.clock.now()}
    return {"has_follow_up": followed_up is FollowedUp.SCHEDULED}


def _q(q: str, _: BuildLeadQuery) -> _Meant:
    if len(q) > Q_MAX:
        raise ValidationFailed.because(f"Search for at most {Q_MAX} characters; these are {len(q)}.")
    words = query_words(q)
    if len(words) > WORDS_MAX:
        raise ValidationFailed.because(f"Search for at most {WORDS_MAX} words; these are {len(words)}.")
    return {"words": words}


_RULES: Mapping[str, Callable[[Any, BuildLeadQuery], _Meant]] = {
    "status": _status,
    "source": _source,
    "owner": lambda address, ask: {"owner_key": ask.normalizer.email(address).key},
    "email": lambda address, ask: {"email_key": ask.normalizer.email(address).key},
    "created_from": lambda at, _: {"created_from": check_time(at)},
    "created_to": lambda at, _: {"created_to": check_time(at)},
    "updated_from": lambda at, _: {"updated_from": check_time(at)},
    "follow_up": _follow_up,
    "q": _q,
}
