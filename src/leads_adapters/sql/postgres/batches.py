"""Run units of work on PostgreSQL in threads. Units of work that wait at the same time share a transaction.

Switching threads, BEGIN and COMMIT cost several times as much as the statements of a small request. If a batch fails,
it is rolled back, and each unit of work runs in a separate transaction. See
docs/decisions/0013-postgresql-in-batches.md.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from leads_adapters.sql.jobs import Job
from leads_adapters.sql.postgres.errors import CONFLICTS, CommitUndecided, translate_error
from leads_adapters.sql.postgres.transactions import Transactions
from leads_adapters.sql.unit_of_work import SqlUnitOfWork

BATCH_MAX = 64
"""The maximum number of units of work in a transaction."""

RUNS_MAX = 4
"""The maximum number of runs of a unit of work that meets conflicts or lost connections."""

_SHORT_LOCK_TIMEOUT = "; SET LOCAL lock_timeout = '100ms'"
"""A batch does not wait long for a lock. Its units of work run alone instead."""


class _RollbackNeeded(Exception):
    """A unit of work failed after it had changed rows."""


@dataclass(slots=True)
class Queue:
    """Jobs that wait for a batch, and the threads that run the batches."""

    begin: str
    batches_max: int
    threads: ThreadPoolExecutor = field(init=False)
    waiting: list[Job] = field(default_factory=list)
    running: int = 0

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(self.batches_max, thread_name_prefix="postgres")

    def next_batch(self) -> Sequence[Job]:
        """Remove and return the jobs of the next batch."""
        batch, self.waiting = self.waiting[:BATCH_MAX], self.waiting[BATCH_MAX:]
        return batch


def run_batch(transactions: Transactions, begin: str, batch: Sequence[Job]) -> bool:
    """Run jobs in one transaction. Return False if it was rolled back: then each job must run alone."""
    try:
        with transactions.transaction(begin + _SHORT_LOCK_TIMEOUT) as work:
            for job in batch:
                _run_in_batch(job, work)
    except CommitUndecided as error:
        for job in batch:
            job.error = error
    except Exception:  # noqa: BLE001 - the job that runs alone raises it again
        return False
    return True


def _run_in_batch(job: Job, work: SqlUnitOfWork) -> None:
    """Run a job in a batch. Its error affects the other jobs only if it requires a rollback."""
    before = work.runner.changed_rows
    try:
        job.result = job.run(work)
    except psycopg.Error:
        raise
    except Exception as error:
        if work.runner.changed_rows != before:
            raise _RollbackNeeded from error
        job.error = error


def run_alone(transactions: Transactions, begin: str, job: Job) -> None:
    """Run a job in a separate transaction. Retry after a conflict, or if the connection is lost before the commit."""
    for runs_left in reversed(range(RUNS_MAX)):
        try:
            with transactions.transaction(begin) as work:
                job.result, job.error = job.run(work), None
        except Exception as error:  # noqa: BLE001 - the caller gets it
            job.error = translate_error(error)
            if runs_left and isinstance(error, CONFLICTS):
                continue
        return
