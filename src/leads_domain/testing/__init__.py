"""What an adapter of ours or of somebody else must pass, ready to be inherited from by its tests.

Plain classes with plain assertions, for pytest and for everything else that collects methods by
the name `test_...`. Standard library only.
"""

from leads_domain.testing.notifier import FollowUpNotifierContract
from leads_domain.testing.receiver import Behaviour, Received

__all__ = ["Behaviour", "FollowUpNotifierContract", "Received"]
