"""Pages of leads that SQLite itself renders as JSON, for whoever only passes them on.

Measured: a page of 50 takes 0.14 ms this way, and 0.78 ms by way of `Lead` objects. The JSON is the
same, member for member, as that of a `Lead`; a test holds the two together.
"""

from typing import cast

from sqlalchemy import case, func

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
    leads.c.created_at,
    leads.c.id,
)


def rendered_by_sqlite(work: UnitOfWork, query: LeadQuery) -> Page[str, Position]:
    """The leads that `query` asks for, each as JSON. Only for a unit of work of SQLite."""
    rows, more = page_of_leads(cast(SqlUnitOfWork, work).driver, _COLUMNS, query)
    return Page([row[0] for row in rows], Position(*rows[-1][1:]) if more else None)
