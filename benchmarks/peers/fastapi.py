"""Run the service of `fastapi_leads` with uvicorn: one worker, uvloop, httptools, access log."""

import json
import secrets
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.figures import Goal
from benchmarks.peers import PROGRAMS
from benchmarks.peers.peer import Peer, Served
from benchmarks.processes import free_port, own_environment, run_server
from benchmarks.target import CREATE, PAGE, PAGE_SIZE, PAGES, READ, Target

_KEY = secrets.token_hex()
_FILL = (str(PROGRAMS / "python"), "-m", "benchmarks.peers.fastapi_fill")
_SERVE = (str(PROGRAMS / "python"), "-m", "uvicorn", "benchmarks.peers.fastapi_leads:app")


@contextmanager
def _serve(folder: Path, leads: int) -> Iterator[Served]:
    fill = [*_FILL, str(leads), _KEY]
    done = subprocess.run(fill, cwd=folder, env=own_environment(), stdout=subprocess.PIPE, check=True)
    filled = json.loads(done.stdout)
    ids = folder / "ids.txt"
    ids.write_text("\n".join(map(str, filled["ids"])))
    port = free_port()
    with run_server([*_SERVE, "--port", str(port)], folder, port=port, ready="/health") as server:
        address = f"{server.url}/leads"
        page = f"{address}?limit={PAGE_SIZE}"
        headers = {"X-API-Key": _KEY}
        target = Target(address, page, ids, headers, lambda number: f"{page}&offset={number * PAGE_SIZE}")
        yield Served(target, lambda: _count_leads(folder), filled["versions"])


def _count_leads(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "leads.db")) as connection:
        count: int = connection.execute("SELECT count(*) FROM leads").fetchone()[0]
        return count


FASTAPI = Peer("FastAPI + ORM", {READ: Goal(10), PAGE: Goal(10), PAGES: Goal(10), CREATE: Goal(10)}, _serve)
