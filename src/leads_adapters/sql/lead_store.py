"""Store leads in SQL."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Executable,
    Text,
    any_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.lead_pages import count_leads, find_page
from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import END_OF_TIME, leads, merged_leads
from leads_domain.errors import DuplicateLead, Merged, NotFound
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadPosition, LeadQuery, Page
from leads_domain.search import lead_words, name_key
from leads_domain.similarity import mailbox

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in leads.columns}
LEAD_COLUMNS = tuple(
    column for column in leads.columns if column.name not in ("name_key", "mailbox", "words", "next_follow_up_key")
)
ATTRIBUTES = LEAD_COLUMNS.index(leads.c.attributes)
_BY_ID = select(*LEAD_COLUMNS).where(leads.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_BY_IDS = select(*LEAD_COLUMNS).where(leads.c.id == any_(bindparam("ids", type_=postgresql.ARRAY(leads.c.id.type))))
# SQLite has no arrays: a JSON array passes any number of ids as one parameter, so one statement suffices.
_IS_ONE_OF_IDS = leads.c.id.in_(select(func.json_each(bindparam("ids", type_=Text)).table_valued("value").c.value))
_BY_IDS_ON_SQLITE = select(*LEAD_COLUMNS).where(_IS_ONE_OF_IDS)
_HAS_IDENTITY = leads.c.identity == bindparam("identity")
_ID_BY_IDENTITY = select(leads.c.id).where(_HAS_IDENTITY)
_UPDATE = (
    update(leads)
    .where(leads.c.id == bindparam("id_"))
    .values({name: column for name, column in _COLUMNS.items() if name != "id"})
)
_DELETE = delete(leads).where(leads.c.id == bindparam("id"))
_IDENTITY = select(leads.c.identity).where(leads.c.id == bindparam("id"))
_MERGED_INTO = select(merged_leads.c.into_id).where(merged_leads.c.id == bindparam("id"))
_IS_MERGED_INTO = merged_leads.c.into_id == bindparam("id")
_ALL_MERGED_INTO = select(merged_leads.c.id).where(_IS_MERGED_INTO).order_by(merged_leads.c.id)
# One statement, because each costs a round trip on PostgreSQL. The second part runs only if the first finds no lead.
_ID_OF_PERSON = select(
    func.coalesce(
        _ID_BY_IDENTITY.scalar_subquery(),
        select(merged_leads.c.into_id)
        .where(merged_leads.c.identity == bindparam("identity"))
        .order_by(merged_leads.c.id.desc())
        .limit(literal_column("1"))
        .scalar_subquery(),
    )
)
_REDIRECT = insert(merged_leads).values(
    id=bindparam("id"), into_id=bindparam("into_id"), identity=bindparam("identity")
)
_REDIRECT_ALL = update(merged_leads).where(_IS_MERGED_INTO).values(into_id=bindparam("into"))
_ERASE_MERGED = delete(merged_leads).where(_IS_MERGED_INTO)
_ADD: dict[str, Executable] = {
    "sqlite": sqlite.insert(leads).values(_COLUMNS).on_conflict_do_nothing(index_elements=["identity"]),
    "postgresql": postgresql.insert(leads).values(_COLUMNS).on_conflict_do_nothing(index_elements=["identity"]),
}
# SQLite's word index. The store adds words by statement because a trigger is slower
# (docs/decisions/0022-words-by-statement.md).
_LEAD_WORDS = table("lead_words", column("rowid"), column("words"))
_ADD_WORDS = insert(_LEAD_WORDS).values(rowid=func.last_insert_rowid(), words=bindparam("words"))
_ADD_WORDS_OF_MANY = insert(_LEAD_WORDS).from_select(
    ["rowid", "words"], select(literal_column("rowid"), leads.c.words).where(_IS_ONE_OF_IDS)
)


class SqlLeadStore:
    """Stores leads in the table `leads`, where `identity` is unique."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, lead: Lead) -> None:
        """See `LeadStore.add`. Uses ON CONFLICT, because an exception would end the transaction on PostgreSQL."""
        row = _row(lead)
        if not self._runner.change(_ADD[self._runner.dialect], **row):
            raise DuplicateLead(self.find_by_identity(lead.identity))
        if self._runner.dialect == "sqlite":
            self._runner.change(_ADD_WORDS, words=row["words"])

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        """See `LeadStore.add_many`. Looks up existing leads only if there is a duplicate."""
        added = self._runner.change_many(_ADD[self._runner.dialect], [_row(lead) for lead in leads])
        if self._runner.dialect == "sqlite":
            self._runner.change(_ADD_WORDS_OF_MANY, ids=_json([lead.id for lead in leads]))
        if added == len(leads):
            return [lead.id for lead in leads]
        return [self.find_by_identity(lead.identity) for lead in leads]

    def get(self, id: LeadId) -> Lead:
        """See `LeadStore.get`."""
        return self._get(_BY_ID, id)

    def get_many(self, ids: Collection[LeadId]) -> Sequence[Lead]:
        """See `LeadStore.get_many`."""
        if self._runner.dialect == "sqlite":
            rows = self._runner.all(_BY_IDS_ON_SQLITE, ids=_json(list(ids)))
        else:
            rows = self._runner.all(_BY_IDS, ids=list(ids))
        return leads_of(rows)

    def get_for_update(self, id: LeadId) -> Lead:
        """See `LeadStore.get_for_update`. SQLite has one writer at a time: SQLAlchemy omits FOR UPDATE."""
        return self._get(_BY_ID_LOCKED, id)

    def find_by_identity(self, identity: str) -> LeadId | None:
        """See `LeadStore.find_by_identity`."""
        row = self._runner.first(_ID_BY_IDENTITY, identity=identity)
        return LeadId(row[0]) if row else None

    def find_person(self, identity: str) -> LeadId | None:
        """See `LeadStore.find_person`."""
        ((id,),) = self._runner.all(_ID_OF_PERSON, identity=identity)
        return LeadId(id) if id else None

    def save(self, lead: Lead) -> None:
        """See `LeadStore.save`."""
        existing = self.find_by_identity(lead.identity)
        if existing not in (None, lead.id):
            raise DuplicateLead(existing)
        values = _row(lead)
        self._runner.change(_UPDATE, id_=values.pop("id"), **values)

    def redirect(self, id: LeadId, into: LeadId) -> None:
        """See `LeadStore.redirect`."""
        ((identity,),) = self._runner.all(_IDENTITY, id=id)
        self._runner.change(_REDIRECT_ALL, id=id, into=into)
        self._runner.change(_DELETE, id=id)
        self._runner.change(_REDIRECT, id=id, into_id=into, identity=identity)

    def redirected_to(self, id: LeadId) -> Sequence[LeadId]:
        """See `LeadStore.redirected_to`."""
        return [LeadId(merged) for (merged,) in self._runner.all(_ALL_MERGED_INTO, id=id)]

    def erase(self, id: LeadId) -> None:
        """See `LeadStore.erase`."""
        self._runner.change(_ERASE_MERGED, id=id)
        self._runner.change(_DELETE, id=id)
        self._runner.needs_secure_delete = True

    def page(self, query: LeadQuery) -> Page[Lead, LeadPosition]:
        """See `LeadStore.page`."""
        found = find_page(self._runner, _lead_columns, query, large=ATTRIBUTES)
        items = leads_of(found.items)
        return Page(items, query.sort.position(items[-1]) if found.has_more else None, found.is_cut)

    def count(self, query: LeadQuery) -> int:
        """See `LeadStore.count`."""
        return count_leads(self._runner, query)

    def _get(self, statement: Executable, id: LeadId) -> Lead:
        row = self._runner.first(statement, id=id)
        if row is None:
            raise self._not_found(id)
        return leads_of([row])[0]

    def _not_found(self, id: LeadId) -> NotFound:
        row = self._runner.first(_MERGED_INTO, id=id)
        return Merged(id, row[0]) if row else NotFound("lead", id)


