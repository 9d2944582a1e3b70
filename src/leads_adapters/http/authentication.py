"""Authenticate clients by API key and authorize their requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.concurrency import PER_ADDRESS, PER_KEY, ConcurrencyLimit
from leads_adapters.http.problems import Forbidden, Problem, Unauthorized
from leads_adapters.http.rate_limit import RateLimiter
from leads_domain.access import Permission, Principal, Role
from leads_domain.use_cases.manage_keys import OPERATOR, Authenticate

Headers = Mapping[str, str]

PERMISSION = "permission"
PUBLIC: Mapping[str, Any] = {PERMISSION: None}
"""The `opt` of a handler that needs no API key."""

_NO_STORE = {"cache-control": "no-store"}
"""No cache may store a response that needs an API key: it has personal data, or a key."""


def requires(permission: Permission, **options: Any) -> Mapping[str, Any]:
    """Return the `opt` of a handler that needs this permission.

    Options: `conditional` if the handler honours `If-Match` and `If-None-Match`; `upload` or `download` if it reads or
    sends a file, with an example for each media type.
    """
    return {PERMISSION: permission, **options}


def permission_of(opt: Mapping[str, Any]) -> Permission | None:
    """Return the permission that a handler needs, None if it is public."""
    permission: Permission | None = opt[PERMISSION]
    return permission


@dataclass
class Authentication(ASGIMiddleware):
    """The middleware that sets the user of a request, and refuses clients without the permission or beyond a limit.

    It reports each use of a key to `record_use`. Without limiters, rates are not limited.
    """

    database: Database
    authenticate: Authenticate
    record_use: Callable[[str], None]
    addresses: ClientAddresses
    per_key: RateLimiter | None = None
    per_address: RateLimiter | None = None
    key_concurrency: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(PER_KEY))
    address_concurrency: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(PER_ADDRESS))
    scopes = (ScopeType.HTTP,)

    def __post_init__(self) -> None:
        self._principals = BatchLoader(self._look_up)

    async def handle(self, scope: Any, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass on an authorized request. Raises `Problem` for any other."""
        permission = scope["route_handler"].opt.get(PERMISSION)
        if permission is None:
            await next_app(scope, receive, send)
            return
        principal, headers = await self._authorize(scope, permission)
        scope["user"] = principal
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *encoded]
            await send(message)

        address = f"{principal.id} {self.addresses.of(scope)}"
        self.key_concurrency.acquire(principal.id, headers)
        try:
            self.address_concurrency.acquire(address, headers)
            try:
                await next_app(scope, receive, send_with_headers)
            finally:
                self.address_concurrency.release(address)
        finally:
            self.key_concurrency.release(principal.id)

    async def _authorize(self, scope: HTTPScope, permission: Permission) -> tuple[Principal, Headers]:
        """Return the principal and the headers of its rate limit. Raises `Problem` if the request is not authorized."""
        key = presented_key(scope)
        principal = await self._principals.load(key) if key else None
        if principal is None:
            raise self._unauthorized(scope, key)
        limits = self.per_key.count(principal.id) if self.per_key else {}
        headers = {**limits, **_NO_STORE}
        if permission not in principal.role.permissions:
            least = Role.least_privileged(permission)
            detail = f"The role `{principal.role}` does not permit this request. The role `{least}` permits it."
            raise Forbidden(detail, {"role": least}, headers)
        return principal, headers

    async def _look_up(self, keys: Sequence[str]) -> Mapping[str, Principal]:
        """Return the principals of keys. All requests of one event-loop turn share a lookup.

        A revoked key is refused at once, even if another process revoked it: a lookup starts after its requests arrive.
        """
        found = {key: await self.database.read(self.authenticate, key) for key in keys}
        principals = {key: principal for key, principal in found.items() if principal is not None}
        for principal in principals.values():
            if principal is not OPERATOR:
                self.record_use(principal.id)
        return principals

    def _unauthorized(self, scope: HTTPScope, key: str | None) -> Problem:
        limits = self.per_address.count(self.addresses.of(scope)) if self.per_address else {}
        detail = (
            "The API key is mistyped, unknown or revoked."
            if key
            else "Send an API key in the header `X-API-Key`, or as `Authorization: Bearer KEY`."
        )
        return Unauthorized(detail, headers={"www-authenticate": "Bearer", **limits, **_NO_STORE})


def presented_key(scope: HTTPScope) -> str | None:
    """Return the API key in the headers of a request, valid or not."""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    return None
