"""Define how adapters run use cases: each in one unit of work."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork

Arguments = ParamSpec("Arguments")
ResultT = TypeVar("ResultT")

UseCase = Callable[Concatenate[UnitOfWork, Arguments], ResultT]


class Outage(Unavailable):
    """The database failed, not the use case. The message is for operators: it may name files and hosts.

    A `permanent` outage, such as a damaged file, lasts until a restart.
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class StorageFull(Outage):
    """The disk of the database is full."""


class Busy(Unavailable):
    """Too many reads wait. The message is for clients."""


class Database(Protocol):
    """Runs use cases. Its methods raise the errors of the use case, or `Unavailable`."""

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a use case that changes nothing, on one snapshot of the database."""

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a read that may take more than a few milliseconds, without delaying other requests.

        A few run at once, and the others wait. Raises `Busy` if too many wait, or if this one has waited for too long.
        If the caller is cancelled while it waits, the read never starts.
        """

    async def read_background(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Do the same for work that must not wait for `read_long`: metrics, imports and exports."""

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a use case and commit. When this returns, the changes are durable. If this raises, nothing was changed.

        Cancelling the caller does not interrupt the unit of work. After a conflict, the use case may run again; only
        the last run has an effect.
        """

    async def check_ready(self) -> None:
        """Raise `Unavailable` if the schema is not up to date or writes fail."""

    async def wait_for_change(self, seconds: float) -> None:
        """Return soon after a process has scheduled a follow-up, or after `seconds`.

        Changes since the last call count. May return early, and never raises. A change may be missed: the caller must
        look again after `seconds`. One caller at a time.
        """

    async def close(self) -> None:
        """Finish running work and close the database. Later calls raise `Unavailable`."""
