"""Compute reports in SQL. Each one scans all leads, or an index of all of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    collate,
    false,
    func,
    join,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects import postgresql

from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import IS_ENQUIRY, follow_ups, leads, timeline
from leads_domain.follow_up import FollowUpState
from leads_domain.pipeline import Status
from leads_domain.statistics import SourceCount

_BY_STATUS = select(leads.c.status, func.count()).group_by(leads.c.status)
_OVERDUE = select(func.count()).where(
    follow_ups.c.state == FollowUpState.SCHEDULED.value, follow_ups.c.due_at < bindparam("now")
)

_0, _1 = literal_column("0", Integer).label("enquiries"), literal_column("1", Integer)
_ENQUIRIES = select(func.count()).select_from(timeline).where(IS_ENQUIRY)


class SqlReports:
    """Computes reports with aggregate queries."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def leads_by_status(self) -> Mapping[Status, int]:
        """See `Reports.leads_by_status`."""
        return dict(row for row in self._runner.all(_BY_STATUS))

    def counts_by_source(self, won: Collection[Status], *, limit: int) -> Sequence[SourceCount]:
        """See `Reports.counts_by_source`."""
        statement = _by_source(self._runner.dialect, len(won))
        parameters = {f"won_{number}": status for number, status in enumerate(won)}
        return [SourceCount(*row) for row in self._runner.all(statement, limit=limit, **parameters)]

    def enquiries(self) -> int:
        """See `Reports.enquiries`."""
        ((number,),) = self._runner.all(_ENQUIRIES)
        return int(number)

    def median_time_to_first_contact(self) -> timedelta | None:
        """See `Reports.median_time_to_first_contact`."""
        times = [time for (time,) in self._runner.all(_MEDIAN_TIMES[self._runner.dialect])]
        if self._runner.dialect == "sqlite":
            times = [timedelta(microseconds=time) for time in times]
        return sum(times, timedelta()) / len(times) if times else None

    def overdue_follow_ups(self, now: datetime) -> int:
        """See `Reports.overdue_follow_ups`."""
        ((number,),) = self._runner.all(_OVERDUE, now=now)
        return int(number)


@cache
def _by_source(dialect: str, won: int) -> Select[Any]:
    is_won = or_(false(), *(leads.c.status == bindparam(f"won_{number}") for number in range(won)))
    conversions = func.sum(case((is_won, 1), else_=0))
    by_source = select(leads.c.source, func.count().label("leads"), conversions.label("conversions"), _0)
    counts = union_all(by_source.group_by(leads.c.source), _enquiries(dialect)).subquery()
    sums = [cast(func.sum(each), Integer) for each in (counts.c.leads, counts.c.conversions, counts.c.enquiries)]
    # Sort by code point, as everywhere: the collation of a PostgreSQL database may differ.
    name = collate(counts.c.source, "C") if dialect == "postgresql" else counts.c.source
    return (
        select(counts.c.source, *sums)
        .group_by(counts.c.source)
        .order_by(sums[0].desc(), counts.c.source.is_not(None), name)
        .limit(bindparam("limit"))
    )


def _enquiries(dialect: str) -> Select[Any]:
    """Select the source, no leads, no conversions and one enquiry for each enquiry."""
    own_source = (
        func.json_extract(timeline.c.data, "$.source")
        if dialect == "sqlite"
        else cast(timeline.c.data, postgresql.JSON)["source"].astext
    )
    joined = join(timeline, leads, timeline.c.lead_id == leads.c.id)
    return select(func.coalesce(own_source, leads.c.source), _0, _0, _1).select_from(joined).where(IS_ENQUIRY)


def _median_times(time: ColumnElement[Any]) -> Select[Any]:
    """Select the middle time, or the two middle times, of all contacted leads."""
    times = select(time.label("time")).where(leads.c.contacted_at.is_not(None)).cte("times")
    number = select(func.count()).select_from(times).scalar_subquery()
    return select(times.c.time).order_by(times.c.time).limit(2 - number % 2).offset((number - 1) // 2)


def _microseconds(at: ColumnElement[Any]) -> ColumnElement[int]:
    """Convert a time to microseconds. SQLite's own functions have a resolution of milliseconds."""
    seconds = cast(func.unixepoch(func.substr(at, 1, 19)), Integer)
    return seconds * 1_000_000 + cast(func.substr(at, 21, 6), Integer)


_CONTACTED_AT = case((leads.c.contacted_at < leads.c.created_at, leads.c.created_at), else_=leads.c.contacted_at)
_MEDIAN_TIMES = {
    "sqlite": _median_times(_microseconds(_CONTACTED_AT) - _microseconds(leads.c.created_at)),
    "postgresql": _median_times(type_coerce(_CONTACTED_AT.op("-")(leads.c.created_at), postgresql.INTERVAL)),
}
