"""How the outside runs a use case: inside one unit of work, on whichever database there is."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from leads_domain.ports import UnitOfWork

Arguments = ParamSpec("Arguments")
ResultT = TypeVar("ResultT")

UseCase = Callable[Concatenate[UnitOfWork, Arguments], ResultT]


class Database(Protocol):
    """Runs use cases. They raise what the use case raises, or `Unavailable`."""

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a use case that changes nothing, on one consistent state of the database."""

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """As `read`, for a use case that may take more than a few milliseconds: it holds nobody else up."""

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """Run a use case; when this returns, what it did is durable. If it raises, nothing was done.

        Cancelling the caller does not stop the unit of work half-way. A use case may be run again if
        another one got in its way; only its last run counts.
        """

    async def wait_for_change(self, seconds: float) -> None:
        """Return soon after somebody, in whatever process, has scheduled a follow-up, or else after `seconds`.

        Changes since the last call count. It may return sooner for no reason, and does not raise: to hear nothing of
        a change must do no more harm than to wait. One caller at a time.
        """

    async def close(self) -> None:
        """Finish what was begun and let go of the database; whatever is asked after that is `Unavailable`."""
