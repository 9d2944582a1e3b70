"""Somebody who follows the feed on a database."""

from dataclasses import dataclass, field

from databases import RunningDatabase
from leads_adapters.database import Database
from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_MAX, Page
from leads_domain.use_cases.follow_events import publish_events, read_events


async def events(database: Database, after: int | None, limit: int) -> Page[TimelineEntry, int]:
    """A page of the feed, as the service asks for it."""
    page = await database.read(read_events, after=after, limit=limit)
    return page if page is not None else await database.write(publish_events, after=after, limit=limit)


@dataclass
class FeedReader:
    """Remembers what it has seen, and after which place it goes on."""

    seen: list[TimelineEntry] = field(default_factory=list)
    after: int | None = None

    async def read_page(self, database: Database, limit: int) -> bool:
        """Read one page; whether there was anything on it."""
        page = await events(database, self.after, limit)
        assert len(page.items) <= limit
        assert (page.next is None) == (not page.items)
        self.seen += page.items
        self.after = page.next or self.after
        return bool(page.items)

    async def catch_up(self, database: Database, limit: int = LIMIT_MAX) -> None:
        """Read until there is nothing more."""
        while await self.read_page(database, limit):
            pass

    def follow(self, running: RunningDatabase, limit: int = LIMIT_MAX) -> list[TimelineEntry]:
        """Catch up, and tell everything that was seen so far."""
        running.run(self.catch_up(running.database, limit))
        return self.seen
