"""Remember that the database fails: for the log, and for the check whether the service is ready."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic

from leads_adapters.sql.jobs import Job
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from leads_domain.replies import StoredReply

LOG_SECONDS = 60.0
"""How often the same cause is logged, however many requests fail for it."""

PROBE_SECONDS = 1.0
"""How often a write is tried at most after one has failed."""

_PROBE = StoredReply(
    caller="readiness",
    key="probe",
    fingerprint="",
    sealed="x" * 2**16,
    lead_id=None,
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
)
"""As large as a few leads: where a smaller write finds room, theirs may not. The next idempotent request drops it."""


def probe_write(work: UnitOfWork) -> None:
    """Store something, to learn whether writes work."""
    work.replies.keep(_PROBE)


class Outages:
    """Knows whether the last write failed. `log` is called with a new reason, and with the same one once a minute."""

    def __init__(self, log: Callable[[str], None], now: Callable[[], float] = monotonic) -> None:
        self.write_failure: Unavailable | None = None
        self._log = log
        self._now = now
        self._logged = ""
        self._silent_until = float("-inf")
        self._no_probe_until = float("-inf")

    def note(self, failure: Unavailable) -> None:
        """Log why the database failed, without a row that PostgreSQL may quote."""
        reason = " ".join(str(failure).partition("\nDETAIL:")[0].split())
        if reason != self._logged or self._now() >= self._silent_until:
            self._logged, self._silent_until = reason, self._now() + LOG_SECONDS
            self._log(reason)

    def after_read(self, jobs: Sequence[Job]) -> Unavailable | None:
        """Log why the database failed, if it did, and return that; the jobs shared a transaction."""
        failure = next((job.error for job in jobs if isinstance(job.error, Unavailable)), None)
        if failure is not None:
            self.note(failure)
        return failure

    def after_write(self, jobs: Sequence[Job], done: int) -> None:
        """Do the same, and remember whether any of the jobs was done."""
        failure = self.after_read(jobs)
        if done:
            self.write_failure = None
        elif failure is not None:
            self.write_failure = failure

    def check(self) -> bool:
        """Return whether a write is to be tried. Raise the failure again if the last one was tried just now."""
        if self.write_failure is None:
            return False
        if self._now() < self._no_probe_until:
            raise self.write_failure
        self._no_probe_until = self._now() + PROBE_SECONDS
        return True
