"""Run a TCP server that treats each connection as a test defines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import create_server, socket
from threading import Event, Thread


@dataclass
class RawServer:
    """The port of a server, and an event that is set when a client has disconnected."""

    port: int
    disconnected: Event = field(default_factory=Event)


@contextmanager
def a_raw_server(behave: Callable[[socket], None]) -> Iterator[RawServer]:
    """Run a server on a free port that calls `behave` with one connection after another."""
    with create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):  # the listener was closed
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
    """Send `piece` repeatedly until the client disconnects."""
    while True:
        connection.sendall(piece)
        time.sleep(0.01)


def read_forever(connection: socket) -> None:
    """Read and send nothing until the client disconnects."""
    while connection.recv(4096):
        pass
