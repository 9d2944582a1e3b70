"""Test that silent and non-HTTP/1.1 connections are closed and delay no request."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from granian.server.embed import Server

from e2e.service import HOST, TIMEOUT_SECONDS, free_port
from leads_adapters.http.request_middleware import AsgiApp
from leads_app.cli import connections
from leads_app.cli.connections import low_limit_warning, server_options
from leads_app.unread import limit_unread_responses

HEAD_SECONDS = 0.2
REQUEST = b"GET / HTTP/1.1\r\nhost: leads\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[bytes], Awaitable[Connection]]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Respond to every request with an empty body."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def serving(head_seconds: float, app: AsgiApp = app) -> AsyncIterator[Connect]:
    """Run a server with the service's options; yield a function that connects and sends some bytes."""
    port = free_port()
    server = Server(app, HOST, port, **server_options(head_seconds))
    running = asyncio.create_task(server.serve())
    opened: list[asyncio.StreamWriter] = []

    async def connect(sent: bytes = b"") -> Connection:
        reader, writer = await asyncio.open_connection(HOST, port)
        opened.append(writer)
        writer.write(sent)
        return reader, writer

    try:
        while True:
            try:
                await connect()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
        yield connect
    finally:
        for writer in opened:
            writer.close()
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait_for(running, TIMEOUT_SECONDS)


def test_a_connection_without_a_complete_request_head_is_closed() -> None:
    async def check() -> list[bytes]:
        async with serving(HEAD_SECONDS) as connect:
            sent = [b"", b"G", b"PRI * HT", REQUEST[:-2], REQUEST, REQUEST + b"G"]
            opened = [await connect(each) for each in sent]
            return [await asyncio.wait_for(reader.read(), TIMEOUT_SECONDS) for reader, _ in opened]

    received = asyncio.run(check())
    assert received[:4] == [b""] * 4
    assert all(each.startswith(RESPONSE) for each in received[4:])


def test_http2_is_refused() -> None:
    async def check() -> bytes:
        async with serving(TIMEOUT_SECONDS) as connect:
            reader, _ = await connect(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return await asyncio.wait_for(reader.read(), TIMEOUT_SECONDS)

    assert asyncio.run(check()) == b""


def test_more_silent_connections_than_the_backlog_delay_no_request() -> None:
    async def check() -> bytes:
        async with serving(TIMEOUT_SECONDS) as connect:
            for _ in range(1100):
                await connect(b"")
            reader, _ = await connect(REQUEST)
            return await asyncio.wait_for(reader.readline(), TIMEOUT_SECONDS)

    assert asyncio.run(check()) == RESPONSE


def test_a_connection_of_a_client_that_does_not_read_is_closed() -> None:
    async def check() -> None:
        ended = asyncio.Event()

        async def endless(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["path"] == "/":
                await app(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            gone = asyncio.create_task(receive_disconnect(receive))
            while not gone.done():
                await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})
            ended.set()

        async with serving(TIMEOUT_SECONDS, endless) as connect:
            limit_unread_responses(0.2)
            await connect(b"GET /large HTTP/1.1\r\nhost: leads\r\n\r\n")
            await asyncio.wait_for(ended.wait(), TIMEOUT_SECONDS)

    asyncio.run(check())


def test_listing_connections_leaves_no_file_open(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w"):
        before = len([*Path("/proc/self/fd").iterdir()])
        limit_unread_responses()
        assert len([*Path("/proc/self/fd").iterdir()]) == before


async def receive_disconnect(receive: Any) -> None:
    """Wait until the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", b"400 Bad Request"),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", b"431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", b"431 Request Header Fields Too Large"),
    ],
)
def test_the_server_responds_to_malformed_requests_as_documented(sent: bytes, status: bytes) -> None:
    async def check() -> bytes:
        async with serving(TIMEOUT_SECONDS) as connect:
            reader, _ = await connect(sent)
            return await asyncio.wait_for(reader.read(), TIMEOUT_SECONDS)

    head, body = asyncio.run(check()).split(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    assert (first, body) == (b"HTTP/1.1 " + status, b"")
    assert {b"connection: close", b"content-length: 0"} <= {*fields}


def test_a_request_head_has_a_maximum_size() -> None:
    async def check() -> bytes:
        async with serving(TIMEOUT_SECONDS) as connect:
            reader, _ = await connect(REQUEST[:-2] + b"x-long: " + b"x" * connections.HEAD_MAX)
            return await asyncio.wait_for(reader.readline(), TIMEOUT_SECONDS)

    assert asyncio.run(check()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "fitting"),
    [
        (20_000, 20_000, None, 10_000),
        (-1, -1, None, 10_000),
        (1024, 524_288, 10_200, 10_000),
        (1024, -1, 10_200, 10_000),
        (1024, 4096, 4096, 3896),
        (100, 100, 100, 1),
    ],
)
def test_the_limit_of_open_files_is_raised_or_connections_are_reduced(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int | None, fitting: int
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.append(new))
    assert connections.connection_limit() == fitting
    assert [each[0] for each in limits[1:]] == ([] if raised is None else [raised])
    warning = low_limit_warning(fitting)
    assert (warning is None) == (fitting == connections.CONNECTIONS_MAX)
    assert warning is None or f"{fitting} connections" in warning
