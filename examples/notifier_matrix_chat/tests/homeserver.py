"""A minimal Matrix homeserver in a thread, for tests of the notifier."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import unquote

ROOM = "!leads:matrix.example.com"
TOKEN = "syt_bGVhZHM_secret"
API = "/_matrix/client/v3"


@dataclass(frozen=True)
class Response:
    """A response of the homeserver; without a status, it sends no response."""

    status: int | None
    content: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A message that the homeserver accepted."""

    transaction: str
    content: Mapping[str, Any]


class Homeserver:
    """A homeserver with one room and one token. It responds to other rooms and tokens like a real homeserver.

    `sent` has all accepted messages, including repeats. `events` maps each transaction to the id of its event.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.sent: list[Sent] = []
        self.events: dict[str, str] = {}
        self._response: Response | None = None
        self._changed = Event()

    def respond_with(self, response: Response | None) -> None:
        """Send this response to all messages from now on; None accepts them."""
        self._response = response
        self._changed.set()
        self._changed = Event()

    def handle(self, method: str, path: str, token: str, content: Any) -> Response:
        """Return the response to a request."""
        if token != f"Bearer {TOKEN}":
            return Response(401, {"errcode": "M_UNKNOWN_TOKEN"})
        changed, response = self._changed, self._response
        if response is not None:
            if response.status is None:
                changed.wait()
            return response
        if (method, path) == ("GET", f"{API}/joined_rooms"):
            return Response(200, {"joined_rooms": [ROOM]})
        room, _, transaction = path.removeprefix(f"{API}/rooms/").partition("/send/m.room.message/")
        if method != "PUT" or not transaction:
            return Response(404, {"errcode": "M_UNRECOGNIZED"})
        if unquote(room) != ROOM:
            return Response(403, {"errcode": "M_FORBIDDEN"})
        self.sent.append(Sent(unquote(transaction), content))
        event = self.events.setdefault(unquote(transaction), f"$event-{len(self.events)}")
        return Response(200, {"event_id": event})


@contextmanager
def a_homeserver() -> Iterator[Homeserver]:
    """Run a homeserver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = json.loads(body) if body else None
            response = homeserver.handle(self.command, self.path, self.headers.get("Authorization", ""), content)
            if response.status is None:
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(response.content).encode())

        def do_GET(self) -> None:
            self.handle_request()

        def do_PUT(self) -> None:
            self.handle_request()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # the default is 5: further simultaneous connections would wait for a second

    with Server(("127.0.0.1", 0), Handler) as server:
        homeserver = Homeserver(f"http://127.0.0.1:{server.server_port}")
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield homeserver
        finally:
            homeserver.respond_with(None)
            server.shutdown()
            serving.join()
