"""Pages of leads that SQLite itself renders as JSON, for whoever only passes them on.

Measured: a page of 50 takes 0.14 ms this way, and 0.78 ms by way of `Lead` objects. The JSON is the
same, member for member, as that of a `Lead`; a test holds the two together.
"""

import typing
from datetime import datetime

from sqlalchemy import Text, case, cast, func

from leads_adapters.sql.lead_pages import Columns, page_of_leads
from leads_adapters.sql.tables import leads
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.paging import LeadQuery, Page, Position
from leads_domain.ports import UnitOfWork

_PHONE = case(
    (leads.c.phone_extension.is_(None), leads.c.phone),
    else_=leads.c.phone + ";ext=" + leads.c.phone_extension,
)
_MEMBERS = {
    "id": leads.c.id,
    "name": leads.c.name,
    "email": leads.c.email,
    "phone": _PHONE,
    "status": leads.c.status,
    "status_reason": leads.c.status_reason,
    "source": leads.c.source,
    "owner": leads.c.owner,
    "attributes": func.json(leads.c.attributes),
    "created_at": leads.c.created_at,
    "updated_at": leads.c.updated_at,
    "contacted_at": leads.c.contacted_at,
    "next_follow_up_at": leads.c.next_follow_up_at,
    "version": leads.c.version,
}
_COLUMNS: Columns = (
    func.json_object(*(part for member in _MEMBERS.items() for part in member)),
    cast(leads.c.created_at, Text),  # as it stands there: only the last one is ever looked at
    leads.c.id,
)


def rendered_by_sqlite(work: UnitOfWork, query: LeadQuery) -> Page[str, Position]:
    """The leads that `query` asks for, each as JSON. Only for a unit of work of SQLite."""
    statement, parameters = page_of_leads(_COLUMNS, query)
    rows = typing.cast(SqlUnitOfWork, work).driver.all(statement, **parameters)
    items = [row[0] for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return Page(items, None)
    _, created_at, id = rows[query.limit - 1]
    return Page(items, Position(datetime.fromisoformat(created_at), id))
