"""The tests that an adapter must pass, ready to be inherited from.

Plain classes with plain assertions, for pytest and for everything else that collects methods by
the name `test_...`. Standard library only.
"""

from leads_domain.testing.notifier import FollowUpNotifierContract
from leads_domain.testing.receiver import Behaviour, Received

__all__ = ["Behaviour", "FollowUpNotifierContract", "Received"]
