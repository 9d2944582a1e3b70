"""Identifiers, secrets and lots."""

import random
import secrets

from uuid_utils import uuid7


class Uuid7Source:
    """Makes UUIDv7 (RFC 9562): they sort by the time they were made."""

    def new(self) -> str:
        """A new identifier, as lower-case text."""
        return str(uuid7())


class SystemEntropy:
    """Makes secrets with the operating system's generator."""

    def draw(self, size: int) -> bytes:
        """`size` bytes that nobody can predict."""
        return secrets.token_bytes(size)


class SystemRandomSource:
    """Draws lots with Python's generator, which nobody may rely on for a secret."""

    def draw(self) -> float:
        """Any number from 0 up to, but not including, 1."""
        return random.random()  # noqa: S311 - no secret
