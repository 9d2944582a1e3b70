"""API keys in their table."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, text, update

from leads_adapters.sql.driver import Driver, Row
from leads_adapters.sql.tables import api_keys
from leads_domain.access import ApiKey, Role
from leads_domain.errors import NotFound

_ADD = insert(api_keys).values({column.name: bindparam(column.name) for column in api_keys.columns})
_ALL = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
_BY_DIGEST = select(api_keys).where(api_keys.c.digest == bindparam("digest"))
_LOCK = text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE")
_REVOKE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("id_"))
    .values(revoked_at=func.coalesce(api_keys.c.revoked_at, bindparam("at", type_=api_keys.c.revoked_at.type)))
)


class SqlApiKeyStore:
    """Keeps API keys in the table `api_keys`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def add(self, key: ApiKey) -> None:
        """See `ApiKeyStore.add`."""
        self._driver.change(
            _ADD,
            id=key.id,
            name=key.name,
            role=key.role.value,
            digest=key.digest,
            created_at=key.created_at,
            revoked_at=key.revoked_at,
        )

    def with_digest(self, digest: str) -> ApiKey | None:
        """See `ApiKeyStore.with_digest`."""
        row = self._driver.first(_BY_DIGEST, digest=digest)
        return _key(row) if row else None

    def all(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all`."""
        return [_key(row) for row in self._driver.all(_ALL)]

    def all_for_change(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all_for_change`. SQLite has one writer at a time, and so no statement for it."""
        if self._driver.dialect == "postgresql":
            self._driver.change(_LOCK)
        return self.all()

    def revoke(self, id: str, at: datetime) -> None:
        """See `ApiKeyStore.revoke`."""
        if not self._driver.change(_REVOKE, id_=id, at=at):
            raise NotFound("API key", id)


def _key(row: Row) -> ApiKey:
    id, name, role, digest, created_at, revoked_at = row
    return ApiKey(id=id, name=name, role=Role(role), digest=digest, created_at=created_at, revoked_at=revoked_at)
