"""The application: every operation, behind one gate. What goes around it is in envelope.py."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import HTTPScope, Method, Receive, Send

from leads_adapters.http.answer import Answer, Header, json_answer, no_content
from leads_adapters.http.decoding import decode_query
from leads_adapters.http.envelope import AsgiApp, leave
from leads_adapters.http.gate import Gate
from leads_adapters.http.idempotency import Idempotency
from leads_adapters.http.operation import Call, Handler, Operation, operations
from leads_adapters.http.problems import MEDIA_TYPE, Problem, problem_of
from leads_adapters.http.streaming import StreamedAnswer
from leads_adapters.http.views import Moved
from leads_domain.access import Principal, Role
from leads_domain.errors import Merged

ErrorLog = Callable[[BaseException, str], None]
"""Called for every error that is a fault of the service, with the id of the request."""

Endpoint = Callable[[HTTPScope, Receive], Awaitable[Answer]]

_NO_STORE: Header = (b"cache-control", b"no-store")
"""For all that needs a key: personal data, and keys, are for nobody's cache."""

_ANYONE = Principal("anyone", "anyone", Role.CAPTURE)
"""Who calls an operation that asks for no permission."""


def build_app(
    routes: Iterable[object],
    gate: Gate,
    idempotency: Idempotency,
    *,
    max_body: int,
    error_log: ErrorLog,
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> AsgiApp:
    """The application that serves the operations which the methods of `routes` declare, for an `Envelope`.

    `max_body` is in bytes. `lifespan` is entered before the first request and left after the last.
    """
    by_path: dict[str, dict[Method, Endpoint]] = defaultdict(dict)
    for route in routes:
        for operation, handler in operations(route):
            by_path[operation.path][operation.method] = _endpoint(
                operation, handler, gate, idempotency, max_body, error_log
            )
    litestar = Litestar(
        [_route(path, endpoints) for path, endpoints in by_path.items()],
        exception_handlers={HTTPException: _litestar_problem, Exception: _litestar_problem},
        lifespan=list(lifespan),
        openapi_config=None,
        logging_config=None,
    )
    return cast(AsgiApp, litestar)


def _route(path: str, endpoints: Mapping[Method, Endpoint]) -> HTTPRouteHandler:
    """One handler for all methods of a path: of several, Litestar would name only one in `Allow`.

    A middleware of the route answers in the handler's place: Litestar calls a handler by way of its own request,
    keyword arguments and response, which takes 17 us, as long as the gate and its query.
    """
    allow = _allow(endpoints)

    async def answer(scope: Any, receive: Receive, _: Send) -> None:
        endpoint = endpoints.get(scope["method"])
        leave(scope, await endpoint(scope, receive) if endpoint else no_content(headers=[(b"allow", allow)]))

    return HTTPRouteHandler(path, http_method=[*endpoints, "OPTIONS"], middleware=[lambda **_: answer])(_unreached)


async def _unreached() -> None:
    """Stand where Litestar wants a handler."""


def _endpoint(
    operation: Operation, handler: Handler, gate: Gate, idempotency: Idempotency, max_body: int, error_log: ErrorLog
) -> Endpoint:
    default_query = operation.query()

    async def endpoint(scope: HTTPScope, receive: Receive) -> Answer:
        principal = _ANYONE
        limits: tuple[Header, ...] = ()
        try:
            if operation.permission is not None:
                principal, limits = await gate.admit(scope, operation.permission)
            raw = scope["query_string"]
            query = decode_query(raw, operation.query) if raw else default_query
            answer = await handler(Call(scope, receive, operation, principal, query, max_body, idempotency))
            if isinstance(answer, StreamedAnswer) and "bodiless" not in scope["state"]:
                await answer.begin(lambda error: error_log(error, scope["state"]["request_id"]))
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets a problem
            if isinstance(error, Merged) and HTTPStatus.MOVED_PERMANENTLY in operation.replies:
                answer = _moved(error, scope)
            else:
                problem = problem_of(error)
                if problem.type.is_fault:
                    error_log(error, scope["state"]["request_id"])
                answer = _problem_answer(problem, scope)
        answer.headers.extend(limits)
        if operation.permission is not None:
            answer.headers.append(_NO_STORE)
        return answer

    return endpoint


def _moved(merged: Merged, scope: HTTPScope) -> Answer:
    """The way to the same resource of the lead that another one, whose id is in the path, is a part of."""
    _, leads, _, *rest = scope["path"].split("/")
    path = "/".join(["", leads, merged.into, *rest])
    query = quote(scope["query_string"], safe="%&=+")
    location = f"{path}?{query}" if query else path
    return json_answer(Moved(merged.into), status=301, headers=[(b"location", location.encode())])


def _allow(methods: Iterable[str]) -> bytes:
    complete = {*methods, "OPTIONS"}
    if "GET" in complete:
        complete.add("HEAD")
    return ", ".join(sorted(complete)).encode()


def _problem_answer(problem: Problem, scope: HTTPScope) -> Answer:
    body = problem.body(scope["path"])
    return Answer(body, status=problem.type.status, media_type=MEDIA_TYPE, headers=problem.headers)


def _litestar_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to what Litestar refuses before it calls a handler: 404 and 405."""
    problem = problem_of(error)
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    allowed = getattr(error, "headers", None) or {}
    if "allow" in allowed:
        headers["allow"] = _allow(allowed["allow"].split(", ")).decode()
    body = problem.body(request.scope["path"])
    return Response(body, status_code=problem.type.status, media_type=MEDIA_TYPE.decode(), headers=headers)
