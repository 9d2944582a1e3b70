"""Configure Hypothesis, the order and the garbage collector for all tests."""

import gc
import os
from itertools import groupby

import pytest
from hypothesis import HealthCheck, settings

# The default profile always runs the same examples; `make fuzz` searches for new ones. No deadline: machines may stall.
settings.register_profile(
    "everyday", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the end-to-end tests among the others: they wait for processes, and leave the processors to others."""
    placed: list[tuple[float, list[pytest.Item]]] = []
    for waiting in (True, False):
        tests = [item for item in items if ("e2e" in item.path.parts) is waiting]
        count = 0
        for _, module in groupby(tests, lambda item: item.path):
            group = list(module)
            placed.append(((count + len(group) / 2) / len(tests), group))
            count += len(group)
    items[:] = [item for _, group in sorted(placed, key=lambda each: each[0]) for item in group]


def pytest_collection_finish() -> None:
    """Let the garbage collector skip the imported modules and the collected tests, which all stay until the end."""
    gc.collect()
    gc.freeze()
