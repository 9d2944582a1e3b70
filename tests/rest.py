"""The service as its clients meet it: `api.post("/leads", JOHN).expect(201)`.

The application is the real one, made by the container and called as a server would call it. Only
its surroundings are fakes: the clock stands still until it is told to move, follow-ups go out when
a test says so, and the channels keep what they are handed.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote

import pytest
from dependency_injector import providers
from sqlalchemy import URL

from databases import TIMEOUT_SECONDS
from fakes import FixedClock, FixedRandomSource, RecordingNotifier
from leads_adapters.database import Database
from leads_adapters.http.request_middleware import AsgiApp
from leads_adapters.memory.database import MemoryDatabase
from leads_app.container import Container
from leads_app.logs import access_log
from leads_app.settings import Settings
from leads_domain.access import Role
from leads_domain.notifier import Address

Result = TypeVar("Result")

JOHN = {"name": "John Doe", "email": "john@example.com"}
ON_BOTH_DATABASES = pytest.mark.parametrize("store", ["sqlite", "postgresql"], scope="session")
"""Runs a test on both databases: one whose outcome could depend on which it is. The others run on SQLite only."""

UNKNOWN_ID = "01900000-0000-7000-8000-000000000000"
"""An id that nothing has."""


@dataclass(frozen=True)
class Response:
    """What came back; `expect` or `expect_problem` say what it should be."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True
    """Whether the body came to its end."""

    @property
    def json(self) -> Any:
        """The body, which must end a line."""
        assert self.body.endswith(b"}\n"), self
        return json.loads(self.body)

    def expect(self, status: int) -> "Response":
        """Itself, if it has this status."""
        assert self.status == status, self
        return self

    def expect_problem(self, status: int, name: str) -> dict[str, Any]:
        """The members of the problem (RFC 9457), which must be complete and of this type."""
        assert (self.status, self.headers["content-type"]) == (status, "application/problem+json"), self
        problem: dict[str, Any] = self.json
        assert (problem["type"], problem["status"]) == (f"/problems/{name}", status), self
        assert all(problem[member] and isinstance(problem[member], str) for member in ("title", "detail", "instance"))
        return problem

    def errors(self) -> dict[str, str]:
        """What is wrong with each member: the details of a 422 by their pointers."""
        errors = self.expect_problem(422, "validation-failed")["errors"]
        faults = {error["pointer"]: error["detail"] for error in errors}
        assert len(faults) == len(errors), self
        assert all(faults.values()), self
        return faults


@dataclass(frozen=True)
class Api:
    """One client: whoever has the key that `headers` hold."""

    app: AsgiApp
    runner: asyncio.Runner
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "192.0.2.1"

    def get(self, target: str, **headers: str) -> Response:
        """GET `target`: a path, perhaps with a query."""
        return self.request("GET", target, headers=headers)

    def post(self, target: str, body: object = None, **headers: str) -> Response:
        """POST `body`."""
        return self.request("POST", target, body, headers=headers)

    def patch(self, target: str, body: object = None, **headers: str) -> Response:
        """PATCH with `body`."""
        return self.request("PATCH", target, body, headers=headers)

    def pages(self, target: str) -> Iterator[Any]:
        """The pages of a list, found by their links alone; fails if one leads back to where it came from."""
        seen: set[str] = set()
        while target not in seen:
            seen.add(target)
            reply = self.get(target).expect(200)
            yield reply.json
            if "link" not in reply.headers:
                return
            target, relation = reply.headers["link"].removeprefix("<").split(">")
            assert relation == '; rel="next"'
        raise AssertionError(f"{target} comes twice")

    def request(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        chunks: Sequence[bytes] | None = None,
        disconnects: bool = False,
    ) -> Response:
        """Send a request and wait for the answer: `send`, for whoever does one thing at a time."""
        exchange = self.send(method, target, body, headers=headers, chunks=chunks, disconnects=disconnects)
        return self.runner.run(exchange)

    async def send(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        chunks: Sequence[bytes] | None = None,
        disconnects: bool = False,
        wait_before_end: asyncio.Event | None = None,
    ) -> Response:
        """The answer to a request.

        A `body` that is not bytes yet is sent as JSON. `chunks` are sent without a length. Names in
        `headers` may have underscores; an empty value leaves a header out. `disconnects`: hangs up before the end.
        `wait_before_end`: waits for that before the last chunk.
        """
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = dict(self.headers)
        if raw or chunks:
            sent["content-type"] = "application/json"
        if raw:
            sent["content-length"] = str(len(raw))
        sent |= {name.replace("_", "-").lower(): value for name, value in (headers or {}).items()}
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items() if value],
            "client": (self.address, 50000),
            "server": ("leads.example", 80),
        }
        return await _send(self.app, scope, chunks or [raw], disconnects, wait_before_end)


