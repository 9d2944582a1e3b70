"""Read the event feed of a database page by page, as a client does."""

from dataclasses import dataclass, field

from databases import RunningDatabase
from leads_adapters.database import Database
from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_MAX, Page
from leads_domain.use_cases.follow_events import publish_events, read_events


async def events(database: Database, after: int | None, limit: int) -> Page[TimelineEntry, int]:
    """Return a page of the feed, with the use cases that the service runs."""
    while (page := await database.read(read_events, after=after, limit=limit)) is None:
        await database.write(publish_events)
    return page


@dataclass
class FeedReader:
    """A client of the feed: the entries it has seen and its feed position."""

    seen: list[TimelineEntry] = field(default_factory=list)
    after: int | None = None

    async def read_page(self, database: Database, limit: int) -> bool:
        """Read one page and return True if it had entries."""
        page = await events(database, self.after, limit)
        assert len(page.items) <= limit
        assert (page.next is None) == (not page.items)
        self.seen += page.items
        self.after = page.next or self.after
        return bool(page.items)

    async def catch_up(self, database: Database, limit: int = LIMIT_MAX) -> None:
        """Read until a page is empty."""
        while await self.read_page(database, limit):
            pass

    def follow(self, running: RunningDatabase, limit: int = LIMIT_MAX) -> list[TimelineEntry]:
        """Catch up and return all entries seen so far."""
        running.run(self.catch_up(running.database, limit))
        return self.seen