def _lead_columns(columns: Any) -> list[ColumnElement[Any]]:
    return [columns[column.name] for column in LEAD_COLUMNS]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _row(lead: Lead) -> dict[str, Any]:
    return {
        "id": lead.id,
        "name": lead.name,
        "email": lead.email.address if lead.email else None,
        "identity": lead.identity,
        "phone": lead.phone.e164 if lead.phone else None,
        "phone_extension": lead.phone.extension if lead.phone else None,
        "status": lead.status,
        "status_reason": lead.status_reason,
        "source": lead.source,
        "owner": lead.owner.address if lead.owner else None,
        "owner_key": lead.owner.key if lead.owner else None,
        "attributes": _json(lead.attributes),
        "created_at": lead.created_at,
        "updated_at": lead.updated_at,
        "contacted_at": lead.contacted_at,
        "next_follow_up_at": lead.next_follow_up_at,
        "version": lead.version,
        "name_key": name_key(lead.name),
        "mailbox": mailbox(lead.email),
        "words": lead_words(lead),
        "next_follow_up_key": lead.next_follow_up_at or END_OF_TIME,
        "email_bounced": int(lead.email_bounced),
        "do_not_contact": int(lead.do_not_contact),
    }


def leads_of(rows: Iterable[Row]) -> list[Lead]:
    """Convert rows to leads. msgspec creates frozen objects faster than their constructors do."""
    return msgspec.convert([_fields(row) for row in rows], list[Lead])


def _fields(row: Row) -> dict[str, Any]:
    (id, name, email, identity, phone, phone_extension, status, status_reason, source, owner, owner_key, *rest) = row
    attributes, created_at, updated_at, contacted_at, next_follow_up_at, version, email_bounced, do_not_contact = rest
    return {
        "id": id,
        "name": name,
        "email": email and {"address": email, "key": identity},
        "phone": phone and {"e164": phone, "extension": phone_extension},
        "status": status,
        "status_reason": status_reason,
        "source": source,
        "owner": owner and {"address": owner, "key": owner_key},
        "do_not_contact": do_not_contact == 1,
        "attributes": msgspec.json.decode(attributes),
        "created_at": created_at,
        "updated_at": updated_at,
        "contacted_at": contacted_at,
        "next_follow_up_at": next_follow_up_at,
        "version": version,
        "email_bounced": bool(email_bounced),
    }
