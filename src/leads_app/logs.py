"""Logs: one line an event on standard error, for people or for machines, without personal data."""

import logging
import sys
import traceback
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def configure_logs(log_format: str | None) -> None:
    """Log as `console` or `json`; by default as console on a terminal and as JSON elsewhere."""
    chosen = log_format or ("console" if sys.stderr.isatty() else "json")
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: Processor = structlog.dev.ConsoleRenderer() if chosen == "console" else _json
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def access_log(**facts: Any) -> None:
    """One line for one answered request."""
    structlog.get_logger().info("request", **facts)


def error_log(error: BaseException, request_id: str) -> None:
    """One line for a fault of the service. What the error says is left out: it may quote what a client sent."""
    where = "".join(traceback.format_tb(error.__traceback__))
    structlog.get_logger().error("fault", request_id=request_id, error=type(error).__name__, where=where)


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
