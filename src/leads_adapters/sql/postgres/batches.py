"""Run units of work on PostgreSQL in threads, those that wait together in one transaction.

A hop to a thread and the two ends of a transaction cost several times as much as the statements of a small request. If
the server refuses a batch, nothing of it was done, and each unit of work runs in a transaction of its own.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from leads_adapters.sql.jobs import Job
from leads_adapters.sql.postgres.errors import CONFLICTS, CommitUndecided, translated
from leads_adapters.sql.postgres.transactions import Transactions
from leads_adapters.sql.unit_of_work import SqlUnitOfWork

BATCH_MAX = 64
"""How many units of work share a transaction at most."""

RUNS_MAX = 4
"""How often a unit of work is run before its conflicts, or lost connections, are reported."""

_SHORT_LOCK_TIMEOUT = "; SET LOCAL lock_timeout = '100ms'"
"""A batch does not wait for a lock that one of its units of work needs: that one then runs alone."""


class _RollbackNeeded(Exception):
    """A unit of work failed after it had changed something."""


@dataclass(slots=True)
class Queue:
    """Jobs that wait for a batch, and the threads that run batches."""

    begin: str
    batches_max: int
    threads: ThreadPoolExecutor = field(init=False)
    waiting: list[Job] = field(default_factory=list)
    running: int = 0

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(self.batches_max, thread_name_prefix="postgres")

    def next_batch(self) -> Sequence[Job]:
        """Remove the jobs of the next batch."""
        batch, self.waiting = self.waiting[:BATCH_MAX], self.waiting[BATCH_MAX:]
        return batch


def run_batch(transactions: Transactions, begin: str, batch: Sequence[Job]) -> bool:
    """Run jobs in one transaction. Return False if it was rolled back: each job must then run alone."""
    try:
        with transactions.transaction(begin + _SHORT_LOCK_TIMEOUT) as work:
            for job in batch:
                _attempt(job, work)
    except CommitUndecided as error:
        for job in batch:
            job.error = error
    except Exception:  # noqa: BLE001 - the job that runs alone raises it again
        return False
    return True


def _attempt(job: Job, work: SqlUnitOfWork) -> None:
    """Run a job in a batch. Its error does not affect the others unless changes must be rolled back."""
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
    """Run a job in a transaction of its own. Run it again after a conflict or a connection lost before the commit."""
    for runs_left in reversed(range(RUNS_MAX)):
        try:
            with transactions.transaction(begin) as work:
                job.result, job.error = job.run(work), None
        except Exception as error:  # noqa: BLE001 - the caller gets it
            job.error = translated(error)
            if runs_left and isinstance(error, CONFLICTS):
                continue
        return
