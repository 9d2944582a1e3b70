"""Print the follow-ups a second of `leads dispatch --once`: `python -m benchmarks.dispatching`."""

import time

from leads_app.cli import session
from leads_domain.notifier import Address, FollowUpNotice, Receipt

CHANNEL = "constant"
ATTEMPT_SECONDS = 0.005


class ConstantNotifier:
    """A channel that takes the same time for every notice, as if it waited for a server."""

    needs: Address | None = None

    def notify(self, notice: FollowUpNotice) -> Receipt:  # noqa: ARG002
        """Send nothing."""
        time.sleep(ATTEMPT_SECONDS)
        return Receipt()


if __name__ == "__main__":
    with session.opened() as (container, run):
        container.notifiers.override({CHANNEL: ConstantNotifier()})
        began = time.perf_counter()
        attempts = run(container.dispatcher().run_once())
        print(attempts / (time.perf_counter() - began))
