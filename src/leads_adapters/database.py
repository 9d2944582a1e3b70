"""The protocol by which adapters run use cases, each in one unit of work."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork

Arguments = ParamSpec("Arguments")
ResultT = TypeVar("ResultT")

UseCase = Callable[Concatenate[UnitOfWork, Arguments], ResultT]


class Outage(Unavailable):
    """The database failed, not the use case. The message is for operators: it may name files and hosts.

    A `permanent` outage, such as a damaged file, ends only with a restart.
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class StorageFull(Outage):
    """The disk of the database is full."""


class Database(Protocol):
    """Runs use cases. Its methods raise the errors of the use case, or `Unavailable`."""

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a use case that changes nothing, on one consistent state of the database."""

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a read that may take more than a few milliseconds, without delaying other requests."""

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a use case and commit. When this returns, its changes are durable; if it raises, nothing was changed.

        Cancelling the caller does not stop the unit of work half-way. A use case may be run again after a conflict
        with another one; only its last run counts.
        """

    async def check_ready(self) -> None:
        """Raise `Unavailable` unless the schema is right, and writes do not fail."""

    async def wait_for_change(self, seconds: float) -> None:
        """Return soon after any process has scheduled a follow-up, or else after `seconds`.

        Changes since the last call count. It may return early, and never raises: a missed change must do no more harm
        than the wait. One caller at a time.
        """

    async def close(self) -> None:
        """Finish the work under way and close the database; later calls raise `Unavailable`."""
