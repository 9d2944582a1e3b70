"""Who comes in: the key, the rate limit, and the permission, checked once for every request."""

import asyncio
from dataclasses import dataclass, field

from litestar.types import HTTPScope

from leads_adapters.database import Database
from leads_adapters.http.answer import Header
from leads_adapters.http.problems import Problem
from leads_adapters.http.rate_limit import RateLimiter
from leads_domain.access import Permission, Principal, Role
from leads_domain.use_cases.manage_keys import Authenticate


@dataclass(slots=True)
class Gate:
    """Recognises callers by their key. Without limiters nobody is limited."""

    database: Database
    authenticate: Authenticate
    per_key: RateLimiter | None = None
    per_address: RateLimiter | None = None
    _turn: dict[str, Principal | None] | None = field(default=None, init=False)

    async def admit(self, scope: HTTPScope, permission: Permission) -> tuple[Principal, tuple[Header, ...]]:
        """Who is calling, and the headers of their rate limit; raises `Problem`."""
        key = _presented_key(scope)
        principal = await self._recognise(key) if key else None
        if principal is None:
            raise self._stranger(scope, key)
        headers = self.per_key.admit(principal.id) if self.per_key else ()
        if permission not in principal.role.permissions:
            least = Role.least(permission)
            detail = f"A key with the role {principal.role} may not do this; the role {least} would do."
            raise Problem("forbidden", detail, {"role": least}, headers)
        return principal, headers

    async def _recognise(self, key: str) -> Principal | None:
        """Whose key it is: looked up once for all requests that were waiting when their turn came.

        A revoked key is still useless at once, whichever process revoked it. The end of the turn is queued before
        the look-up, and the event loop keeps the order: a request that comes in later finds nothing remembered.
        Under load, a look-up for every request took a third of a small request's time.
        """
        turn = self._turn
        if turn is None:
            turn = self._turn = {}
            asyncio.get_running_loop().call_soon(self._end_turn)
        if key not in turn:
            turn[key] = await self.database.read(self.authenticate, key)
        return turn[key]

    def _end_turn(self) -> None:
        self._turn = None

    def _stranger(self, scope: HTTPScope, key: str | None) -> Problem:
        client = scope.get("client")
        headers = self.per_address.admit(client[0] if client else "") if self.per_address else ()
        detail = (
            "The API key is mistyped, unknown or revoked."
            if key
            else "Send an API key as X-API-Key, or as Authorization: Bearer."
        )
        return Problem("unauthorized", detail, headers=((b"www-authenticate", b"Bearer"), *headers))


def _presented_key(scope: HTTPScope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    return None
