"""Call the HTTP API of the service in-process: `api.post("/leads", JOHN).expect(201)`.

The ASGI application is the real one, built by the container. Fakes replace its environment: a fixed
clock, channels that record notices, and a dispatcher that runs only when a test calls `dispatch`.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, MutableMapping, Sequence
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
from leads_domain.lead import LeadId
from leads_domain.notifier import Address
from leads_domain.submission import SubmissionId
from leads_domain.unsubscribing import TOKEN_BYTES, make_token

Result = TypeVar("Result")

JOHN = {"name": "John Doe", "email": "john@example.com"}
ON_BOTH_DATABASES = pytest.mark.parametrize("store", ["sqlite", "postgresql"], scope="session")
"""A mark for tests whose result could depend on the database. The others run on SQLite only."""

UNKNOWN_ID = "01900000-0000-7000-8000-000000000000"
"""A valid id that no lead, follow-up or key has."""


@dataclass(frozen=True)
class Response:
    """A response; check it with `expect` or `expect_problem`."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True
    """Whether the body was sent to its end."""

    @property
    def json(self) -> Any:
        """The parsed body, which must end with a line break."""
        assert self.body.endswith(b"}\n"), self
        return json.loads(self.body)

    def expect(self, status: int) -> "Response":
        """Check the status code and return self."""
        assert self.status == status, self
        return self

    def expect_problem(self, status: int, name: str) -> dict[str, Any]:
        """Check that this is a complete problem (RFC 9457) of this type, and return it."""
        assert (self.status, self.headers["content-type"]) == (status, "application/problem+json"), self
        problem: dict[str, Any] = self.json
        assert (problem["type"], problem["status"]) == (f"/problems/{name}", status), self
        assert all(problem[member] and isinstance(problem[member], str) for member in ("title", "detail", "instance"))
        return problem

    def errors(self) -> dict[str, str]:
        """Check that this is a 422 with field errors, and return their details by pointer."""
        errors = self.expect_problem(422, "validation-failed")["errors"]
        details = {error["pointer"]: error["detail"] for error in errors}
        assert len(details) == len(errors), self
        assert all(details.values()), self
        return details


@dataclass(frozen=True)
class Api:
    """A client that sends `headers`, for example an API key, with each request."""

    app: AsgiApp
    runner: asyncio.Runner
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "192.0.2.1"
    after_response: Callable[[], None] = lambda: None
    """Called after each response to `request`."""

    def get(self, target: str, **headers: str) -> Response:
        """Send a GET request to `target`, a path with an optional query."""
        return self.request("GET", target, headers=headers)

    def post(self, target: str, body: object = None, **headers: str) -> Response:
        """Send a POST request."""
        return self.request("POST", target, body, headers=headers)

    def patch(self, target: str, body: object = None, **headers: str) -> Response:
        """Send a PATCH request."""
        return self.request("PATCH", target, body, headers=headers)

    def pages(self, target: str) -> Iterator[Any]:
        """Yield the pages of a list by their links; fail if a link leads to an earlier page."""
        seen: set[str] = set()
        while target not in seen:
            seen.add(target)
            reply = self.get(target).expect(200)
            yield reply.json
            if "link" not in reply.headers:
                return
            target, relation = reply.headers["link"].removeprefix("<").split(">")
            assert relation == '; rel="next"'
        raise AssertionError(f"the link {target} leads to an earlier page")

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
        """Send a request and wait for the response; see `send`."""
        sending = self.send(method, target, body, headers=headers, chunks=chunks, disconnects=disconnects)
        response = self.runner.run(sending)
        self.after_response()
        return response

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
        """Send a request and return the response.

        A `body` that is not bytes is sent as JSON. `chunks` are sent without a Content-Length. Names in `headers`
        may have underscores; an empty value removes a header. With `disconnects`, the client disconnects before
        the end of the body. With `wait_before_end`, it waits for that event before the last chunk.
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
            await asyncio.Future()  # as a server does while the client waits for the response
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        outgoing.append(message)

    await app(scope, receive, send)
    start, *parts = outgoing
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    assert len(headers) == len(start["headers"]), f"{request}: duplicate header: {start['headers']}"
    complete = bool(parts) and not parts[-1]["more_body"]
    return Response(request, start["status"], headers, b"".join(part["body"] for part in parts), complete)


class Service:
    """The whole service; `client("agent")` and `anonymous()` return clients of it.

    Channels: `log`, the default, needs no address, `sms` needs a phone number, `mail` an e-mail address.
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
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return Api(self.container.app(), self.runner, headers, address, self.process_received)

    def parameter(self, method: str, path: str, name: str) -> Any:
        """Return the description of a parameter in the OpenAPI document."""
        document = self.anonymous().get("/openapi.json").expect(200).json
        return next(each for each in document["paths"][path][method]["parameters"] if each["name"] == name)

    def client(self, role: str = "agent", name: str | None = None) -> Api:
        """Return a client with a new API key of this role; the key's name is the role unless `name` is given."""
        return self.client_with(x_api_key=self.new_key(role, name)[1])

    def new_key(self, role: str = "agent", name: str | None = None) -> tuple[str, str]:
        """Create an API key and return its id and text."""
        database: Database = self.container.database()
        key, text = self.run(database.write(self.container.create_key(), name=name or role, role=Role(role)))
        return key.id, text

    def revoke(self, key_id: str) -> None:
        """Revoke an API key."""
        self.run(self.container.database().write(self.container.revoke_key(), key_id))

    def receive(self, origin: str = "form:contact", **fields: Any) -> str:
        """Receive a submission, by default one of John Doe, and return its path."""
        content = {"name": "John Doe", "email": "john@example.com"}
        database: Database = self.container.database()
        receive = self.container.receive_submission()
        submission = self.run(database.write(receive, **{"origin": origin, "content": content, **fields}))
        return f"/submissions/{submission.id}"

    def token_of(self, lead: str) -> str:
        """Return the token in the unsubscribe link of the lead with this id, which is new if it has none."""
        id, new = LeadId(lead), make_token(self.container.entropy().random_bytes(TOKEN_BYTES))
        database: Database = self.container.database()
        return self.run(database.write(lambda work: work.unsubscribe_tokens.get_or_add({id: new})))[id]

    def process(self, path: str) -> str:
        """Process the submission with this path, and return its state."""
        database: Database = self.container.database()
        process = self.container.process_submission()
        processed = self.run(database.write(process, SubmissionId(path.rpartition("/")[2])))
        state: str = processed.submission.state.value
        return state

    def process_received(self) -> None:
        """Process the submissions of earlier requests, as the running service does soon after the response."""
        processor = self.container.submission_processor()
        if processor.is_awake:
            self.run(processor.run_once())

    def dispatch(self) -> int:
        """Send the due follow-ups and return the number of attempts."""
        return self.run(self.container.dispatcher().run_once())

    def finish_background_work(self) -> None:
        """Wait for work that runs in the background of requests."""
        if writing := self.container.usage_recorder()._writing:
            self.run(asyncio.wait_for(asyncio.shield(writing), TIMEOUT_SECONDS))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work` on the service's event loop and return its result."""
        return self.runner.run(work)


@contextmanager
def a_service(database: URL | None, **settings: Any) -> Iterator[Service]:
    """Run a service on this migrated database, or in memory without one. The rate limit is off by default."""
    values: dict[str, Any] = {"rate_limit": None, **settings}
    if database is not None:
        values["database_url"] = database
    with asyncio.Runner() as runner:
        service = Service(Settings(**values), runner)
        if database is None:
            service.container.database.override(providers.Object(MemoryDatabase()))
        yield service
        service.run(service.container.database().close())
