"""Who comes in: the key, the rate limit, and the permission, checked once for every request."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from litestar.types import HTTPScope

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.http.answer import Header
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.concurrency import PER_ADDRESS, PER_KEY, ConcurrencyLimit
from leads_adapters.http.problems import Problem
from leads_adapters.http.rate_limit import RateLimiter
from leads_domain.access import Permission, Principal, Role
from leads_domain.use_cases.manage_keys import OPERATOR, Authenticate


@dataclass(slots=True)
class Gate:
    """Recognises callers by their key, of whose use `note_use` is told by id. Without limiters no rate is limited."""

    database: Database
    authenticate: Authenticate
    note_use: Callable[[str], None]
    addresses: ClientAddresses
    per_key: RateLimiter | None = None
    per_address: RateLimiter | None = None
    key_concurrency: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(PER_KEY))
    address_concurrency: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(PER_ADDRESS))
    _callers: BatchLoader[str, Principal] = field(init=False)

    def __post_init__(self) -> None:
        self._callers = BatchLoader(self._recognise)

    async def admit(self, scope: HTTPScope, permission: Permission) -> tuple[Principal, tuple[Header, ...]]:
        """Who is calling, and the headers of their rate limit; raises `Problem`."""
        key = presented_key(scope)
        principal = await self._callers.load(key) if key else None
        if principal is None:
            raise self._stranger(scope, key)
        headers = self.per_key.admit(principal.id) if self.per_key else ()
        until: ExitStack = scope["state"]["until_sent"]
        self.key_concurrency.enter(principal.id, until)
        self.address_concurrency.enter(f"{principal.id} {self.addresses.of(scope)}", until)
        if permission not in principal.role.permissions:
            least = Role.least(permission)
            detail = f"A key with the role {principal.role} may not do this; the role {least} would do."
            raise Problem("forbidden", detail, {"role": least}, headers)
        return principal, headers

    async def _recognise(self, keys: Sequence[str]) -> Mapping[str, Principal]:
        """Whose keys these are. A key is looked up once for all requests that are waiting when their turn comes.

        A revoked key is useless at once all the same, whichever process revoked it: every look-up comes after
        the requests that it is for. Under load, one for every request took a third of a small request's time.
        """
        found = {key: await self.database.read(self.authenticate, key) for key in keys}
        recognised = {key: principal for key, principal in found.items() if principal is not None}
        for principal in recognised.values():
            if principal is not OPERATOR:
                self.note_use(principal.id)
        return recognised

    def _stranger(self, scope: HTTPScope, key: str | None) -> Problem:
        headers = self.per_address.admit(self.addresses.of(scope)) if self.per_address else ()
        detail = (
            "The API key is mistyped, unknown or revoked."
            if key
            else "Send an API key as X-API-Key, or as Authorization: Bearer."
        )
        return Problem("unauthorized", detail, headers=((b"www-authenticate", b"Bearer"), *headers))


def presented_key(scope: HTTPScope) -> str | None:
    """The API key that a request was sent with, whatever it may be."""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    return None
