"""Make requests safe to repeat, with the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from litestar.response import Response

from leads_adapters.database import Arguments, Database, UseCase
from leads_adapters.http import problems
from leads_adapters.http.authentication import presented_key
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.headers import header
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.sealing import Seal
from leads_domain.errors import Erased, RequestInProgress
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock

ResultT = TypeVar("ResultT")
ContentT = TypeVar("ContentT")

STORED_FOR = timedelta(hours=24)
"""The time for which a response is stored."""

EXPIRED_MAX = 10
"""The number of expired records to delete when one is stored: more than one, so that they do not pile up."""

KEY_MAX = 255

_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')  # a string of RFC 9651
_BARE = re.compile(r"[!#-+\--\[\]-~]+")  # the same without blanks, and without commas, which separate two keys
_response_decoder = msgspec.msgpack.Decoder(tuple[int, dict[str, str], bytes])


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to carry out a request with an `Idempotency-Key`. The request takes effect once."""

    clock: Clock
    caller: str
    key: str
    seal: Seal
    request: tuple[bytes, ...]
    """Method, path and query."""

    def __call__(self, work: UnitOfWork, body: bytes, run: Callable[[UnitOfWork], JsonResponse[Any]]) -> Response[Any]:
        """Return the stored response, or that of `run`, which is stored in the same transaction.

        An error of `run` is not stored. Raises `IdempotencyKeyReused`, `Erased` or `RequestInProgress`.
        """
        fingerprint = self.seal.fingerprint(*self.request, body)
        record = self.find(work)
        if record is not None:
            return self._replay(record, fingerprint)
        response = run(work)
        content = msgspec.msgpack.encode((response.status_code, response.headers, response.body))
        now = self.clock.now()
        work.idempotency.store(
            IdempotencyRecord(
                caller=self.caller,
                key=self.key,
                fingerprint=fingerprint,
                sealed=self.seal.seal(content),
                lead_id=response.lead_id,
                created_at=now,
            )
        )
        work.idempotency.delete_expired(before=now - STORED_FOR, limit=EXPIRED_MAX)
        return response

    def find(self, work: UnitOfWork) -> IdempotencyRecord | None:
        """Return the record with this key, of this request or another. Raises `RequestInProgress`."""
        record = work.idempotency.claim(self.caller, self.key)
        return record if record and record.created_at > self.clock.now() - STORED_FOR else None

    def _replay(self, record: IdempotencyRecord, fingerprint: str) -> Response[bytes]:
        if record.sealed is None:
            raise Erased("lead", str(record.lead_id))
        if record.fingerprint != fingerprint:
            detail = f"The `Idempotency-Key` {self.key} was used for another request. Use a new key for each request."
            raise problems.IdempotencyKeyReused(detail)
        status, headers, body = _response_decoder.decode(self.seal.open(record.sealed))
        return Response(
            body,
            status_code=status,
            media_type="application/json",
            headers={**headers, "idempotency-replayed": "true"},
        )


@dataclass(frozen=True, slots=True)
class IdempotentWrites:
    """Run the writes of POST requests once per `Idempotency-Key`."""

    database: Database
    clock: Clock
    _running: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(
        self,
        request: ApiRequest,
        respond: Callable[[ResultT], JsonResponse[ContentT]],
        use_case: UseCase[Arguments, ResultT],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Response[ContentT]:
        """Run a use case in a transaction, and return its response or the stored one."""
        with self.attempt(request) as attempt:
            if attempt is None:
                return respond(await self.database.write(use_case, *args, **kwargs))
            body = await request.body()
            return await self.database.write(attempt, body, lambda work: respond(use_case(work, *args, **kwargs)))

    @contextmanager
    def attempt(self, request: ApiRequest) -> Iterator[Attempt | None]:
        """Yield the attempt of a request with a key, else None. Raises `RequestInProgress` during another attempt."""
        key = _idempotency_key(request)
        if key is None:
            yield None
            return
        running = (request.user.id, key)
        if running in self._running:
            raise RequestInProgress(key)
        self._running.add(running)
        scope = request.scope
        try:
            parts = (scope["method"].encode(), scope["path"].encode(errors="surrogatepass"), scope["query_string"])
            yield Attempt(self.clock, request.user.id, key, Seal(presented_key(scope) or ""), parts)
        finally:
            self._running.discard(running)


def _idempotency_key(request: ApiRequest) -> str | None:
    """Return the key of a request, if it has one. Raises `MalformedRequest` if the key is invalid."""
    sent = header(request.scope, b"idempotency-key")
    if sent is None:
        return None
    sent = sent.strip()
    if quoted := _QUOTED.fullmatch(sent):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = sent if _BARE.fullmatch(sent) else ""
    if not 1 <= len(key) <= KEY_MAX:
        detail = (
            f"The header `Idempotency-Key` must be one key of 1 to {KEY_MAX} visible ASCII characters. Use a new UUID."
        )
        raise problems.MalformedRequest(detail)
    return key
