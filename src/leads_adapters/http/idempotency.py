"""Requests that are safe to repeat: the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
from litestar.types import HTTPScope

from leads_adapters.http.answer import Answer, Header
from leads_adapters.http.gate import presented_key
from leads_adapters.http.problems import Problem
from leads_adapters.http.sealing import Seal
from leads_domain.errors import RequestInProgress
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.answer_once import AnswerOnce

KEY_MAX = 255

_QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])+)"')  # a string as RFC 9651 has it
_BARE = re.compile(rb"[!#-+\--\[\]-~]+")  # the same characters without blanks, and no comma: those are two keys
_REPLAYED = (b"idempotency-replayed", b"true")
_answers = msgspec.msgpack.Decoder(tuple[int, list[Header], bytes])


def idempotency_key(scope: HTTPScope) -> str | None:
    """The key of a request, if it has one; raises `Problem` for what cannot be one."""
    lines = [value for name, value in scope["headers"] if name == b"idempotency-key"]
    if not lines:
        return None
    sent = b", ".join(lines).strip()
    if quoted := _QUOTED.fullmatch(sent):
        key = re.sub(rb"\\(.)", rb"\1", quoted[1])
    elif _BARE.fullmatch(sent):
        key = sent
    else:
        key = b""
    if not 1 <= len(key) <= KEY_MAX:
        detail = f"The Idempotency-Key must be one key of 1 to {KEY_MAX} visible ASCII characters, best a new UUID."
        raise Problem("malformed-request", detail)
    return key.decode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request with an idempotency key: what it asks for is done once, however often the request comes."""

    answer_once: AnswerOnce
    caller: str
    key: str
    seal: Seal
    request: tuple[bytes, ...]
    """Method, path and query."""

    def __call__(self, work: UnitOfWork, body: bytes, run: Callable[[UnitOfWork], Answer]) -> Answer:
        """The first answer to this request, or what `run` answers, which is kept in the same unit of work.

        What `run` raises is not kept.
        """
        fingerprint = self.seal.fingerprint(*self.request, body)
        sealed = self.answer_once.find(work, self.caller, self.key, fingerprint)
        if sealed is not None:
            return self._replayed(sealed)
        answer = run(work)
        content = msgspec.msgpack.encode((answer.status, answer.headers, answer.body))
        self.answer_once.keep(work, self.caller, self.key, fingerprint, self.seal.seal(content), answer.lead_id)
        return answer

    def is_answered(self, work: UnitOfWork) -> bool:
        """Whether some request under this key was answered: this one, or another one."""
        return self.answer_once.is_answered(work, self.caller, self.key)

    def _replayed(self, sealed: str) -> Answer:
        status, headers, body = _answers.decode(self.seal.open(sealed))
        answer = Answer(body, status=status)
        answer.headers = [*headers, _REPLAYED]
        return answer


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Knows which requests with an idempotency key are being carried out by this process."""

    answer_once: AnswerOnce
    _running: set[tuple[str, str]] = field(default_factory=set)

    @contextmanager
    def attempt(self, scope: HTTPScope, caller: str, key: str) -> Iterator[Attempt]:
        """An attempt at a request of a `caller`, who has an API key; raises `RequestInProgress` if there is another."""
        if (caller, key) in self._running:
            raise RequestInProgress(key)
        self._running.add((caller, key))
        try:
            request = (scope["method"].encode(), scope["path"].encode(errors="surrogatepass"), scope["query_string"])
            yield Attempt(self.answer_once, caller, key, Seal(presented_key(scope) or ""), request)
        finally:
            self._running.discard((caller, key))
