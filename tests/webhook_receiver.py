"""Run a real HTTP server that receives webhooks, with responses that a test sets."""

import ssl
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from standardwebhooks import Webhook

from leads_domain.testing import Behaviour

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
STATUSES = {Behaviour.ACCEPTS: 204, Behaviour.FAILS: 503, Behaviour.REFUSES: 422}


@dataclass(frozen=True)
class Post:
    """A request that the receiver got."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def verify(self) -> Any:
        """Return the payload after the official verifier has checked the signature."""
        return Webhook(SECRET).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """A receiver that responds with 204 unless `responses` (status and headers) or `behaviour` say otherwise.

    A status of None disconnects. While `is_paused` is set, it receives posts and does not respond.
    """

    url: str = ""
    port: int = 0
    is_paused: bool = False
    posts: list[Post] = field(default_factory=list)
    responses: deque[tuple[int | None, Mapping[str, str]]] = field(default_factory=deque)
    behaviour: Behaviour = Behaviour.ACCEPTS
    accepted: list[Post] = field(default_factory=list)

    def respond(self, status: int | None, **headers: str) -> None:
        """Respond to the next request with this status and these headers; None disconnects."""
        self.responses.append((status, {name.replace("_", "-"): value for name, value in headers.items()}))

    def response_to(self, post: Post) -> tuple[int, Mapping[str, str]] | None:
        """Record a post and return the status and headers of its response; None disconnects."""
        self.posts.append(post)
        while self.is_paused:
            time.sleep(0.01)
        if self.behaviour is Behaviour.HANGS:
            while self.behaviour is Behaviour.HANGS:
                time.sleep(0.01)
            return None
        status, headers = self.responses.popleft() if self.responses else (STATUSES[self.behaviour], {})
        if status is None:
            return None
        if 200 <= status < 300:
            self.accepted.append(post)
        return status, headers


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a lost client is no error of the receiver
            super().handle_error(request, client_address)


@contextmanager
def a_receiver(tls: ssl.SSLContext | None = None, *, port: int = 0) -> Iterator[Receiver]:
    """Run a receiver on this port or a free one."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # the client disconnected before the end of the body
            response = receiver.response_to(Post(self.path, dict(self.headers), body))
            if response is None:
                return
            status, headers = response
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            raise AssertionError(self.path)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with _Server(("127.0.0.1", port), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_port
        receiver.url = f"http{'s' if tls else ''}://localhost:{receiver.port}/hooks/leads"
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join(30)
