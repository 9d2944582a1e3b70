"""Let SQLite render pages of leads as JSON: see docs/decisions/0021-lead-json.md."""

from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import ColumnElement, case, func, literal_column

from leads_adapters.lead_json import JsonPage
from leads_adapters.sql.lead_pages import Columns, find_page
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.lead import VISIBLE_FIELDS
from leads_domain.paging import LeadQuery, Page
from leads_domain.ports import UnitOfWork

_TRUE: ColumnElement[str] = literal_column("'true'")
_FALSE: ColumnElement[str] = literal_column("'false'")


def read_json_page(work: UnitOfWork, query: LeadQuery) -> JsonPage:
    """See `leads_adapters.lead_json.read_json_page`."""
    found = find_page(cast(SqlUnitOfWork, work).runner, _columns(query.sort.field), query, large=0)
    items = [json.encode() for json, _, _ in found.items]
    if not found.has_more:
        return Page(items, None)
    _, id, value = found.items[-1]
    last = SimpleNamespace(id=id, **{query.sort.field: value})
    return Page(items, query.sort.position(last), found.is_cut)


@cache
def _columns(field: str) -> Columns:
    return lambda c: (_json(c), c.id, c[field])


def _json(c: Any) -> ColumnElement[str]:
    """Return the JSON of `Lead.to_dict`. Times are stored as the API shows them."""
    special = {
        "phone": c.phone + func.coalesce(";ext=" + c.phone_extension, ""),
        "attributes": func.json(c.attributes),
        "do_not_contact": func.json(case((c.do_not_contact == literal_column("1"), _TRUE), else_=_FALSE)),
    }
    arguments: list[Any] = []
    for name in VISIBLE_FIELDS:
        arguments += (literal_column(f"'{name}'"), special.get(name, c[name]))
    return func.json_object(*arguments)
