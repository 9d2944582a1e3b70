"""Test that the use of API keys is recorded in the background, at most once a minute."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from structlog.testing import capture_logs

from fakes import FixedClock
from leads_adapters.database import Database
from leads_app.usage_recorder import UsageRecorder
from leads_domain.errors import Unavailable


class FakeDatabase:
    """A database that waits for `free` before each write, and stores the recorded times."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, datetime]] = []
        self.errors: list[Exception] = []
        self.free = asyncio.Event()

    async def write(self, use_case: Callable[[Any], None]) -> None:
        await self.free.wait()
        if self.errors:
            raise self.errors.pop()
        use_case(SimpleNamespace(api_keys=SimpleNamespace(record_use=self.written.append)))


async def run_pending() -> None:
    """Run all pending tasks as far as possible."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Callable[[FakeDatabase, UsageRecorder, FixedClock, list[float]], Any]) -> FakeDatabase:
    """Run a test with a database, a usage recorder and its two clocks."""

    async def running() -> FakeDatabase:
        database, clock, seconds = FakeDatabase(), FixedClock(), [0.0]
        recorder = UsageRecorder(cast(Database, database), clock, lambda: seconds[0])
        await test(database, recorder, clock, seconds)
        await run_pending()
        return database

    return asyncio.run(running())


def test_a_use_is_recorded_with_its_time_in_the_background() -> None:
    async def test(database: FakeDatabase, recorder: UsageRecorder, clock: FixedClock, _: list[float]) -> None:
        recorder.note("a")
        await run_pending()
        assert database.written == []
        clock.advance(timedelta(seconds=1))
        database.free.set()

    assert run(test).written == [{"a": FixedClock().now()}]


def test_the_use_of_a_key_is_recorded_once_a_minute() -> None:
    async def test(database: FakeDatabase, recorder: UsageRecorder, _: FixedClock, seconds: list[float]) -> None:
        database.free.set()
        for second in range(180):
            seconds[0] = float(second)
            recorder.note("a")
            recorder.note("b")
            await run_pending()

    assert [[*used] for used in run(test).written] == [["a", "b"]] * 3


def test_keys_used_during_a_write_are_recorded_by_the_next() -> None:
    async def test(database: FakeDatabase, recorder: UsageRecorder, _: FixedClock, __: list[float]) -> None:
        recorder.note("a")
        await run_pending()
        recorder.note("b")
        recorder.note("c")
        database.free.set()

    assert [[*used] for used in run(test).written] == [["a"], ["b", "c"]]


def test_a_failed_write_is_logged_without_the_key_and_the_next_succeeds() -> None:
    async def test(database: FakeDatabase, recorder: UsageRecorder, _: FixedClock, seconds: list[float]) -> None:
        database.free.set()
        database.errors = [Unavailable("disk full at swordfish"), RuntimeError("swordfish")]
        for _attempt in range(3):
            recorder.note("a")
            await run_pending()
            seconds[0] += 60

    with capture_logs() as log:
        assert [[*used] for used in run(test).written] == [["a"]]
    assert [(line["event"], line["error"]) for line in log] == [
        ("key_use_not_recorded", "RuntimeError"),
        ("key_use_not_recorded", "Unavailable"),
    ]
    assert "swordfish" not in str(log)
