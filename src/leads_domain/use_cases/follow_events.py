"""Read the feed of the events of all leads, page by page, without skipping or repeating an event.

New entries are unpublished. They get their feed positions when a client reaches the end of the feed, so only that read
needs a write transaction.
"""

from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_DEFAULT, LIMIT_MAX, PAGE_BYTES_MAX, Page
from leads_domain.ports import UnitOfWork

PUBLISH_BATCH_SIZE = LIMIT_MAX
"""The maximum number of entries that a unit of work publishes: one page, because other writers wait for it."""

SKIP_BATCH_SIZE = 1_000
"""The maximum number of entries that a unit of work publishes if the client skips them."""


def read_events(
    work: UnitOfWork, *, after: int | None = None, limit: int = LIMIT_DEFAULT, bytes_max: int = PAGE_BYTES_MAX
) -> Page[TimelineEntry, int] | None:
    """Return a page of the feed, oldest first; None if entries must be published for it first (`publish_events`)."""
    page = work.timeline.in_feed(after=after, limit=limit, bytes_max=bytes_max)
    is_full = page.is_cut or len(page.items) == limit
    return page if is_full or not work.timeline.has_unpublished() else None


def publish_events(work: UnitOfWork) -> None:
    """Publish new entries. One call is enough for a page, unless other writers add some in the meantime."""
    work.timeline.publish(PUBLISH_BATCH_SIZE)


def find_end(work: UnitOfWork) -> int | None:
    """Publish all entries, and return the last feed position; None if some may be unpublished: call it again."""
    if work.timeline.has_unpublished() and work.timeline.publish(SKIP_BATCH_SIZE) == SKIP_BATCH_SIZE:
        return None
    return work.timeline.last_position()
