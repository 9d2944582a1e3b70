"""Configure Hypothesis and the garbage collector for all tests."""

import gc
import os

from hypothesis import HealthCheck, settings

# The default profile always runs the same examples; `make fuzz` searches for new ones. No deadline: machines may stall.
settings.register_profile(
    "everyday", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


def pytest_collection_finish() -> None:
    """Let the garbage collector skip the imported modules and the collected tests, which all stay until the end."""
    gc.collect()
    gc.freeze()
