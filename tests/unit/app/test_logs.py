"""Test the access log."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from leads_app.logs import JsonAccessLog, access_log, configure_logs, make_access_log
from leads_domain.control_characters import escape_controls

FIELDS = {"request_id": "1", "method": "GET", "route": None, "status": 404, "ms": 0.5}


class Stream(io.BytesIO):
    """A stream that stores the bytes of each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[bytes] = []

    def flush(self) -> None:
        """Store the bytes since the last flush."""
        self.flushed.append(self.getvalue())
        self.seek(0)
        self.truncate()


@pytest.fixture
def unchanged_logs() -> Iterator[None]:
    """Restore the configuration of the logs after the test."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_requests_of_one_turn_of_the_event_loop_are_written_together() -> None:
    stream = Stream()

    async def log_requests() -> None:
        log = JsonAccessLog(stream)
        for request_id in ("1", "2"):
            log(**{**FIELDS, "request_id": request_id})
        assert not stream.getvalue()
        assert not stream.flushed
        await asyncio.sleep(0)
        log(**{**FIELDS, "request_id": "3"})

    asyncio.run(log_requests())
    ids = [[json.loads(line)["request_id"] for line in written.splitlines()] for written in stream.flushed]
    assert ids == [["1", "2"], ["3"]]


@pytest.mark.usefixtures("unchanged_logs")
def test_both_access_logs_write_the_same_fields(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs("json")
    access_log(**FIELDS)
    standard = json.loads(capsysbinary.readouterr().err)

    async def log_requests() -> None:
        make_access_log("json")(**FIELDS)

    asyncio.run(log_requests())
    fast = json.loads(capsysbinary.readouterr().err)
    timestamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    assert timestamp.fullmatch(standard.pop("timestamp"))
    assert timestamp.fullmatch(fast.pop("timestamp"))
    assert list(fast.items()) == list(standard.items())


def test_the_console_format_uses_the_standard_access_log() -> None:
    assert make_access_log("console") is access_log


@pytest.mark.usefixtures("unchanged_logs")
@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize(
    "value", ["\x1b]52;c;aGFjaw==\x07", "\x9b2J", "\x7f", "two words\x9d", "\u202eright", "a\nFORGED b"]
)
def test_no_value_of_a_log_line_controls_the_terminal(
    log_format: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(log_format)
    structlog.get_logger().warning("event", reason=value)
    logging.getLogger("library").error("message %s", value)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().err).removesuffix("\n").split("\n")  # without colours
    assert len(lines) == 2
    assert all(escape_controls(line) == line for line in lines)


@pytest.mark.usefixtures("unchanged_logs")
def test_the_error_of_a_library_is_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("console")
    logging.getLogger("library").error("It failed.", exc_info=RuntimeError("\x9b2J"))
    assert r"RuntimeError: \u009b2J" in capsys.readouterr().err
