"""What the inside needs to be given because it may not make it up: time, identity, chance, addresses."""

from datetime import datetime
from typing import Protocol

from leads_domain.contact import EmailAddress, PhoneNumber


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class IdSource(Protocol):
    """Makes identifiers."""

    def new(self) -> str:
        """A UUIDv7 (RFC 9562) as lower-case text, never given out before."""


class Entropy(Protocol):
    """Makes secrets."""

    def draw(self, size: int) -> bytes:
        """`size` bytes that nobody can predict."""


class RandomSource(Protocol):
    """Draws lots. Need not be unpredictable."""

    def draw(self) -> float:
        """Any number from 0 up to, but not including, 1, each as likely as another."""


class Normalizer(Protocol):
    """Turns what people type into canonical addresses, without asking the network."""

    def email(self, text: str) -> EmailAddress:
        """Return the address in `text`, stripped; raises `ValidationFailed` if it is none (RFC 5321, 6531)."""

    def phone(self, text: str) -> PhoneNumber:
        """The number in `text`; raises `ValidationFailed` if it is not possible for its country (ITU-T E.164)."""
