"""Store API keys in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, func, insert, select, text, tuple_, update

from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import api_keys
from leads_domain.access import ApiKey, Role
from leads_domain.errors import NotFound
from leads_domain.paging import Page, Position

_ADD = insert(api_keys).values({column.name: bindparam(column.name) for column in api_keys.columns})
_ALL = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
_FIRST_PAGE = _ALL.limit(bindparam("limit"))
_NEXT_PAGE = _FIRST_PAGE.where(
    tuple_(api_keys.c.created_at, api_keys.c.id)
    > tuple_(bindparam("after_at", type_=api_keys.c.created_at.type), bindparam("after_id", type_=api_keys.c.id.type))
)
_BY_ID = select(api_keys).where(api_keys.c.id == bindparam("id"))
_BY_DIGEST = select(api_keys).where(api_keys.c.digest == bindparam("digest"))
_LOCK = text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE")
_REVOKE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("id_"))
    .values(revoked_at=func.coalesce(api_keys.c.revoked_at, bindparam("at", type_=api_keys.c.revoked_at.type)))
)

_USED_AT = bindparam("at", type_=api_keys.c.last_used_at.type)
_KNOWN_TIME = func.coalesce(api_keys.c.last_used_at, api_keys.c.created_at)
_RECORD_USE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("id_"))
    .values(last_used_at=case((_KNOWN_TIME < _USED_AT, _USED_AT), else_=_KNOWN_TIME))
)


class SqlApiKeyStore:
    """Stores API keys in the table `api_keys`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, key: ApiKey) -> None:
        """See `ApiKeyStore.add`."""
        self._runner.change(
            _ADD,
            id=key.id,
            name=key.name,
            role=key.role.value,
            digest=key.digest,
            created_at=key.created_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
        )

    def find_by_digest(self, digest: str) -> ApiKey | None:
        """See `ApiKeyStore.find_by_digest`."""
        row = self._runner.first(_BY_DIGEST, digest=digest)
        return _key(row) if row else None

    def get(self, id: str) -> ApiKey:
        """See `ApiKeyStore.get`."""
        row = self._runner.first(_BY_ID, id=id)
        if row is None:
            raise NotFound("API key", id)
        return _key(row)

    def all(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all`."""
        return [_key(row) for row in self._runner.all(_ALL)]

    def page(self, *, after: Position | None, limit: int) -> Page[ApiKey, Position]:
        """See `ApiKeyStore.page`."""
        position = {} if after is None else {"after_at": after.at, "after_id": after.id}
        found = [
            _key(row) for row in self._runner.all(_NEXT_PAGE if position else _FIRST_PAGE, limit=limit + 1, **position)
        ]
        items = found[:limit]
        return Page(items, Position(items[-1].created_at, items[-1].id) if len(found) > limit else None)

    def all_for_update(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all_for_update`. SQLite needs no lock: it has one writer at a time."""
        if self._runner.dialect == "postgresql":
            self._runner.change(_LOCK)
        return self.all()

    def revoke(self, id: str, at: datetime) -> None:
        """See `ApiKeyStore.revoke`."""
        if not self._runner.change(_REVOKE, id_=id, at=at):
            raise NotFound("API key", id)

    def record_use(self, used: Mapping[str, datetime]) -> None:
        """See `ApiKeyStore.record_use`. Ordered by id, so that two transactions cannot deadlock."""
        self._runner.change_many(_RECORD_USE, [{"id_": id, "at": used[id]} for id in sorted(used)])


def _key(row: Row) -> ApiKey:
    id, name, role, digest, created_at, revoked_at, last_used_at = row
    return ApiKey(
        id=id,
        name=name,
        role=Role(role),
        digest=digest,
        created_at=created_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
    )
