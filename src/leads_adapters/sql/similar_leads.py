"""Find similar leads along indexes, one statement for each reason."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Executable, Select, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.lead_filters import conditions, word_queries
from leads_adapters.sql.lead_store import ATTRIBUTES, LEAD_COLUMNS, leads_of
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import distinct_leads, leads
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import PAGE_BYTES_MAX
from leads_domain.phone_words import phone_words
from leads_domain.search import name_key
from leads_domain.similarity import mailbox

_ID: BindParameter[str] = bindparam("id")
_DISTINCT = select(distinct_leads.c.other_id).where(distinct_leads.c.lead_id == _ID)
_OTHERS = select(*LEAD_COLUMNS).where(leads.c.id != _ID, leads.c.id.not_in(_DISTINCT)).limit(bindparam("limit"))
_BY_NAME = _OTHERS.where(leads.c.name_key == bindparam("name_key"))
_BY_MAILBOX = _OTHERS.where(leads.c.mailbox == bindparam("mailbox"))
_PAIR: dict[str, Any] = {"lead_id": bindparam("lead_id"), "other_id": bindparam("other_id")}
_ADD: dict[str, Executable] = {
    "sqlite": sqlite.insert(distinct_leads).values(_PAIR).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(distinct_leads).values(_PAIR).on_conflict_do_nothing(),
}
_ERASE = delete(distinct_leads).where(or_(distinct_leads.c.lead_id == _ID, distinct_leads.c.other_id == _ID))


class SqlSimilarLeads:
    """Compares the columns `name_key`, `mailbox` and `phone`, and stores pairs in the table `distinct_leads`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def find(self, lead: Lead, limit: int) -> Sequence[Lead]:
        """See `SimilarLeads.find`."""
        found: dict[LeadId, Lead] = {}
        for statement, values in self._searches(lead):
            values["id"] = lead.id
            page = self._runner.page(statement, values, large=ATTRIBUTES, limit=limit, bytes_max=PAGE_BYTES_MAX)
            found |= {each.id: each for each in leads_of(page.items)}
        return list(found.values())

    def add_distinct(self, id: LeadId, other_id: LeadId) -> None:
        """See `SimilarLeads.add_distinct`."""
        for one, other in ((id, other_id), (other_id, id)):
            self._runner.change(_ADD[self._runner.dialect], lead_id=one, other_id=other)

    def distinct_from(self, id: LeadId) -> Sequence[LeadId]:
        """See `SimilarLeads.distinct_from`."""
        return sorted(LeadId(other) for (other,) in self._runner.all(_DISTINCT, id=id))

    def erase(self, id: LeadId) -> None:
        """See `SimilarLeads.erase`."""
        self._runner.change(_ERASE, id=id)

    def _searches(self, lead: Lead) -> Iterator[tuple[Select[Any], dict[str, Any]]]:
        """Yield a statement and its values for each reason that can apply."""
        if key := name_key(lead.name):
            yield _BY_NAME, {"name_key": key}
        if lead.email:
            yield _BY_MAILBOX, {"mailbox": mailbox(lead.email)}
        if phone := lead.phone:
            words = word_queries([phone_words(phone.e164)[:1]])
            yield _by_phone(self._runner.dialect), {"phone": phone.e164, "extension": phone.extension, **words}


@cache
def _by_phone(dialect: str) -> Select[Any]:
    """Select the leads with a phone number. The word index finds it, so the column needs no index of its own."""
    is_extension: ColumnElement[bool] = leads.c.phone_extension.is_not_distinct_from(bindparam("extension"))
    [has_word] = conditions(["word_0_0"], leads.c, dialect)
    return _OTHERS.where(has_word, leads.c.phone == bindparam("phone"), is_extension)
