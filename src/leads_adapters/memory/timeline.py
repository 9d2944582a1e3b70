"""Store timeline entries in a list."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from leads_adapters.memory.sizes import json_size
from leads_domain.events import TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import PAGE_BYTES_MAX, Page, cut


class MemoryTimeline:
    """A list of timeline entries, and a dictionary of their feed positions."""

    def __init__(self, stored: list[TimelineEntry], positions: dict[str, int]) -> None:
        self._stored = stored
        self._positions = positions

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """See `Timeline.add`."""
        self._stored.extend(entries)

    def of_lead(
        self, lead_id: LeadId, *, before: int | None, limit: int, bytes_max: int = PAGE_BYTES_MAX
    ) -> Page[TimelineEntry, int]:
        """See `Timeline.of_lead`. A position is an index of the list."""
        indexes = range(len(self._stored) if before is None else before)
        matching = [index for index in reversed(indexes) if self._stored[index].lead_id == lead_id]
        sized = ((index, json_size(self._stored[index].data)) for index in matching)
        page = cut(sized, limit=limit, bytes_max=bytes_max)
        next = page.items[-1] if page.has_more else None
        return Page([self._stored[index] for index in page.items], next, page.is_cut)

    def count_of_lead(self, lead_id: LeadId) -> int:
        """See `Timeline.count_of_lead`."""
        return sum(entry.lead_id == lead_id for entry in self._stored)

    def last_time(self, lead_id: LeadId) -> datetime | None:
        """See `Timeline.last_time`."""
        return next((entry.at for entry in reversed(self._stored) if entry.lead_id == lead_id), None)

    def in_feed(self, *, after: int | None, limit: int, bytes_max: int = PAGE_BYTES_MAX) -> Page[TimelineEntry, int]:
        """See `Timeline.in_feed`."""
        found = [entry for entry in self._stored if self._positions.get(entry.id, 0) > (after or 0)]
        page = cut(((entry, json_size(entry.data)) for entry in found), limit=limit, bytes_max=bytes_max)
        return Page(page.items, self._positions[page.items[-1].id] if page.items else None, page.is_cut)

    def has_unpublished(self) -> bool:
        """See `Timeline.has_unpublished`."""
        return any(entry.id not in self._positions for entry in self._stored)

    def publish(self, limit: int) -> int:
        """See `Timeline.publish`. The positions of erased entries are not used again."""
        unpublished = [entry for entry in self._stored if entry.id not in self._positions][:limit]
        for entry in unpublished:
            self._positions[entry.id] = len(self._positions) + 1
        return len(unpublished)

    def last_position(self) -> int:
        """See `Timeline.last_position`."""
        return len(self._positions)

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `Timeline.move`."""
        self._stored[:] = [
            replace(entry, lead_id=to_lead) if entry.lead_id == from_lead else entry for entry in self._stored
        ]

    def erase(self, tombstone: TimelineEntry) -> None:
        """See `Timeline.erase`."""
        self._stored[:] = [*(entry for entry in self._stored if entry.lead_id != tombstone.lead_id), tombstone]
