"""Leads in their table."""

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Executable, Select, bindparam, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.driver import Driver, Row
from leads_adapters.sql.tables import leads
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import DuplicateLead, NotFound
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadQuery, LeadSort, Page, Position

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in leads.columns}
_BY_ID = select(leads).where(leads.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_ID_BY_EMAIL = select(leads.c.id).where(leads.c.email_key == bindparam("email_key"))
_UPDATE = (
    update(leads)
    .where(leads.c.id == bindparam("id_"))
    .values({name: column for name, column in _COLUMNS.items() if name != "id"})
)
_ADD: dict[str, Executable] = {
    "sqlite": sqlite.insert(leads).values(_COLUMNS).on_conflict_do_nothing(index_elements=["email_key"]),
    "postgresql": postgresql.insert(leads).values(_COLUMNS).on_conflict_do_nothing(index_elements=["email_key"]),
}


class SqlLeadStore:
    """Keeps leads in the table `leads`, whose unique `email_key` makes them one of a kind."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, lead: Lead) -> None:
        """See `LeadStore.add`. No exception is caught, because on PostgreSQL one would end the transaction."""
        if not self._driver.change(_ADD[self._driver.dialect], **_row(lead)):
            raise DuplicateLead(self.with_email(lead.email.key))

    def get(self, id: LeadId) -> Lead:
        """See `LeadStore.get`."""
        return self._one(_BY_ID, id)

    def get_for_change(self, id: LeadId) -> Lead:
        """See `LeadStore.get_for_change`. SQLite has one writer at a time, and so no clause for it."""
        return self._one(_BY_ID_LOCKED, id)

    def with_email(self, email_key: str) -> LeadId | None:
        """See `LeadStore.with_email`."""
        row = self._driver.first(_ID_BY_EMAIL, email_key=email_key)
        return LeadId(row[0]) if row else None

    def save(self, lead: Lead) -> None:
        """See `LeadStore.save`."""
        holder = self.with_email(lead.email.key)
        if holder not in (None, lead.id):
            raise DuplicateLead(holder)
        values = _row(lead)
        self._driver.change(_UPDATE, id_=values.pop("id"), **values)

    def page(self, query: LeadQuery) -> Page[Lead, Position]:
        """See `LeadStore.page`. One more than asked for is fetched, to know whether a page follows."""
        parameters: dict[str, Any] = {f"status_{index}": status for index, status in enumerate(query.statuses)}
        if query.email_key is not None:
            parameters["email_key"] = query.email_key
        if query.after is not None:
            parameters |= {"after_at": query.after.at, "after_id": query.after.id}
        statement = _page(len(query.statuses), query.email_key is not None, query.after is not None, query.sort)
        rows = self._driver.all(statement, limit=query.limit + 1, **parameters)
        items = [_lead(row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        return Page(items, Position(items[-1].created_at, items[-1].id) if more else None)

    def _one(self, statement: Executable, id: LeadId) -> Lead:
        row = self._driver.first(statement, id=id)
        if row is None:
            raise NotFound("lead", id)
        return _lead(row)


@lru_cache
def _page(statuses: int, by_email: bool, continued: bool, sort: LeadSort) -> Select[Any]:
    statement = select(leads)
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


def _row(lead: Lead) -> dict[str, Any]:
    return {
        "id": lead.id,
        "name": lead.name,
        "email": lead.email.address,
        "email_key": lead.email.key,
        "phone": lead.phone.e164 if lead.phone else None,
        "phone_extension": lead.phone.extension if lead.phone else None,
        "status": lead.status,
        "status_reason": lead.status_reason,
        "source": lead.source,
        "owner": lead.owner.address if lead.owner else None,
        "owner_key": lead.owner.key if lead.owner else None,
        "attributes": msgspec.json.encode(lead.attributes).decode(),
        "created_at": lead.created_at,
        "updated_at": lead.updated_at,
        "contacted_at": lead.contacted_at,
        "next_follow_up_at": lead.next_follow_up_at,
        "version": lead.version,
    }


def _lead(row: Row) -> Lead:
    (id, name, email, email_key, phone, phone_extension, status, status_reason, source, owner, owner_key, *rest) = row
    attributes, created_at, updated_at, contacted_at, next_follow_up_at, version = rest
    return Lead(
        id=id,
        name=name,
        email=EmailAddress(email, email_key),
        phone=PhoneNumber(phone, phone_extension) if phone else None,
        status=status,
        status_reason=status_reason,
        source=source,
        owner=EmailAddress(owner, owner_key) if owner else None,
        attributes=msgspec.json.decode(attributes),
        created_at=created_at,
        updated_at=updated_at,
        contacted_at=contacted_at,
        next_follow_up_at=next_follow_up_at,
        version=version,
    )
