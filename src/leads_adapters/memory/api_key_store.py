"""Store API keys in a dictionary."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from leads_domain.access import ApiKey
from leads_domain.errors import NotFound
from leads_domain.paging import Page, Position


class MemoryApiKeyStore:
    """A store of API keys in a dictionary."""

    def __init__(self, stored: dict[str, ApiKey]) -> None:
        self._stored = stored

    def add(self, key: ApiKey) -> None:
        """See `ApiKeyStore.add`."""
        self._stored[key.id] = key

    def find_by_digest(self, digest: str) -> ApiKey | None:
        """See `ApiKeyStore.find_by_digest`."""
        return next((key for key in self._stored.values() if key.digest == digest), None)

    def get(self, id: str) -> ApiKey:
        """See `ApiKeyStore.get`."""
        if id not in self._stored:
            raise NotFound("API key", id)
        return self._stored[id]

    def all(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all`."""
        return sorted(self._stored.values(), key=lambda key: (key.created_at, key.id))

    def page(self, *, after: Position | None, limit: int) -> Page[ApiKey, Position]:
        """See `ApiKeyStore.page`."""
        keys = [key for key in self.all() if after is None or (key.created_at, key.id) > (after.at, after.id)]
        items = keys[:limit]
        return Page(items, Position(items[-1].created_at, items[-1].id) if len(keys) > limit else None)

    def all_for_update(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all_for_update`."""
        return self.all()

    def revoke(self, id: str, at: datetime) -> None:
        """See `ApiKeyStore.revoke`."""
        key = self.get(id)
        self._stored[id] = replace(key, revoked_at=key.revoked_at or at)

    def record_use(self, used: Mapping[str, datetime]) -> None:
        """See `ApiKeyStore.record_use`."""
        for key in (self._stored[id] for id in used if id in self._stored):
            self._stored[key.id] = replace(key, last_used_at=max(key.last_used_at or key.created_at, used[key.id]))
