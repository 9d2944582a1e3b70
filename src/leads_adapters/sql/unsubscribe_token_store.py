"""Store unsubscribe tokens in SQL."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Executable, Text, any_, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import unsubscribe_tokens
from leads_domain.lead import LeadId
from leads_domain.unsubscribing import UnsubscribeToken

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in unsubscribe_tokens.columns}
_ADD: dict[str, Executable] = {
    dialect: insert(unsubscribe_tokens).values(_COLUMNS).on_conflict_do_nothing(index_elements=["lead_id"])
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_ALL = select(unsubscribe_tokens)
_IDS = bindparam("ids", type_=postgresql.ARRAY(unsubscribe_tokens.c.lead_id.type))
_OF_LEADS = _ALL.where(unsubscribe_tokens.c.lead_id == any_(_IDS))
# SQLite has no arrays: see `lead_store.py`.
_IDS_ON_SQLITE = select(func.json_each(bindparam("ids", type_=Text)).table_valued("value").c.value)
_OF_LEADS_ON_SQLITE = _ALL.where(unsubscribe_tokens.c.lead_id.in_(_IDS_ON_SQLITE))
_LEAD_OF = select(unsubscribe_tokens.c.lead_id).where(unsubscribe_tokens.c.token == bindparam("token"))
_ERASE = delete(unsubscribe_tokens).where(unsubscribe_tokens.c.lead_id == bindparam("lead_id"))


class SqlUnsubscribeTokenStore:
    """Stores tokens in the table `unsubscribe_tokens`, where the lead is unique."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def get_or_add(self, tokens: Mapping[LeadId, UnsubscribeToken]) -> Mapping[LeadId, UnsubscribeToken]:
        """See `UnsubscribeTokenStore.get_or_add`.

        An insert waits for another transaction that inserts the same lead, and then changes nothing. All insert in the
        same order, so that none waits for one that waits for it. The tokens are read afterwards, in a statement that
        sees those of the other transaction.
        """
        ids = sorted(tokens)
        self._runner.change_many(
            _ADD[self._runner.dialect], [{"lead_id": lead_id, "token": tokens[lead_id]} for lead_id in ids]
        )
        if self._runner.dialect == "sqlite":
            return dict(self._runner.all(_OF_LEADS_ON_SQLITE, ids=msgspec.json.encode(ids).decode()))
        return dict(self._runner.all(_OF_LEADS, ids=ids))

    def find_lead(self, token: UnsubscribeToken) -> LeadId | None:
        """See `UnsubscribeTokenStore.find_lead`."""
        row = self._runner.first(_LEAD_OF, token=token)
        return LeadId(row[0]) if row else None

    def erase(self, lead_id: LeadId) -> None:
        """See `UnsubscribeTokenStore.erase`."""
        self._runner.change(_ERASE, lead_id=lead_id)
