"""A homeserver in a thread, as small as the notifier needs one."""

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
class Answer:
    """What the homeserver says instead of accepting a message; nothing at all if there is no status."""

    status: int | None
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A message as it came: its transaction, and its content."""

    transaction: str
    content: Mapping[str, Any]


class Homeserver:
    """Knows one room and one token; what comes with others is answered as by a real one.

    `sent` has every message that was accepted, repeats included, and `events` the transactions, each with the id of
    the one event that it made.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.sent: list[Sent] = []
        self.events: dict[str, str] = {}
        self._answer: Answer | None = None
        self._changed = Event()

    def answer(self, answer: Answer | None) -> None:
        """Answer messages like this from now on; None accepts them."""
        self._answer = answer
        self._changed.set()
        self._changed = Event()

    def handle(self, method: str, path: str, token: str, content: Any) -> Answer:
        """The answer to a request."""
        if token != f"Bearer {TOKEN}":
            return Answer(401, {"errcode": "M_UNKNOWN_TOKEN"})
        changed, answer = self._changed, self._answer
        if answer is not None:
            if answer.status is None:
                changed.wait()
            return answer
        if (method, path) == ("GET", f"{API}/joined_rooms"):
            return Answer(200, {"joined_rooms": [ROOM]})
        room, _, transaction = path.removeprefix(f"{API}/rooms/").partition("/send/m.room.message/")
        if method != "PUT" or not transaction:
            return Answer(404, {"errcode": "M_UNRECOGNIZED"})
        if unquote(room) != ROOM:
            return Answer(403, {"errcode": "M_FORBIDDEN"})
        self.sent.append(Sent(unquote(transaction), content))
        event = self.events.setdefault(unquote(transaction), f"$event-{len(self.events)}")
        return Answer(200, {"event_id": event})


@contextmanager
def a_homeserver() -> Iterator[Homeserver]:
    """A homeserver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = json.loads(body) if body else None
            answer = homeserver.handle(self.command, self.path, self.headers.get("Authorization", ""), content)
            if answer.status is None:
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(answer.members).encode())

        def do_GET(self) -> None:
            self.handle_request()

        def do_PUT(self) -> None:
            self.handle_request()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # by default 5: others that come at the same moment would wait for a second

    with Server(("127.0.0.1", 0), Handler) as server:
        homeserver = Homeserver(f"http://127.0.0.1:{server.server_port}")
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield homeserver
        finally:
            homeserver.answer(None)
            server.shutdown()
            serving.join()
