"""The resources /health/*, for supervisors and load balancers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.problems import RETRY_LATER, Problem
from leads_adapters.http.views import Health

CACHED_SECONDS = 1.0


@dataclass(slots=True)
class HealthRoutes:
    """Tells whether the process lives, and whether it can do its work. `check` raises `Unavailable` if not."""

    check: Callable[[], Awaitable[None]]
    is_stopping: Callable[[], bool]
    _good_until: float = field(default=float("-inf"), init=False)

    @operation(
        method="GET",
        path="/health/live",
        tag="Health",
        permission=None,
        replies={200: Reply(means="The process answers.", schema=Health)},
    )
    async def live(self, _: Call) -> Answer:
        """Check that the process answers."""
        return json_answer(Health())

    @operation(
        method="GET",
        path="/health/ready",
        tag="Health",
        permission=None,
        replies={200: Reply(means="The service can do its work.", schema=Health)},
        problems=("unavailable",),
    )
    async def ready(self, _: Call) -> Answer:
        """Check that the service is ready.

        The database answers, has the right schema and takes writes, and the service is not about to stop. A good answer
        of the database holds for one second. After a write has failed, each check tries one, once a second.
        """
        if self.is_stopping():
            raise Problem("unavailable", "The service is about to stop.", headers=(RETRY_LATER,))
        if monotonic() >= self._good_until:
            await self.check()
            self._good_until = monotonic() + CACHED_SECONDS
        return json_answer(Health())
