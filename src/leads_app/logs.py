"""Log one line for each event to standard error, as text or JSON, without personal data."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from leads_adapters.http.request_middleware import AccessLog
from leads_domain.control_characters import escape_controls


def configure_logs(log_format: str | None) -> None:
    """Configure logging in the format `console` or `json`; by default `console` on a terminal, else `json`."""
    chosen = _format_or_default(log_format)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render = _CONSOLE if chosen == "console" else [_json]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _format_or_default(log_format: str | None) -> str:
    return log_format or ("console" if sys.stderr.isatty() else "json")


def make_access_log(log_format: str | None) -> AccessLog:
    """Return the access log in the format that `configure_logs` chooses."""
    return access_log if _format_or_default(log_format) == "console" else JsonAccessLog(sys.stderr.buffer)


def access_log(**fields: Any) -> None:
    """Log one request with structlog."""
    structlog.get_logger().info("request", **fields)


class JsonAccessLog:
    """Log requests as JSON, with one write for all requests of an event-loop turn.

    This is faster than structlog, and each write releases the interpreter lock. See
    docs/decisions/0011-cheaper-requests.md. No line is lost at shutdown: the event loop turns once more after the last
    response.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []

    def __call__(self, **fields: Any) -> None:
        """Log one request. Call this on the event loop."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write)
        event = {**fields, "event": "request", "level": "info", "timestamp": datetime.now(UTC)}
        self._lines.append(msgspec.json.encode(event))

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write(b"\n".join(lines) + b"\n")
        self._stream.flush()


def error_log(error: BaseException, request_id: str) -> None:
    """Log an unexpected error by its type and traceback. Its message is left out: it may quote client data."""
    where = "".join(traceback.format_tb(error.__traceback__))
    structlog.get_logger().error("fault", request_id=request_id, error=type(error).__name__, where=where)


def outage_log(reason: str) -> None:
    """Log the database's message for a failed read or write."""
    structlog.get_logger().error("database_failed", reason=reason)


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return escape_controls(msgspec.json.encode(event, enc_hook=str).decode())


def _escape(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape control characters, except line breaks: the renderer quotes values that have any, and not the event."""
    escaped = {name: _escape_lines(value) if isinstance(value, str) else value for name, value in event.items()}
    return {**escaped, "event": escape_controls(str(event["event"]))}


def _escape_lines(text: str) -> str:
    return "\n".join(map(escape_controls, text.split("\n")))


_CONSOLE: Sequence[Processor] = (structlog.processors.format_exc_info, _escape, structlog.dev.ConsoleRenderer())
