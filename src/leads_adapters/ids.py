"""Identifiers, secrets and random numbers."""

import random
import secrets

from uuid_utils import uuid7


class Uuid7Source:
    """Makes UUIDv7 (RFC 9562), which sort by the time at which they were made."""

    def new(self) -> str:
        """Return a new identifier, as lower-case text."""
        return str(uuid7())


class SystemEntropy:
    """Makes secrets with the operating system's generator."""

    def random_bytes(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""
        return secrets.token_bytes(size)


class SystemRandomSource:
    """Takes random numbers from Python's generator, which is not fit for secrets."""

    def random(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return random.random()  # noqa: S311 - no secret
