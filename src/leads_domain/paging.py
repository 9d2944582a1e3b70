"""Questions that are answered page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from leads_domain.follow_up import FollowUpState
from leads_domain.lead import LeadId
from leads_domain.pipeline import Status

LIMIT_DEFAULT = 50
LIMIT_MAX = 200

Item = TypeVar("Item")
At = TypeVar("At")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item, At]):
    """Some items in order, and where the next page starts (after that position); None after the last."""

    items: Sequence[Item]
    next: At | None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list that is ordered by a time and, within it, by id."""

    at: datetime
    id: str


class LeadSort(StrEnum):
    """The orders in which leads can be listed."""

    OLDEST_FIRST = "created_at"
    NEWEST_FIRST = "-created_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuery:
    """Which leads, in which order, after which position, and how many at the most.

    `statuses` empty means any; `email_key` is a canonical address.
    """

    statuses: tuple[Status, ...] = ()
    email_key: str | None = None
    sort: LeadSort = LeadSort.NEWEST_FIRST
    after: Position | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpQuery:
    """Which follow-ups, after which position, and how many at the most; what is None or empty means any.

    They come by due time, then id. `due_before` excludes that very moment.
    """

    lead_id: LeadId | None = None
    states: tuple[FollowUpState, ...] = ()
    channel: str | None = None
    due_before: datetime | None = None
    after: Position | None = None
    limit: int = LIMIT_DEFAULT
