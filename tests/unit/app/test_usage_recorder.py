"""The use of keys is recorded outside of requests, seldom, and whatever happens to it."""

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


class Recorder:
    """A database that is written to only when it is told to be free, and keeps what it was told."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, datetime]] = []
        self.errors: list[Exception] = []
        self.free = asyncio.Event()

    async def write(self, use_case: Callable[[Any], None]) -> None:
        await self.free.wait()
        if self.errors:
            raise self.errors.pop()
        use_case(SimpleNamespace(api_keys=SimpleNamespace(record_use=self.written.append)))


async def turns() -> None:
    """Let everything go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Callable[[Recorder, UsageRecorder, FixedClock, list[float]], Any]) -> Recorder:
    """Run a test with a recorder, the keys' use, and both of its clocks."""

    async def running() -> Recorder:
        recorder, clock, seconds = Recorder(), FixedClock(), [0.0]
        use = UsageRecorder(cast(Database, recorder), clock, lambda: seconds[0])
        await test(recorder, use, clock, seconds)
        await turns()
        return recorder

    return asyncio.run(running())


def test_a_use_is_recorded_with_its_time_and_nobody_waits() -> None:
    async def test(recorder: Recorder, use: UsageRecorder, clock: FixedClock, _: list[float]) -> None:
        use.note("a")
        await turns()
        assert recorder.written == []
        clock.advance(timedelta(seconds=1))
        recorder.free.set()

    assert run(test).written == [{"a": FixedClock().now()}]


def test_a_key_is_recorded_once_a_minute_however_often_it_is_used() -> None:
    async def test(recorder: Recorder, use: UsageRecorder, _: FixedClock, seconds: list[float]) -> None:
        recorder.free.set()
        for second in range(180):
            seconds[0] = float(second)
            use.note("a")
            use.note("b")
            await turns()

    assert [[*used] for used in run(test).written] == [["a", "b"]] * 3


def test_what_is_used_during_a_write_waits_for_the_next_one() -> None:
    async def test(recorder: Recorder, use: UsageRecorder, _: FixedClock, __: list[float]) -> None:
        use.note("a")
        await turns()
        use.note("b")
        use.note("c")
        recorder.free.set()

    assert [[*used] for used in run(test).written] == [["a"], ["b", "c"]]


def test_a_write_that_fails_is_told_without_the_key_and_the_next_is_made() -> None:
    async def test(recorder: Recorder, use: UsageRecorder, _: FixedClock, seconds: list[float]) -> None:
        recorder.free.set()
        recorder.errors = [Unavailable("disk full at swordfish"), RuntimeError("swordfish")]
        for _attempt in range(3):
            use.note("a")
            await turns()
            seconds[0] += 60

    with capture_logs() as log:
        assert [[*used] for used in run(test).written] == [["a"]]
    assert [(line["event"], line["error"]) for line in log] == [
        ("key_use_not_recorded", "RuntimeError"),
        ("key_use_not_recorded", "Unavailable"),
    ]
    assert "swordfish" not in str(log)
