"""Find leads by their ids or by filters."""

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

_QueryFields = Mapping[str, object]
"""The fields of `LeadQuery` that a filter sets."""


class FollowedUp(StrEnum):
    """A filter for leads with an overdue follow-up or task, with a scheduled or open one, or with none."""

    OVERDUE = "overdue"
    SCHEDULED = "scheduled"
    NONE = "none"


class FiltersInput(TypedDict, total=False):
    """The filters of a list as a client sends them. All can be left out."""

    status: Collection[Status]
    source: str
    owner: str
    email: str
    do_not_contact: bool
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
    """Build a query for the store from the filters of a client."""

    clock: Clock
    normalizer: Normalizer
    pipeline: Pipeline

    def __call__(
        self, filters: FiltersInput, *, sort: LeadSort = LeadSort.NEWEST_FIRST, limit: int = LIMIT_DEFAULT
    ) -> LeadQuery:
        """Return the query for the first page.

        Raises `ValidationFailed` with the errors of all filters that are invalid or that no lead can match.
        """
        checked: Mapping[str, Any] = check_fields(filters, _RULES, self)
        fields: dict[str, Any] = {}
        for filter_fields in checked.values():
            fields |= filter_fields
        return LeadQuery(**fields, sort=sort, limit=limit)


def _status(statuses: Collection[Status], build: BuildLeadQuery) -> _QueryFields:
    unique = tuple(dict.fromkeys(statuses))
    if errors := [error for status in unique for error in build.pipeline.status_errors(status)]:
        raise ValidationFailed(errors)
    return {"statuses": unique}


def _source(source: str, _: BuildLeadQuery) -> _QueryFields:
    if not source:
        raise ValidationFailed.because("Must not be empty.")
    return {"source": source}


def _follow_up(followed_up: FollowedUp, build: BuildLeadQuery) -> _QueryFields:
    if followed_up is FollowedUp.OVERDUE:
        return {"has_follow_up": True, "follow_up_due_before": build.clock.now()}
    return {"has_follow_up": followed_up is FollowedUp.SCHEDULED}


def _q(q: str, _: BuildLeadQuery) -> _QueryFields:
    if len(q) > Q_MAX:
        raise ValidationFailed.because(f"Must have at most {Q_MAX} characters, but has {len(q)}.")
    words = query_words(q)
    if len(words) > WORDS_MAX:
        raise ValidationFailed.because(f"Must have at most {WORDS_MAX} words, but has {len(words)}.")
    return {"words": words}


_RULES: Mapping[str, Callable[[Any, BuildLeadQuery], _QueryFields]] = {
    "status": _status,
    "source": _source,
    "owner": lambda address, build: {"owner_key": build.normalizer.email(address).key},
    "email": lambda address, build: {"email_key": build.normalizer.email(address).key},
    "do_not_contact": lambda do_not_contact, _: {"do_not_contact": do_not_contact},
    "created_from": lambda at, _: {"created_from": check_time(at)},
    "created_to": lambda at, _: {"created_to": check_time(at)},
    "updated_from": lambda at, _: {"updated_from": check_time(at)},
    "follow_up": _follow_up,
    "q": _q,
}
