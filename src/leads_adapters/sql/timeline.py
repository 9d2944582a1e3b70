"""Store the timeline in SQL.

`seq` is the order in which entries are written. PostgreSQL may commit them in another order: an entry can become
visible after later ones, and a client of the feed would miss it. Therefore only committed entries get a feed position
(`position`). One transaction at a time assigns positions, and locks the row of `feed` until it ends: a client that sees
a position also sees all smaller ones. SQLite does the same, so cursors stay valid when a database is copied.
See docs/decisions/0018-feed.md.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Executable, Select, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import feed, timeline
from leads_domain.events import EventType, TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import PAGE_BYTES_MAX, Page

_EVENT_COLUMNS = [column for column in timeline.columns if column.name not in ("seq", "position")]
_DATA = 1 + _EVENT_COLUMNS.index(timeline.c.data)
_ADD = insert(timeline).values({column.name: bindparam(column.name) for column in _EVENT_COLUMNS})

_IN_FEED = (
    select(timeline.c.position, *_EVENT_COLUMNS)
    .where(timeline.c.position > bindparam("after"))
    .order_by(timeline.c.position)
    .limit(bindparam("limit"))
)
_COUNT_OF_LEAD = select(func.count()).select_from(timeline).where(timeline.c.lead_id == bindparam("lead_id"))
_LAST_TIME = (
    select(timeline.c.at)
    .where(timeline.c.lead_id == bindparam("lead_id"))
    .order_by(timeline.c.seq.desc())
    .limit(literal_column("1"))
)
_MOVE = update(timeline).where(timeline.c.lead_id == bindparam("from_lead")).values(lead_id=bindparam("to_lead"))
_ERASE = delete(timeline).where(timeline.c.lead_id == bindparam("lead"), timeline.c.id != bindparam("tombstone"))
_LAST_POSITION = select(func.max(timeline.c.position)).where(timeline.c.position.is_not(None))
_FIRST_UNPUBLISHED = select(timeline.c.seq).where(timeline.c.position.is_(None)).limit(literal_column("1"))
_UNPUBLISHED = (
    select(timeline.c.seq, func.row_number().over(order_by=timeline.c.seq).label("number"))
    .where(timeline.c.position.is_(None))
    .order_by(timeline.c.seq)
    .limit(bindparam("limit"))
    .subquery("unpublished")
)
_PUBLISH = (
    update(timeline)
    .where(timeline.c.seq == _UNPUBLISHED.c.seq)
    .values(position=bindparam("last_position", type_=timeline.c.position.type) + _UNPUBLISHED.c.number)
)


def _take_positions(insert: Any) -> Executable:
    """Return a statement that reserves `taken` feed positions and returns the last one."""
    taken = bindparam("taken", type_=feed.c.last_position.type)
    return (  # type: ignore[no-any-return]
        insert(feed)
        .values(id=literal_column("1"), last_position=taken)
        .on_conflict_do_update(index_elements=["id"], set_={"last_position": feed.c.last_position + taken})
        .returning(feed.c.last_position)
    )


_TAKE_POSITIONS = {"sqlite": _take_positions(sqlite.insert), "postgresql": _take_positions(postgresql.insert)}


class SqlTimeline:
    """Stores timeline entries in the table `timeline`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """See `Timeline.add`."""
        self._runner.change_many(_ADD, [_row(entry) for entry in entries])

    def of_lead(
        self, lead_id: LeadId, *, before: int | None, limit: int, bytes_max: int = PAGE_BYTES_MAX
    ) -> Page[TimelineEntry, int]:
        """See `Timeline.of_lead`."""
        values = {"lead_id": lead_id} if before is None else {"lead_id": lead_id, "before": before}
        statement = _page_of_lead(before is not None)
        found = self._runner.page(statement, values, large=_DATA, limit=limit, bytes_max=bytes_max)
        return Page([*map(_entry, found.items)], found.items[-1][0] if found.has_more else None, found.is_cut)

    def count_of_lead(self, lead_id: LeadId) -> int:
        """See `Timeline.count_of_lead`."""
        ((number,),) = self._runner.all(_COUNT_OF_LEAD, lead_id=lead_id)
        return int(number)

    def last_time(self, lead_id: LeadId) -> datetime | None:
        """See `Timeline.last_time`."""
        row = self._runner.first(_LAST_TIME, lead_id=lead_id)
        return row[0] if row else None

    def in_feed(self, *, after: int | None, limit: int, bytes_max: int = PAGE_BYTES_MAX) -> Page[TimelineEntry, int]:
        """See `Timeline.in_feed`."""
        found = self._runner.page(_IN_FEED, {"after": after or 0}, large=_DATA, limit=limit, bytes_max=bytes_max)
        return Page([*map(_entry, found.items)], found.items[-1][0] if found.items else None, found.is_cut)

    def has_unpublished(self) -> bool:
        """See `Timeline.has_unpublished`."""
        return self._runner.first(_FIRST_UNPUBLISHED) is not None

    def publish(self, limit: int) -> int:
        """See `Timeline.publish`. The first statement waits for the lock; the second sees all commits before that."""
        ((last_position,),) = self._runner.all(_TAKE_POSITIONS[self._runner.dialect], taken=limit)
        return self._runner.change(_PUBLISH, last_position=last_position - limit, limit=limit)

    def last_position(self) -> int:
        """See `Timeline.last_position`."""
        ((last_position,),) = self._runner.all(_LAST_POSITION)
        return last_position or 0

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `Timeline.move`."""
        self._runner.change(_MOVE, from_lead=from_lead, to_lead=to_lead)

    def erase(self, tombstone: TimelineEntry) -> None:
        """See `Timeline.erase`. Add the tombstone first: SQLite reuses the highest `seq` once its row is deleted."""
        self.add([tombstone])
        self._runner.change(_ERASE, lead=tombstone.lead_id, tombstone=tombstone.id)


@lru_cache
def _page_of_lead(continued: bool) -> Select[Any]:
    statement = select(timeline.c.seq, *_EVENT_COLUMNS).where(timeline.c.lead_id == bindparam("lead_id"))
    if continued:
        statement = statement.where(timeline.c.seq < bindparam("before"))
    return statement.order_by(timeline.c.seq.desc()).limit(bindparam("limit"))


def _row(entry: TimelineEntry) -> dict[str, Any]:
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
