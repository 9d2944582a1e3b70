"""Measure how fast one dispatcher sends due follow-ups, and its memory when none is due."""

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from benchmarks.bench import Bench, log
from benchmarks.dispatching import ATTEMPT_SECONDS, CHANNEL
from benchmarks.failure import Failed
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.processes import Running
from benchmarks.service import LEADS, Filled
from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.tables import follow_ups, leads

_CHUNK = 10_000
_REST_SECONDS = 7.0
"""The time in which a dispatcher looks at least twice for due follow-ups."""

_new_id = Uuid7Source().new


def measure(bench: Bench) -> Findings:
    """Measure follow-ups a second when many are due, and memory when many or none are scheduled."""
    due, scheduled = bench.fill("due", bench.leads), bench.fill("scheduled", bench.few)
    sent = [_drain(due) for _ in range(bench.rounds)]
    at_rest = _memory(scheduled)
    _schedule(scheduled, bench.many, datetime.now(UTC) + timedelta(days=365))
    memory = _memory(scheduled)
    channel = f"{bench.leads:,} due, {ATTEMPT_SECONDS * 1000:.0f} ms each"
    return Findings(
        [
            Figure(f"follow-ups sent a second, {channel}", sent, Goal(1000)),
            Figure(f"memory of a dispatcher, {bench.many:,} scheduled / none", [memory / at_rest], Goal(most=1.1)),
            Figure("MB of memory of a dispatcher at rest", [at_rest]),
        ]
    )


def _drain(filled: Filled) -> float:
    """Return the follow-ups a second of a process that does nothing else."""
    with filled.installation.engine() as engine, engine.begin() as connection:
        connection.execute(delete(follow_ups))
    _schedule(filled, filled.stored, datetime.now(UTC))
    log("Sending due follow-ups ...")
    command = [sys.executable, "-m", "benchmarks.dispatching"]
    folder, environment = filled.installation.folder, filled.installation.environment()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or _count_unsent(filled):
        raise Failed(f"{_count_unsent(filled)} follow-ups were not sent: {done.stderr[-1000:]}")
    return float(done.stdout)


def _memory(filled: Filled) -> float:
    """Return the megabytes of a `leads dispatch` that has nothing to send."""
    log("Measuring a dispatcher at rest ...")
    folder, environment = filled.installation.folder, filled.installation.environment()
    with subprocess.Popen([*LEADS, "dispatch"], cwd=folder, env=environment) as process:
        try:
            time.sleep(_REST_SECONDS)
            return Running("", process.pid, 0).memory_mb()
        finally:
            process.terminate()


def _count_unsent(filled: Filled) -> int:
    with filled.installation.engine() as engine, engine.connect() as connection:
        return len(connection.execute(select(follow_ups.c.id).where(follow_ups.c.state != "sent")).all())


def _schedule(filled: Filled, number: int, due_at: datetime) -> None:
    """Store this number of follow-ups, spread over all leads."""
    log(f"Scheduling {number:,} follow-ups ...")
    with filled.installation.engine() as engine, engine.begin() as connection:
        connection.execute(update(leads).values(next_follow_up_at=due_at))
        ids = connection.execute(select(leads.c.id)).scalars().all()
        for first in range(0, number, _CHUNK):
            chunk = range(first, min(first + _CHUNK, number))
            connection.execute(insert(follow_ups), [_follow_up(ids, each, due_at) for each in chunk])


def _follow_up(leads: Sequence[str], number: int, due_at: datetime) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "id": _new_id(),
        "lead_id": leads[number % len(leads)],
        "recipient": "lead",
        "channel": CHANNEL,
        "message": "Hello, thank you for your interest. We will be in touch with you soon.",
        "due_at": due_at,
        "state": "scheduled",
        "attempts": 0,
        "next_attempt_at": due_at,
        "created_at": now,
        "updated_at": now,
        "claims": 0,
    }
