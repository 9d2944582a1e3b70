"""Use cases that wait for their turn on a database."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from leads_adapters.sql.unit_of_work import SqlUnitOfWork


@dataclass(slots=True)
class Job:
    """A use case, whoever waits for its answer, and what became of it."""

    run: Callable[[SqlUnitOfWork], Any]
    future: asyncio.Future[Any]
    answer: Any = None
    error: Exception | None = None


def deliver(jobs: Sequence[Job]) -> int:
    """Give everybody who still waits the answer, or the error; how many of the jobs were done."""
    for job in jobs:
        if job.future.done():  # the caller was cancelled; its work is done all the same
            continue
        if job.error is None:
            job.future.set_result(job.answer)
        else:
            job.future.set_exception(_carried(job.error))
    return sum(job.error is None for job in jobs)


def _carried(error: Exception) -> Exception:
    """The error as a future can carry it: a StopIteration would end a coroutine as if nothing was wrong."""
    return RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
