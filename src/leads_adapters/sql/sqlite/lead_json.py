"""Let SQLite render pages of leads as JSON: see docs/decisions/0021-lead-json.md."""

from dataclasses import fields
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import ColumnElement, func, literal_column

from leads_adapters.lead_json import JsonPage
from leads_adapters.sql.lead_pages import Columns, find_page
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery, Page
from leads_domain.ports import UnitOfWork

_FIELDS = [field.name for field in fields(Lead)]


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
    phone, attributes = c.phone + func.coalesce(";ext=" + c.phone_extension, ""), func.json(c.attributes)
    arguments: list[Any] = []
    for name in _FIELDS:
        arguments += (literal_column(f"'{name}'"), {"phone": phone, "attributes": attributes}.get(name, c[name]))
    return func.json_object(*arguments)
