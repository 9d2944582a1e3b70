"""A server that does to every connection what a test says."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import create_server, socket
from threading import Event, Thread


@dataclass
class RawServer:
    """Where it listens; `disconnected` tells that the other side ended a connection."""

    port: int
    disconnected: Event = field(default_factory=Event)


@contextmanager
def a_raw_server(behave: Callable[[socket], None]) -> Iterator[RawServer]:
    """A server on a free port that takes one connection after the other."""
    with create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):  # of the listener, when it is closed
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        behave(connection)
                    server.disconnected.set()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(2)
            thread.join(30)


def send_forever(connection: socket, piece: bytes) -> None:
    """Send `piece` again and again, until the other side ends the connection."""
    while True:
        connection.sendall(piece)
        time.sleep(0.01)


def read_forever(connection: socket) -> None:
    """Say nothing until the other side ends the connection."""
    while connection.recv(4096):
        pass
