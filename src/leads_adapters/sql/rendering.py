"""Leads as the JSON that SQLite itself keeps of them, for whoever only passes them on.

SQLite writes it into the generated column `rendered` (migration 0002) whenever a row changes, so it is
never out of date. Measured: a page of 50 takes 0.03 ms this way, and 0.78 ms by way of `Lead` objects.
The JSON is the same, byte for byte, as that of a `Lead`; a test holds the two together.
"""

from datetime import datetime
from functools import cache
from typing import Any, cast

import msgspec
from sqlalchemy import ColumnElement, Select, Text, bindparam, func, literal_column, select

from leads_adapters.sql.lead_pages import page_of_leads
from leads_adapters.sql.tables import leads
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import LeadQuery, Position
from leads_domain.ports import UnitOfWork

_RENDERED: ColumnElement[str] = literal_column("rendered", Text)
_BY_ID = select(_RENDERED, leads.c.version).where(leads.c.id == bindparam("id"))
_BETWEEN = ",\n"
"""What stands between two leads, and never within one: SQLite writes JSON without line feeds."""


class _Place(msgspec.Struct):
    """What a rendered lead says of its place in a list."""

    created_at: datetime
    id: str


_places = msgspec.json.Decoder(_Place)


def lead_from_sqlite(work: UnitOfWork, id: LeadId) -> tuple[str, int]:
    """One lead as JSON, and its version; raises `NotFound`. Only for a unit of work of SQLite."""
    row = cast(SqlUnitOfWork, work).driver.first(_BY_ID, id=id)
    if row is None:
        raise NotFound("lead", id)
    rendered, version = row
    return rendered, version


def leads_from_sqlite(work: UnitOfWork, query: LeadQuery) -> tuple[str, Position | None]:
    """The leads that `query` asks for, as the lines of a JSON array, and where the next page starts.

    Only for a unit of work of SQLite.
    """
    statement, parameters = page_of_leads((_RENDERED,), query)
    ((found, lines),) = cast(SqlUnitOfWork, work).driver.all(_in_one_row(statement), **parameters)
    if found <= query.limit:
        return lines or "", None
    lines, _, _ = lines.rpartition(_BETWEEN)  # the one more, which tells that there is a next page
    _, _, last = lines.rpartition(_BETWEEN)
    place = _places.decode(last)
    return lines, Position(place.created_at, place.id)


@cache
def _in_one_row(statement: Select[Any]) -> Select[Any]:
    """How many rows there are, and all of them, in their order, as one text.

    For every row that it hands over, the driver lets go of the interpreter lock, and may wait to get it back.
    `group_concat` takes the rows as the subquery orders them, which has a limit and so cannot be merged into it.
    """
    rows = statement.subquery()
    return select(func.count(), func.group_concat(rows.c.rendered, _BETWEEN)).select_from(rows)
