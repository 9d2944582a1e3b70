"""Implement the domain's ports with predictable results that a test can set."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from builders import NOON, an_email, an_id
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import ValidationFailed
from leads_domain.incoming_mail import MAIL_BYTES_MAX
from leads_domain.mail_source import MailSourceUnavailable, Take
from leads_domain.notifier import Address, FollowUpNotice, Receipt


@dataclass
class FixedClock:
    """A `Clock` that changes only with `advance` or when `time` is set."""

    time: datetime = NOON

    def now(self) -> datetime:
        """Return the current time."""
        return self.time

    def advance(self, by: timedelta) -> datetime:
        """Advance the clock and return the new time."""
        self.time += by
        return self.time


@dataclass
class CountingIds:
    """An `IdSource` with strictly increasing ids, greater than those of the builders."""

    given_out: int = 1000

    def new(self) -> str:
        """Return the next id."""
        self.given_out += 1
        return an_id(self.given_out)


@dataclass
class FixedEntropy:
    """A predictable `Entropy`: the bytes of the first draw are all 0, those of the second all 1, and so on."""

    draws: int = 0

    def random_bytes(self, size: int) -> bytes:
        """Return `size` bytes, each the number of earlier draws."""
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
    """A `FollowUpNotifier` that records and accepts every notice, except after `fail_with`.

    `notices` has all notices that it received, `accepted` those that it did not fail.
    """

    needs: Address | None = None
    notices: list[FollowUpNotice] = field(default_factory=list)
    accepted: list[FollowUpNotice] = field(default_factory=list)
    _errors: deque[Exception] = field(default_factory=deque)

    def fail_with(self, *errors: Exception) -> None:
        """Raise these errors, one for each of the next notices."""
        self._errors += errors

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Record `notice`, then raise the next error or accept it."""
        self.notices.append(notice)
        if self._errors:
            raise self._errors.popleft()
        self.accepted.append(notice)
        return Receipt(f"receipt {len(self.accepted)}")


class PlainNormalizer:
    """A `Normalizer` that accepts any text with an @ as an e-mail address, and any text after a + as a phone number."""

    def email(self, text: str) -> EmailAddress:
        """Return the e-mail address in `text`. Raises `ValidationFailed` if it has no @."""
        if "@" not in text:
            raise ValidationFailed.because("This is not an e-mail address.")
        return an_email(text.strip())

    def phone(self, text: str) -> PhoneNumber:
        """Return the phone number in `text`. Raises `ValidationFailed` if it does not start with +."""
        if not text.startswith("+"):
            raise ValidationFailed.because("This is not a phone number.")
        return PhoneNumber(text)


@dataclass
class MemoryMailbox:
    """A `MailSource` with the messages that arrived, and whether each is seen. It fails while `error` is set."""

    error: Exception | None = None
    messages: list[tuple[bytes, bool]] = field(default_factory=list)
    _left: set[bytes] = field(default_factory=set)

    def open(self) -> "MemoryMailbox":
        """Return the mailbox itself."""
        return self

    def add(self, *messages: bytes) -> None:
        """Let messages arrive."""
        self.messages += [(message, False) for message in messages]

    def count_seen(self) -> tuple[int, int]:
        """Return how many messages are seen, and how many are not."""
        seen = [is_seen for _, is_seen in self.messages]
        return seen.count(True), seen.count(False)

    def delete(self) -> None:
        """Delete all messages."""
        self.messages.clear()

    def remove(self) -> "MemoryMailbox":
        """Return a mailbox that does not exist."""
        return MemoryMailbox(error=MailSourceUnavailable("There is no such mailbox."))

    def deliver(self, take: Take, limit: int) -> int:
        """See `MailSource.deliver`."""
        self.check()
        stored = 0
        unseen = [each for each in self.messages if not each[1]]
        for unseen_message in sorted(unseen, key=lambda each: each[0] in self._left)[:limit]:
            if unseen_message not in self.messages:
                continue
            message = unseen_message[0]
            if take(message[:MAIL_BYTES_MAX]):
                self.messages = [(each, is_seen or each == message) for each, is_seen in self.messages]
                stored += 1
            else:
                self._left.add(message)
        return stored

    def check(self) -> None:
        """See `MailSource.check`."""
        if self.error:
            raise self.error
