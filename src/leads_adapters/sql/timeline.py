"""The timeline in its table."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, insert, select

from leads_adapters.sql.driver import Driver, Row
from leads_adapters.sql.tables import timeline
from leads_domain.events import EventType, TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import Page

_ADD = insert(timeline).values(
    {column.name: bindparam(column.name) for column in timeline.columns if column.name != "seq"}
)


class SqlTimeline:
    """Keeps what happened in the table `timeline`; `seq` is the order in which it was told."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """See `Timeline.add`."""
        self._driver.change_many(_ADD, [_told(entry) for entry in entries])

    def of_lead(self, lead_id: LeadId, *, before: int | None, limit: int) -> Page[TimelineEntry, int]:
        """See `Timeline.of_lead`."""
        position = {} if before is None else {"before": before}
        rows = self._driver.all(_page_of_lead(before is not None), lead_id=lead_id, limit=limit + 1, **position)
        shown = rows[:limit]
        return Page([_entry(row) for row in shown], shown[-1][0] if len(rows) > limit else None)


@lru_cache
def _page_of_lead(continued: bool) -> Select[Any]:
    statement = select(timeline).where(timeline.c.lead_id == bindparam("lead_id"))
    if continued:
        statement = statement.where(timeline.c.seq < bindparam("before"))
    return statement.order_by(timeline.c.seq.desc()).limit(bindparam("limit"))


def _told(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "lead_id": entry.lead_id,
        "type": entry.type.value,
        "at": entry.at,
        "actor": entry.actor,
        "data": msgspec.json.encode(entry.data).decode(),
    }


def _entry(row: Row) -> TimelineEntry:
    _, id, lead_id, type, at, actor, data = row
    return TimelineEntry(
        id=id, lead_id=lead_id, type=EventType(type), at=at, actor=actor, data=msgspec.json.decode(data)
    )
