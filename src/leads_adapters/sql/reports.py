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
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import INTERVAL

from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import follow_ups, leads
from leads_domain.follow_up import FollowUpState
from leads_domain.pipeline import Status
from leads_domain.statistics import SourceCount

_BY_STATUS = select(leads.c.status, func.count()).group_by(leads.c.status)
_OVERDUE = select(func.count()).where(
    follow_ups.c.state == FollowUpState.SCHEDULED.value, follow_ups.c.due_at < bindparam("now")
)


class SqlReports:
    """Computes reports with aggregate queries."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def leads_by_status(self) -> Mapping[Status, int]:
        """See `Reports.leads_by_status`."""
        return dict(row for row in self._runner.all(_BY_STATUS))

    def leads_by_source(self, won: Collection[Status], *, limit: int) -> Sequence[SourceCount]:
        """See `Reports.leads_by_source`."""
        statement = _by_source(self._runner.dialect, len(won))
        parameters = {f"won_{number}": status for number, status in enumerate(won)}
        return [SourceCount(*row) for row in self._runner.all(statement, limit=limit, **parameters)]

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
    # Sort by code point, as everywhere: the collation of a PostgreSQL database may differ.
    name = collate(leads.c.source, "C") if dialect == "postgresql" else leads.c.source
    return (
        select(leads.c.source, func.count(), func.sum(case((is_won, 1), else_=0)))
        .group_by(leads.c.source)
        .order_by(func.count().desc(), leads.c.source.is_not(None), name)
        .limit(bindparam("limit"))
    )


def _median_times(time: ColumnElement[Any]) -> Select[Any]:
    """Select the middle time, or the two middle times, of all contacted leads."""
    times = select(time.label("time")).where(leads.c.contacted_at.is_not(None)).cte("times")
    number = select(func.count()).select_from(times).scalar_subquery()
    return select(times.c.time).order_by(times.c.time).limit(2 - number % 2).offset((number - 1) // 2)


def _microseconds(at: ColumnElement[Any]) -> ColumnElement[int]:
    """Convert a time to microseconds. SQLite's own functions have a resolution of milliseconds."""
    seconds = cast(func.unixepoch(func.substr(at, 1, 19)), Integer)
    return seconds * 1_000_000 + cast(func.substr(at, 21, 6), Integer)


_MEDIAN_TIMES = {
    "sqlite": _median_times(_microseconds(leads.c.contacted_at) - _microseconds(leads.c.created_at)),
    "postgresql": _median_times(type_coerce(leads.c.contacted_at.op("-")(leads.c.created_at), INTERVAL)),
}