async def _send(
    app: AsgiApp,
    scope: dict[str, Any],
    chunks: Sequence[bytes],
    disconnects: bool,
    wait_before_end: asyncio.Event | None,
) -> Response:
    request = f"{scope['method']} {scope['path']}"
    incoming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if not disconnects:
        incoming[-1]["more_body"] = False
    outgoing: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if wait_before_end is not None and len(incoming) <= 1:
            await wait_before_end.wait()
        if not incoming and not disconnects:
            await asyncio.Future()  # as a server does while the client waits for the answer
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        outgoing.append(message)

    await app(scope, receive, send)
    start, *parts = outgoing
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    assert len(headers) == len(start["headers"]), f"{request}: a header is there twice: {start['headers']}"
    complete = bool(parts) and not parts[-1]["more_body"]
    return Response(request, start["status"], headers, b"".join(part["body"] for part in parts), complete)


class Service:
    """A whole service: its clients are `client("agent")` and `anonymous()`.

    Channels: `log`, the default, needs no address, `sms` needs a telephone number, `mail` an e-mail address.
    """

    def __init__(self, settings: Settings, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.clock = FixedClock()
        self.channels = {
            "log": RecordingNotifier(),
            "sms": RecordingNotifier(needs=Address.PHONE),
            "mail": RecordingNotifier(needs=Address.EMAIL),
        }
        self.container = Container(settings=settings)
        self.container.clock.override(providers.Object(self.clock))
        self.container.random_source.override(providers.Object(FixedRandomSource()))
        self.container.access_log.override(providers.Object(access_log))
        self.container.notifiers.override(providers.Object(self.channels))

    def anonymous(self) -> Api:
        """Return a client without an API key."""
        return self.client_with()

    def client_with(self, address: str = "192.0.2.1", **headers: str) -> Api:
        """Return a client that sends these headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Api(self.container.app(), self.runner, named, address)

    def parameter(self, method: str, path: str, name: str) -> Any:
        """Return what the OpenAPI document says of a parameter."""
        document = self.anonymous().get("/openapi.json").expect(200).json
        return next(each for each in document["paths"][path][method]["parameters"] if each["name"] == name)

    def client(self, role: str = "agent", name: str | None = None) -> Api:
        """Somebody with a new key of this role, which has the role's name unless it is told another."""
        return self.client_with(x_api_key=self.new_key(role, name)[1])

    def new_key(self, role: str = "agent", name: str | None = None) -> tuple[str, str]:
        """The id and the text of a new key."""
        database: Database = self.container.database()
        key, text = self.run(database.write(self.container.create_key(), name=name or role, role=Role(role)))
        return key.id, text

    def revoke(self, key_id: str) -> None:
        """Make a key useless."""
        self.run(self.container.database().write(self.container.revoke_key(), key_id))

    def dispatch(self) -> int:
        """Send what is due; answers the number of attempts."""
        return self.run(self.container.dispatcher().run_once())

    def finish_background_work(self) -> None:
        """Let what is done in the background, with no request waiting for it, come to its end."""
        if writing := self.container.usage_recorder()._writing:
            self.run(asyncio.wait_for(asyncio.shield(writing), TIMEOUT_SECONDS))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for some work."""
        return self.runner.run(work)


@contextmanager
def a_service(database: URL | None, **settings: Any) -> Iterator[Service]:
    """A service on this database, which must have the tables; without one, in memory. Nobody is rate-limited."""
    given: dict[str, Any] = {"rate_limit": None, **settings}
    if database is not None:
        given["database_url"] = database
    with asyncio.Runner() as runner:
        service = Service(Settings(**given), runner)
        if database is None:
            service.container.database.override(providers.Object(MemoryDatabase()))
        yield service
        service.run(service.container.database().close())
