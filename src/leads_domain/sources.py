"""Ports for what the domain cannot make itself: time, identifiers, secrets, random numbers, canonical addresses."""

from datetime import datetime
from typing import Protocol

from leads_domain.contact import EmailAddress, PhoneNumber


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


class IdSource(Protocol):
    """Makes identifiers."""

    def new(self) -> str:
        """Return a UUIDv7 (RFC 9562) as lower-case text, never returned before."""


class Entropy(Protocol):
    """Makes secrets."""

    def random_bytes(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""


class RandomSource(Protocol):
    """Makes random numbers for jitter, which need not be unpredictable."""

    def random(self) -> float:
        """Return a number from 0 up to, but not including, 1, each as likely as another."""


class Normalizer(Protocol):
    """Turns what people type into canonical addresses, without asking the network."""

    def email(self, text: str) -> EmailAddress:
        """Return the address in `text`, stripped; raises `ValidationFailed` if it is invalid (RFC 5321, 6531)."""

    def phone(self, text: str) -> PhoneNumber:
        """Return the number in `text`; raises `ValidationFailed` if it is impossible for its country (ITU-T E.164)."""
