"""What all tests share."""

from hypothesis import HealthCheck, settings

# A shared machine may stall for longer than any deadline, and its first example may be slow to draw.
settings.register_profile("everyday", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("everyday")
