"""Remember that the database fails: for the log, and for the readiness check."""

from collections.abc import Callable, Sequence
from time import monotonic

from sqlalchemy.exc import DBAPIError

from leads_adapters.database import Outage
from leads_adapters.sql.jobs import Job

LOG_SECONDS = 60.0
"""How often the same reason is logged, however many requests fail for it."""

PROBE_SECONDS = 1.0
"""How often a write is tried at most after one has failed."""


def reason_of(error: Exception) -> str:
    """Return why the database failed, on one line, without the row that PostgreSQL may quote in its DETAIL."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).partition("\nDETAIL:")[0].split())


class Outages:
    """Knows whether the last write failed. `log` is called with a new reason, and with the same one once a minute."""

    def __init__(self, log: Callable[[str], None], now: Callable[[], float] = monotonic) -> None:
        self._log = log
        self._now = now
        self._logged = ""
        self._silent_until = float("-inf")
        self._write_failure: Outage | None = None
        self._no_probe_until = float("-inf")

    def note(self, outage: Outage) -> None:
        """Log why the database failed, and remember a permanent outage."""
        if outage.permanent:
            self._write_failure = outage
        reason = reason_of(outage)
        if reason != self._logged or self._now() >= self._silent_until:
            self._logged, self._silent_until = reason, self._now() + LOG_SECONDS
            self._log(reason)

    def after_read(self, jobs: Sequence[Job]) -> Outage | None:
        """Note and return the outage that made jobs of one transaction fail, if any."""
        outage = next((job.error for job in jobs if isinstance(job.error, Outage)), None)
        if outage is not None:
            self.note(outage)
        return outage

    def after_write(self, jobs: Sequence[Job]) -> None:
        """Do the same, and remember whether writes fail."""
        outage = self.after_read(jobs)
        if self._write_failure is not None and self._write_failure.permanent:
            return
        if any(job.error is None for job in jobs):
            self._write_failure = None
        elif outage is not None:
            self._write_failure = outage

    def needs_probe(self) -> bool:
        """Return whether a write should be tried, because the last one failed. Raise `Outage` between two tries."""
        if self._write_failure is None:
            return False
        if self._write_failure.permanent or self._now() < self._no_probe_until:
            raise self._write_failure
        self._no_probe_until = self._now() + PROBE_SECONDS
        return True
