"""Operations: what a handler says of itself, and how a request reaches it.

Litestar routes; what an operation needs besides (permission, query, body) is declared next to its
handler, once, and both the running service and the OpenAPI document follow from it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request
from litestar.types import HTTPScope, Method, Receive

from leads_adapters.database import Arguments, Database, UseCase
from leads_adapters.http.answer import Answer
from leads_adapters.http.conditions import Condition, condition
from leads_adapters.http.decoding import Body
from leads_adapters.http.idempotency import Attempt, Idempotency, idempotency_key
from leads_adapters.http.incoming import read_body
from leads_adapters.http.problems import Problem
from leads_adapters.http.schemas import Nothing
from leads_adapters.http.views import Moved
from leads_domain.access import Permission, Principal
from leads_domain.checking import check_id, truncate
from leads_domain.errors import ValidationFailed

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One way in which an operation answers: what it means, and the schema of its body."""

    means: str
    schema: Any = None
    media_type: str = "application/json"
    headers: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """In place of a schema: the media types in which a file can come, each with an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Everything about one operation but the code that carries it out."""

    method: Method
    path: str
    tag: str
    permission: Permission | None
    replies: Mapping[int, Reply]
    problems: Sequence[str] = ()
    documented: bool = True
    query: type[msgspec.Struct] = Nothing
    body: Body[Any] | None = None
    upload: Mapping[str, str] = field(default_factory=dict)
    """In place of a body: the media types in which it takes a file, each with an example."""
    conditional: bool = False
    """Whether it heeds `If-Match` and `If-None-Match`."""

    @property
    def repeatable(self) -> bool:
        """Whether it heeds `Idempotency-Key`. What other methods do, here, can be done twice as well as once."""
        return self.method == "POST"


@dataclass(slots=True)
class Call:
    """One request to an operation; its body may have `max_body` bytes."""

    scope: HTTPScope
    receive: Receive
    operation: Operation
    principal: Principal
    query: Any
    max_body: int
    idempotency: Idempotency
    _body: bytes = b""

    @property
    def request(self) -> Request[Any, Any, Any]:
        """The same as Litestar's request, made only for who asks."""
        return Request(self.scope, self.receive)

    def id(self, kind: str) -> str:
        """The identifier in the path; raises a not-found `Problem` for one that cannot be an identifier."""
        text: str = self.scope["path_params"]["id"]
        try:
            return check_id(text)
        except ValidationFailed:
            raise Problem("not-found", f"There is no {kind} with the id {truncate(text)}; an id is a UUID.") from None

    def condition(self) -> Condition:
        """Which versions the client means, by `If-Match` and `If-None-Match`; raises `Problem` for nonsense."""
        return condition(self.scope)

    async def body(self, check: Callable[[Any], object]) -> dict[str, Any]:
        """The given members of the body, strictly; see `Body.decode`."""
        body = cast(Body[Any], self.operation.body)
        self._body = await read_body(self.scope, self.receive, self.max_body)
        return {**body.decode(self._body, self.scope, check)}

    async def write(
        self,
        database: Database,
        render: Callable[[Result], Answer],
        use_case: UseCase[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """Run a use case as `Database.write` does, and render what it answers: what every POST does, its body read.

        With an Idempotency-Key, the answer is kept in the transaction of its effect, and given again.
        """
        with self.attempt() as attempt:
            if attempt is None:
                return render(await database.write(use_case, *args, **kwargs))
            return await database.write(attempt, self._body, lambda work: render(use_case(work, *args, **kwargs)))

    def attempt(self) -> AbstractContextManager[Attempt | None]:
        """What to carry the request out with, if it has an Idempotency-Key; raises `Problem` or `RequestInProgress`."""
        key = idempotency_key(self.scope) if self.operation.repeatable else None
        return nullcontext() if key is None else self.idempotency.attempt(self.scope, self.principal.id, key)


Handler = Callable[[Call], Awaitable[Answer]]


_MOVED = Reply(means="The lead is a part of another one, and this is there.", schema=Moved, headers=("Location",))


def operation(**declared: Any) -> Callable[[Callable[..., Awaitable[Answer]]], Callable[..., Awaitable[Answer]]]:
    """Declare the operation that a method carries out; its docstring becomes the documentation.

    Everything that a lead has an address for can have moved with the lead.
    """
    if declared["path"].startswith("/leads/{id:str}"):
        declared["replies"] = {**declared["replies"], 301: _MOVED}

    def declare(handler: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
        handler.operation = Operation(**declared)  # type: ignore[attr-defined]
        return handler

    return declare


def operations(routes: object) -> list[tuple[Operation, Handler]]:
    """The operations that an object's methods declare, in the order of their definition."""
    return [
        (method.operation, getattr(routes, name))
        for name, method in vars(type(routes)).items()
        if hasattr(method, "operation")
    ]
