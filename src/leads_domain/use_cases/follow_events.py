"""Read the feed of all leads' events page by page, without missing or repeating any.

New entries are unpublished: they get their feed positions when a client reaches the end of the feed. Only then is
reading a change.
"""

from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_DEFAULT, LIMIT_MAX, Page
from leads_domain.ports import UnitOfWork

PUBLISH_BATCH_SIZE = LIMIT_MAX
"""How many entries are published in one unit of work: enough for a page, and no more, because others wait for it."""

SKIP_BATCH_SIZE = 1_000
"""The same for entries that the client skips."""


def read_events(
    work: UnitOfWork, *, after: int | None = None, limit: int = LIMIT_DEFAULT
) -> Page[TimelineEntry, int] | None:
    """Return a page of the feed, oldest first; None if `publish_events` must publish entries for it first."""
    page = work.timeline.in_feed(after=after, limit=limit)
    if len(page.items) < limit and work.timeline.has_unpublished():
        return None
    return page


def publish_events(
    work: UnitOfWork, *, after: int | None = None, limit: int = LIMIT_DEFAULT
) -> Page[TimelineEntry, int]:
    """Publish new entries, and return the page with them."""
    work.timeline.publish(PUBLISH_BATCH_SIZE)
    return work.timeline.in_feed(after=after, limit=limit)


def find_end(work: UnitOfWork) -> int | None:
    """Return the last feed position; None if more entries are unpublished than can be published at once: run again."""
    if work.timeline.has_unpublished() and work.timeline.publish(SKIP_BATCH_SIZE) == SKIP_BATCH_SIZE:
        return None
    return work.timeline.last_position()
