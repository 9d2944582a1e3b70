"""Follow what happens to all leads, page by page, without missing or repeating anything.

New entries have no place in the feed; whoever comes to its end gives them one. To come to the end is thus a change if
there is something new, and everything else is only a read.
"""

from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_DEFAULT, LIMIT_MAX, Page
from leads_domain.ports import UnitOfWork

PLACED_AT_ONCE = LIMIT_MAX
"""How many entries get a place in one unit of work: enough for a page, and no more, because others wait for it."""

PASSED_AT_ONCE = 1_000
"""The same for entries that the client skips."""


def read_events(
    work: UnitOfWork, *, after: int | None = None, limit: int = LIMIT_DEFAULT
) -> Page[TimelineEntry, int] | None:
    """A page of the feed, oldest first; None if entries need a place to be on it: `place_events` answers it then."""
    page = work.timeline.in_feed(after=after, limit=limit)
    if len(page.items) < limit and work.timeline.has_unplaced():
        return None
    return page


def place_events(work: UnitOfWork, *, after: int | None = None, limit: int = LIMIT_DEFAULT) -> Page[TimelineEntry, int]:
    """The same page, with new entries."""
    work.timeline.place(PLACED_AT_ONCE)
    return work.timeline.in_feed(after=after, limit=limit)


def find_end(work: UnitOfWork) -> int | None:
    """Return the last place in the feed; None if there are more new entries than can be placed at once: run again."""
    if work.timeline.has_unplaced() and work.timeline.place(PASSED_AT_ONCE) == PASSED_AT_ONCE:
        return None
    return work.timeline.last_place()
