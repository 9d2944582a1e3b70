"""Questions that are answered page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from leads_domain.follow_up import FollowUpState
from leads_domain.lead import LeadId
from leads_domain.pipeline import Status
from leads_domain.search import name_key

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
    """The orders in which leads can be listed: by a member, and within it by id; the one with a minus backwards.

    Names are ordered by `name_key`. Leads that nobody is to follow up come last.
    """

    OLDEST_FIRST = "created_at"
    NEWEST_FIRST = "-created_at"
    LONGEST_UNCHANGED_FIRST = "updated_at"
    LATEST_CHANGED_FIRST = "-updated_at"
    BY_NAME = "name"
    NEXT_FOLLOW_UP_FIRST = "next_follow_up_at"

    @property
    def field(self) -> str:
        """The member of a lead that decides."""
        return self.value.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.value.startswith("-")

    def position(self, lead: Any) -> "LeadPosition":
        """Where a lead, or whatever has the members of one that decide, stands in this order."""
        value = getattr(lead, self.field)
        return LeadPosition(name_key(value) if self is LeadSort.BY_NAME else value, lead.id)


@dataclass(frozen=True, slots=True)
class LeadPosition:
    """A place in a list of leads: the value by which it is ordered, and the id."""

    value: datetime | str | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuery:
    """Which leads, in which order, after which position, and how many at the most; what is None or empty means any.

    Keys are canonical addresses. Times from which on count include that very moment, those up to which exclude it.
    `follow_up_due_before` asks for leads that have a scheduled follow-up due before that moment. Of each tuple of
    `words` (`query_words`), one begins a word of the lead (`lead_words`).
    """

    statuses: tuple[Status, ...] = ()
    source: str | None = None
    owner_key: str | None = None
    email_key: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    has_follow_up: bool | None = None
    follow_up_due_before: datetime | None = None
    words: tuple[tuple[str, ...], ...] = ()
    sort: LeadSort = LeadSort.NEWEST_FIRST
    after: LeadPosition | None = None
    limit: int = LIMIT_DEFAULT

    @property
    def has_filters(self) -> bool:
        """Return whether it asks for some of all leads, so that finding a page may take milliseconds."""
        return self != LeadQuery(sort=self.sort, after=self.after, limit=self.limit)


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
