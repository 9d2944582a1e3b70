"""Leads as the JSON that SQLite itself keeps of them, for whoever only passes them on.

SQLite writes it into the generated column `rendered` (migration 0002) whenever a row changes, so it is
never out of date. The JSON is the same, byte for byte, as that of a `Lead`; a test holds the two together.

For every statement, and for every row of it, the driver lets go of the interpreter lock, and waits to get it
back from the server's threads: in the running service a point read took 50 us that takes 5 in a loop. What is
asked in the same turn of the event loop is therefore asked in one statement that answers one row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

import msgspec
from sqlalchemy import ColumnElement, Select, Text, bindparam, func, literal_column, select
from sqlalchemy import cast as sql_cast

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.sql.lead_pages import find_page, plain_page
from leads_adapters.sql.tables import leads
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import LeadPosition, LeadQuery
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.find_leads import find_lead

RenderedLead = tuple[bytes, int]
"""A lead as JSON, and its version."""

RenderedPage = tuple[bytes, LeadPosition | None]
"""A JSON array of leads, and where the next page starts."""

_RENDERED: ColumnElement[str] = literal_column("rendered", Text)
_PAGE = (_RENDERED,)
_WANTED = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
_BY_IDS = select(func.group_concat(leads.c.id + " " + sql_cast(leads.c.version, Text) + " " + _RENDERED, "\n")).where(
    leads.c.id.in_(select(_WANTED.c.value))
)
_BETWEEN = ",\n"
"""What stands between two leads, and never within one: SQLite writes JSON without line feeds."""


class _Place(msgspec.Struct):
    """What a rendered lead says of its place in a list."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    next_follow_up_at: datetime | None


_places = msgspec.json.Decoder(_Place)


class RenderedBySqlite:
    """Answers leads as SQLite keeps them; see `Rendering`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leads: BatchLoader[LeadId, RenderedLead] = BatchLoader(self._look_leads_up)
        self._pages: BatchLoader[LeadQuery, RenderedPage] = BatchLoader(self._look_pages_up)

    async def lead(self, id: LeadId) -> RenderedLead:
        """One lead as JSON, and its version; raises `NotFound`."""
        found = await self._leads.ask(id)
        if found is None:
            await self._database.read(find_lead, id)
            raise NotFound("lead", id)  # it came after the look-up
        return found

    async def page(self, query: LeadQuery) -> RenderedPage:
        """The leads that `query` asks for, as a JSON array, and where the next page starts."""
        if not query.is_plain:
            return await self._database.read_long(_long_page, query)
        return cast(RenderedPage, await self._pages.ask(query))

    async def _look_leads_up(self, ids: Sequence[LeadId]) -> Mapping[LeadId, RenderedLead]:
        return await self._database.read(_leads, ids)

    async def _look_pages_up(self, queries: Sequence[LeadQuery]) -> Mapping[LeadQuery, RenderedPage]:
        return {query: await self._database.read(_page, query) for query in queries}


def _leads(work: UnitOfWork, ids: Sequence[LeadId]) -> Mapping[LeadId, RenderedLead]:
    ((found,),) = cast(SqlUnitOfWork, work).driver.all(_BY_IDS, ids=msgspec.json.encode(ids).decode())
    lines = (line.split(" ", 2) for line in (found.split("\n") if found else ()))
    return {LeadId(id): (rendered.encode(), int(version)) for id, version, rendered in lines}


def _page(work: UnitOfWork, query: LeadQuery) -> RenderedPage:
    statement, parameters = plain_page(_PAGE, query)
    ((found, lines),) = cast(SqlUnitOfWork, work).driver.all(_in_one_row(statement), **parameters)
    if found <= query.limit:
        return _array(lines or ""), None
    lines, _, _ = lines.rpartition(_BETWEEN)  # the one more, which tells that there is a next page
    _, _, last = lines.rpartition(_BETWEEN)
    return _array(lines), query.sort.position(_places.decode(last))


def _long_page(work: UnitOfWork, query: LeadQuery) -> RenderedPage:
    found = [lead for (lead,) in find_page(cast(SqlUnitOfWork, work).driver, _PAGE, query)]
    shown = found[: query.limit]
    following = query.sort.position(_places.decode(shown[-1])) if len(found) > query.limit else None
    return _array(_BETWEEN.join(shown)), following


def _array(lines: str) -> bytes:
    return f"[{lines}]".encode()


@cache
def _in_one_row(statement: Select[Any]) -> Select[Any]:
    """How many rows there are, and all of them, in their order, as one text.

    For every row that it hands over, the driver lets go of the interpreter lock, and may wait to get it back.
    `group_concat` takes the rows as the subquery orders them, which has a limit and so cannot be merged into it.
    """
    rows = statement.subquery()
    return select(func.count(), func.group_concat(rows.c.rendered, _BETWEEN)).select_from(rows)
