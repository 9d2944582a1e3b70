"""Represent queued units of work, and deliver their results."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leads_adapters.sql.unit_of_work import SqlUnitOfWork


def _new_future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class Job:
    """A unit of work to run, the future of its caller, and its result or error."""

    run: Callable[[SqlUnitOfWork], Any]
    future: asyncio.Future[Any] = field(default_factory=_new_future)
    result: Any = None
    error: Exception | None = None


def deliver(jobs: Sequence[Job]) -> None:
    """Set the result or the error of each job on its future."""
    for job in jobs:
        if job.future.done():  # the caller was cancelled; the work is done anyway
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(_for_future(job.error))


def _for_future(error: Exception) -> Exception:
    """Wrap StopIteration, which a future cannot carry."""
    return RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
