"""Run PocketBase as it is shipped: `synchronous=NORMAL`, its request log, all cores, no rate limit.

Pages are requested without the total (`skipTotal`), as its documentation recommends, and use an index.
"""

import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks import sample
from benchmarks.figures import Goal
from benchmarks.peers import PROGRAMS
from benchmarks.peers.peer import Peer, Served
from benchmarks.processes import HOST, free_port, run_server
from benchmarks.target import CREATE, PAGE, PAGE_SIZE, PAGES, READ, Target

_PROGRAM = str(PROGRAMS / "pocketbase")
_BATCH = 500
_RECORDS = "/api/collections/leads/records"
_KEY = secrets.token_hex()
_ADMIN = {"identity": "admin@example.com", "password": secrets.token_hex()}
_RULE = f'@request.headers.x_api_key = "{_KEY}"'
_COLLECTION = {
    "name": "leads",
    "type": "base",
    "listRule": _RULE,
    "viewRule": _RULE,
    "createRule": _RULE,
    "fields": [
        {"name": "name", "type": "text", "required": True, "max": 200},
        {"name": "email", "type": "email", "required": True},
        {"name": "phone", "type": "text", "max": 50},
        {"name": "source", "type": "text", "max": 100},
        {"name": "owner", "type": "email"},
        {"name": "attributes", "type": "json"},
        {"name": "status", "type": "text", "max": 20},
        {"name": "created", "type": "autodate", "onCreate": True},
    ],
    "indexes": [
        "CREATE UNIQUE INDEX ix_leads_email ON leads (email)",
        "CREATE INDEX ix_leads_created ON leads (created)",
    ],
}


@contextmanager
def _serve(folder: Path, leads: int) -> Iterator[Served]:
    data, port = f"--dir={folder / 'data'}", free_port()
    superuser = [_PROGRAM, "superuser", "upsert", *_ADMIN.values(), data]
    subprocess.run(superuser, cwd=folder, check=True, capture_output=True)
    command = [_PROGRAM, "serve", f"--http={HOST}:{port}", data]
    with run_server(command, folder, port=port, ready="/api/health") as server:
        ids = folder / "ids.txt"
        with httpx.Client(base_url=server.url, timeout=60, event_hooks={"response": [_check]}) as client:
            ids.write_text("\n".join(_fill(client, leads)))
        address, headers = server.url + _RECORDS, {"X-API-Key": _KEY}
        page = f"{address}?perPage={PAGE_SIZE}&sort=-created&skipTotal=1"
        target = Target(address, page, ids, headers, lambda number: f"{page}&page={number + 1}")
        yield Served(target, lambda: _count_leads(address, headers), _versions())


def _fill(client: httpx.Client, leads: int) -> list[str]:
    """Create the collection, store the leads in batches, and return their ids. Then disable batches."""
    token = client.post("/api/collections/_superusers/auth-with-password", json=_ADMIN).json()["token"]
    client.headers["Authorization"] = token
    client.post("/api/collections", json=_COLLECTION)
    client.patch("/api/settings", json={"batch": {"enabled": True, "maxRequests": _BATCH, "timeout": 60}})
    ids: list[str] = []
    for first in range(0, leads, _BATCH):
        requests = [_request(number) for number in range(first, min(first + _BATCH, leads))]
        ids += (each["body"]["id"] for each in client.post("/api/batch", json={"requests": requests}).json())
    client.patch("/api/settings", json={"batch": {"enabled": False}})
    return ids


def _request(number: int) -> dict[str, Any]:
    return {"method": "POST", "url": _RECORDS, "body": sample.lead(number) | {"status": "new"}}


def _check(response: httpx.Response) -> None:
    response.read()
    response.raise_for_status()


def _count_leads(address: str, headers: Mapping[str, str]) -> int:
    count: int = httpx.get(f"{address}?perPage=1", headers=headers).json()["totalItems"]
    return count


def _versions() -> Mapping[str, str]:
    output = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return {"PocketBase": output.split()[-1]}


POCKETBASE = Peer("PocketBase", {READ: Goal(1.1), PAGE: Goal(2.5), PAGES: Goal(1.5), CREATE: Goal(1)}, _serve)
