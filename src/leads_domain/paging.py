"""Queries that return pages, with keyset pagination."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from leads_domain.follow_up import FollowUpState
from leads_domain.lead import LeadId
from leads_domain.pipeline import Status
from leads_domain.search import name_key
from leads_domain.submission import SubmissionState
from leads_domain.task import TaskId, TaskState

LIMIT_DEFAULT = 50
LIMIT_MAX = 200

PAGE_BYTES_MAX = 8 * 2**20
"""The size of a page: it ends before the item that would exceed it, but has at least one item."""

ItemT = TypeVar("ItemT")
PositionT = TypeVar("PositionT")


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT, PositionT]):
    """A page of a list, and the position after which the next page starts; None on the last page.

    `is_cut` means that the size of the items ended the page, and not their number.
    """

    items: Sequence[ItemT]
    next: PositionT | None
    is_cut: bool = False


def all_items(read_page: Callable[[PositionT | None], Page[ItemT, PositionT]]) -> Iterator[ItemT]:
    """Yield the items of all pages."""
    position: PositionT | None = None
    while True:
        page = read_page(position)
        yield from page.items
        position = page.next
        if position is None:
            return


class Cut(NamedTuple, Generic[ItemT]):
    """The items of a page, whether more follow, and whether their size ended the page (`Page.is_cut`)."""

    items: list[ItemT]
    has_more: bool
    is_cut: bool


def cut(found: Iterable[tuple[ItemT, int]], *, limit: int, bytes_max: int) -> Cut[ItemT]:
    """Return the first of the items that are found with their sizes: as many as fit on a page. Read one more."""
    items: list[ItemT] = []
    for item, size in found:
        bytes_max -= size
        if len(items) == limit or (items and bytes_max < 0):
            return Cut(items, has_more=True, is_cut=len(items) < limit)
        items.append(item)
    return Cut(items, has_more=False, is_cut=False)


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a list that is ordered by time, then by id."""

    at: datetime
    id: str


class LeadSort(StrEnum):
    """The order of a list of leads: by a field, then by id. A minus means descending.

    Names are compared without case and accents. Leads without a scheduled follow-up or an open
    task come last.
    """

    OLDEST_FIRST = "created_at"
    NEWEST_FIRST = "-created_at"
    LONGEST_UNCHANGED_FIRST = "updated_at"
    LATEST_CHANGED_FIRST = "-updated_at"
    BY_NAME = "name"
    NEXT_FOLLOW_UP_FIRST = "next_follow_up_at"

    @property
    def field(self) -> str:
        """Return the field that the list is ordered by."""
        return self.value.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Return whether the greatest value comes first."""
        return self.value.startswith("-")

    def position(self, lead: Any) -> "LeadPosition":
        """Return the position of a lead, or of an object with the same `field` and `id`, in this order."""
        value = getattr(lead, self.field)
        return LeadPosition(name_key(value) if self is LeadSort.BY_NAME else value, lead.id)


@dataclass(frozen=True, slots=True)
class LeadPosition:
    """A position in a list of leads: the value of the field that it is ordered by, and the id."""

    value: datetime | str | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuery:
    """The filters, order, start and size of a page of leads. None or an empty tuple means no filter.

    Keys are canonical addresses. Lower limits of times are inclusive, upper limits exclusive. `follow_up_due_before`
    matches leads that have a scheduled follow-up or an open task due before that time. `words` come from `query_words`:
    a lead matches if each tuple has a word that begins one of its `lead_words`.
    """

    statuses: tuple[Status, ...] = ()
    source: str | None = None
    owner_key: str | None = None
    email_key: str | None = None
    do_not_contact: bool | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    has_follow_up: bool | None = None
    follow_up_due_before: datetime | None = None
    words: tuple[tuple[str, ...], ...] = ()
    sort: LeadSort = LeadSort.NEWEST_FIRST
    after: LeadPosition | None = None
    limit: int = LIMIT_DEFAULT
    bytes_max: int = PAGE_BYTES_MAX

    @property
    def has_filters(self) -> bool:
        """Return whether the query has a filter. Filtered queries can be slow."""
        return self != LeadQuery(sort=self.sort, after=self.after, limit=self.limit, bytes_max=self.bytes_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpQuery:
    """The filters, start and size of a page of follow-ups. None or an empty tuple means no filter.

    The list is ordered by due time, then by id. `due_before` is exclusive.
    """

    lead_id: LeadId | None = None
    states: tuple[FollowUpState, ...] = ()
    channel: str | None = None
    task_id: TaskId | None = None
    due_before: datetime | None = None
    after: Position | None = None
    limit: int = LIMIT_DEFAULT
    bytes_max: int = PAGE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """The filters, start and size of a page of tasks. None or an empty tuple means no filter.

    The list is ordered by due time, then by id. `due_from` is inclusive, `due_before` exclusive.
    """

    lead_id: LeadId | None = None
    states: tuple[TaskState, ...] = ()
    assignee_key: str | None = None
    due_from: datetime | None = None
    due_before: datetime | None = None
    after: Position | None = None
    limit: int = LIMIT_DEFAULT
    bytes_max: int = PAGE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionQuery:
    """The filters, start and size of a page of submissions. None or an empty tuple means no filter.

    The list is ordered by the time of receipt, then by id, newest first.
    """

    lead_id: LeadId | None = None
    states: tuple[SubmissionState, ...] = ()
    origin: str | None = None
    after: Position | None = None
    limit: int = LIMIT_DEFAULT
    bytes_max: int = PAGE_BYTES_MAX
