"""Generate identifiers, secrets and random numbers."""

import random
import secrets

from uuid_utils import uuid7


class Uuid7Source:
    """Generates UUIDv7 (RFC 9562), which sort by time of creation."""

    def new(self) -> str:
        """Return a new identifier as lower-case text."""
        return str(uuid7())


class SystemEntropy:
    """Generates secrets with the generator of the operating system."""

    def random_bytes(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""
        return secrets.token_bytes(size)


class SystemRandomSource:
    """Generates random numbers with Python's generator, which must not be used for secrets."""

    def random(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return random.random()  # noqa: S311 - no secret
