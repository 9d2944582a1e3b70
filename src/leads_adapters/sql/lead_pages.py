"""Asking the table `leads` for a page."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select, tuple_

from leads_adapters.sql.tables import leads
from leads_domain.paging import LeadQuery, LeadSort

Columns = tuple[ColumnElement[Any], ...]


def page_of_leads(columns: Columns, query: LeadQuery) -> tuple[Select[Any], dict[str, Any]]:
    """A statement for `columns` of the leads that `query` asks for, in its order, and the parameters of the statement.

    It answers one row more than `query` asks for, if there is one, to tell whether another page follows.
    """
    parameters: dict[str, Any] = {f"status_{index}": status for index, status in enumerate(query.statuses)}
    if query.email_key is not None:
        parameters["email_key"] = query.email_key
    if query.after is not None:
        parameters |= {"after_at": query.after.at, "after_id": query.after.id}
    statement = _statement(
        columns, len(query.statuses), query.email_key is not None, query.after is not None, query.sort
    )
    return statement, parameters | {"limit": query.limit + 1}


@cache
def _statement(columns: Columns, statuses: int, by_email: bool, continued: bool, sort: LeadSort) -> Select[Any]:
    statement = select(*columns).select_from(leads)
    if statuses:
        statement = statement.where(leads.c.status.in_([bindparam(f"status_{index}") for index in range(statuses)]))
    if by_email:
        statement = statement.where(leads.c.email_key == bindparam("email_key"))
    order = tuple_(leads.c.created_at, leads.c.id)
    after = tuple_(bindparam("after_at", type_=leads.c.created_at.type), bindparam("after_id", type_=leads.c.id.type))
    newest_first = sort is LeadSort.NEWEST_FIRST
    if continued:
        statement = statement.where(order < after if newest_first else order > after)
    for column in (leads.c.created_at, leads.c.id):
        statement = statement.order_by(column.desc() if newest_first else column)
    return statement.limit(bindparam("limit"))
