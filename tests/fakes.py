"""Adapters of the domain's ports that a test can predict and steer."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from builders import NOON, an_email, an_id
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import ValidationFailed
from leads_domain.notifier import Address, FollowUpNotice, Receipt


@dataclass
class FixedClock:
    """A `Clock` that stands still until it is told to move; `time` can be set."""

    time: datetime = NOON

    def now(self) -> datetime:
        """The time that was set."""
        return self.time

    def advance(self, by: timedelta) -> datetime:
        """Move on, and tell the new time."""
        self.time += by
        return self.time


@dataclass
class CountingIds:
    """An `IdSource` whose ids grow strictly; they start after those that the builders use."""

    given_out: int = 1000

    def new(self) -> str:
        """The next id."""
        self.given_out += 1
        return an_id(self.given_out)


@dataclass
class FixedEntropy:
    """An `Entropy` that everybody can predict: the first draw is all zeros, the second all ones, and so on."""

    draws: int = 0

    def random_bytes(self, size: int) -> bytes:
        """`size` times the number of draws before this one."""
        byte = self.draws % 256
        self.draws += 1
        return bytes([byte]) * size


@dataclass
class FixedRandomSource:
    """A `RandomSource` that always returns the same number, which can be set."""

    number: float = 0.5

    def random(self) -> float:
        """Return the number."""
        return self.number


@dataclass
class RecordingNotifier:
    """A `FollowUpNotifier` that accepts every notice and keeps it, unless it was told to fail.

    `notices` holds all that it was handed, `accepted` those that left.
    """

    needs: Address | None = None
    notices: list[FollowUpNotice] = field(default_factory=list)
    accepted: list[FollowUpNotice] = field(default_factory=list)
    _errors: deque[Exception] = field(default_factory=deque)

    def fail_with(self, *errors: Exception) -> None:
        """Raise these, one a notice, before accepting again."""
        self._errors += errors

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Keep `notice`, then raise the next error or accept it."""
        self.notices.append(notice)
        if self._errors:
            raise self._errors.popleft()
        self.accepted.append(notice)
        return Receipt(f"receipt {len(self.accepted)}")


class PlainNormalizer:
    """A `Normalizer` that takes what has an at sign for an address, and what starts with a plus sign for a number."""

    def email(self, text: str) -> EmailAddress:
        """The address in `text`, or `ValidationFailed`."""
        if "@" not in text:
            raise ValidationFailed.because("This is not an e-mail address.")
        return an_email(text.strip())

    def phone(self, text: str) -> PhoneNumber:
        """The number in `text`, or `ValidationFailed`."""
        if not text.startswith("+"):
            raise ValidationFailed.because("This is not a telephone number.")
        return PhoneNumber(text)
