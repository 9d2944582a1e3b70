"""The ports of clock, identifiers, secrets, random numbers and normalized addresses."""

from datetime import datetime
from typing import Protocol

from leads_domain.contact import EmailAddress, PhoneNumber


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""


class IdSource(Protocol):
    """A source of identifiers."""

    def new(self) -> str:
        """Return a new UUIDv7 (RFC 9562) as lower-case text."""


class Entropy(Protocol):
    """A source of secrets."""

    def random_bytes(self, size: int) -> bytes:
        """Return `size` cryptographically secure random bytes."""


class RandomSource(Protocol):
    """A source of random numbers for jitter. They need not be cryptographically secure."""

    def random(self) -> float:
        """Return a uniformly distributed number from 0 up to, but not including, 1."""


class Normalizer(Protocol):
    """Turn typed e-mail addresses and phone numbers into canonical values, without network access."""

    def email(self, text: str) -> EmailAddress:
        """Parse and strip an e-mail address; raises `ValidationFailed` if it is invalid (RFC 5321, 6531)."""

    def phone(self, text: str) -> PhoneNumber:
        """Parse a phone number; raises `ValidationFailed` if it is impossible in its country (ITU-T E.164)."""
