"""Behave as bad clients do: hang up, and send or read slowly."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

from benchmarks.soak.client import MAIN, Client
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.record import INCOMPLETE, NO_RESPONSE, RESET, Exchange

PIECES = 10
SEND_PAUSE_SECONDS = 0.4
READ_PIECE_BYTES = 65_536
READ_PAUSE_SECONDS = 0.2

_LAST_CHUNK = b"0\r\n\r\n"


async def hang_up(client: Client, ledger: Ledger) -> None:
    """Send a request, and hang up before the response, after its first bytes, or in the middle of it."""
    lead = json.dumps({"name": "John Doe", "email": ledger.new_email()}).encode()
    method, path, body, size = ledger.random.choice(
        [
            ("POST", "/leads", lead, len(lead)),
            ("POST", "/leads/import", b"name,email\n", 1_000_000),
            ("GET", "/leads?q=john&count=true", b"", 0),
            ("GET", "/leads/export", b"", 0),
        ]
    )
    with suppress(OSError):
        reader, writer = await _connect(client)
        with closing(writer):
            type = "text/csv" if path.endswith("import") else "application/json"
            writer.write(_head(client, f"{method} {path}", f"Content-Type: {type}", f"Content-Length: {size}") + body)
            if expected := ledger.random.choice((0, 1, 10_000)):
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(expected), 1)
            writer.transport.abort()


async def send_slowly(client: Client, ledger: Ledger) -> None:
    """Create a lead by a request that takes some seconds to arrive."""
    email = ledger.new_email()
    body = json.dumps({"name": "John Doe", "email": email}).encode()
    headers = {"Content-Type": "application/json"}
    response = await client.send(
        "slow request", "POST", "/leads", 201, unanswered=RESET, content=_slowly(body), headers=headers
    )
    if response is not None and response.is_success:
        ledger.add(response.json()["id"], email)


async def read_slowly(client: Client, _: Ledger) -> None:
    """Export all leads, and read them slowly, but to the end."""
    began, status, read = client.record.now(), NO_RESPONSE, b""
    with suppress(OSError):
        reader, writer = await _connect(client)
        with closing(writer):
            writer.write(_head(client, "GET /leads/export", "Connection: close"))
            status = (await reader.readline()).decode()[9:12] or NO_RESPONSE
            while piece := await reader.read(READ_PIECE_BYTES):
                read = read[-len(_LAST_CHUNK) :] + piece
                await asyncio.sleep(READ_PAUSE_SECONDS)
    is_complete = status == "200" and read.endswith(_LAST_CHUNK)
    outcome = INCOMPLETE if status == "200" and not is_complete else status
    seconds = client.record.now() - began
    client.record.exchanges.append(Exchange("slow export", MAIN, began, seconds, outcome, is_complete))


async def _slowly(body: bytes) -> AsyncIterator[bytes]:
    size = len(body) // PIECES + 1
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(SEND_PAUSE_SECONDS)


async def _connect(client: Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(client.urls[MAIN])
    return await asyncio.open_connection(url.hostname, url.port)


def _head(client: Client, request_line: str, *headers: str) -> bytes:
    lines = [f"{request_line} HTTP/1.1", "Host: localhost", f"X-API-Key: {client.key}", *headers, "", ""]
    return "\r\n".join(lines).encode()
