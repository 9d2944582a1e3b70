"""The tests that a notifier must pass, as a base class.

The tests use plain assertions and only the standard library. They run with pytest, and with any other runner that
collects methods named `test_...`.
"""

from leads_domain.testing.notifier import FollowUpNotifierContract
from leads_domain.testing.receiver import Behaviour, Received

__all__ = ["Behaviour", "FollowUpNotifierContract", "Received"]
