"""Health, for supervisors and load balancers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

from litestar import Controller, Response, get

from leads_adapters.http import problems
from leads_adapters.http.authentication import PUBLIC
from leads_adapters.http.dependencies import Injected
from leads_adapters.http.problems import RETRY_LATER
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.health import Health

CACHED_SECONDS = 1.0


@dataclass(slots=True)
class Readiness:
    """Checks whether the service can do its work. `check_database` raises `Unavailable` if not."""

    check_database: Callable[[], Awaitable[None]]
    is_stopping: Callable[[], bool]
    now: Callable[[], float] = monotonic
    cached_seconds: float = CACHED_SECONDS
    _good_until: float = field(default=float("-inf"), init=False)

    async def check(self) -> None:
        """Raise `Unavailable` if the service stops or the database does not work; success is cached for a second."""
        if self.is_stopping():
            raise problems.Unavailable("The service is about to stop.", headers=RETRY_LATER)
        if self.now() >= self._good_until:
            await self.check_database()
            self._good_until = self.now() + self.cached_seconds


class HealthController(Controller):
    """The resources `/health/live` and `/health/ready`."""

    path = "/health"
    tags = ("Health",)

    @get("/live", opt=PUBLIC, response_description="The process answers.")
    async def get_liveness(self) -> Response[Health]:
        """Check that the process answers."""
        return JsonResponse(Health())

    @get("/ready", opt=PUBLIC, raises=[problems.Unavailable], response_description="The service can do its work.")
    async def get_readiness(self, readiness: Injected[Readiness]) -> Response[Health]:
        """Check that the service is ready.

        The database answers, has the right schema and takes writes, and the service is not about to stop. Success
        of the database check is cached for one second. After a write has failed, each check tries one, once a second.
        """
        await readiness.check()
        return JsonResponse(Health())
