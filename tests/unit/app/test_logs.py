"""The line that is logged for every answered request."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from leads_app.logs import JsonAccessLog, access_log, configure_logs, make_access_log

FACTS = {"request_id": "1", "method": "GET", "route": None, "status": 404, "ms": 0.5}


class Stream(io.BytesIO):
    """Tells what was written before each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[bytes] = []

    def flush(self) -> None:
        """Keep it."""
        self.flushed.append(self.getvalue())
        self.seek(0)
        self.truncate()


@pytest.fixture
def unchanged_logs() -> Iterator[None]:
    """Lets a test set up logs, and undoes it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_the_requests_of_one_turn_of_the_loop_are_written_together() -> None:
    stream = Stream()

    async def answer() -> None:
        log = JsonAccessLog(stream)
        for request_id in ("1", "2"):
            log(**{**FACTS, "request_id": request_id})
        assert not stream.getvalue()
        assert not stream.flushed
        await asyncio.sleep(0)
        log(**{**FACTS, "request_id": "3"})

    asyncio.run(answer())
    ids = [[json.loads(line)["request_id"] for line in written.splitlines()] for written in stream.flushed]
    assert ids == [["1", "2"], ["3"]]


@pytest.mark.usefixtures("unchanged_logs")
def test_both_ways_to_log_a_request_say_the_same(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs("json")
    access_log(**FACTS)
    usual = json.loads(capsysbinary.readouterr().err)

    async def answer() -> None:
        make_access_log("json")(**FACTS)

    asyncio.run(answer())
    fast = json.loads(capsysbinary.readouterr().err)
    moment = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    assert moment.fullmatch(usual.pop("timestamp"))
    assert moment.fullmatch(fast.pop("timestamp"))
    assert list(fast.items()) == list(usual.items())


def test_people_get_lines_for_people() -> None:
    assert make_access_log("console") is access_log
