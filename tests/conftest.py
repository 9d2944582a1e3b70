"""What all tests share."""

import os

from hypothesis import HealthCheck, settings

# The same examples every day: `make soak` looks for new ones. A shared machine may stall for longer than any deadline.
settings.register_profile(
    "everyday", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))
