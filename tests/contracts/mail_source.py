"""The contract of the `MailSource` port."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from leads_domain.errors import Unavailable
from leads_domain.incoming_mail import MAIL_BYTES_MAX
from leads_domain.mail_source import MailSource, MailSourceUnavailable

BATCH = 25


def a_message(number: int, text: str = "Hello") -> bytes:
    """Return a message."""
    head = f"From: Ann <ann@example.com>\r\nMessage-ID: <{number}@example.com>\r\nSubject: Offer {number}\r\n"
    return f"{head}\r\n{text}\r\n".encode()


@dataclass
class Taker:
    """Takes messages, and refuses those that contain `refused`."""

    refused: bytes = b"nothing"
    messages: list[bytes] = field(default_factory=list)

    def __call__(self, message: bytes) -> bool:
        """Record a message."""
        self.messages.append(message)
        return self.refused not in message


class RunningMailbox(Protocol):
    """A mailbox of a test."""

    def open(self) -> MailSource:
        """Open it as another process does."""

    def add(self, *messages: bytes) -> None:
        """Let messages arrive."""

    def count_seen(self) -> tuple[int, int]:
        """Return how many messages are seen, and how many are not."""

    def delete(self) -> None:
        """Delete all messages."""

    def remove(self) -> MailSource:
        """Return the source of a mailbox that does not exist."""


class MailSourceContract:
    """Inherit from it, name the class `Test...`, and define the fixture `mailbox`."""

    def test_unseen_messages_are_delivered_once_the_oldest_first(self, mailbox: RunningMailbox) -> None:
        mailbox.add(a_message(1), a_message(2))
        taker = Taker()
        assert mailbox.open().deliver(taker, BATCH) == 2
        mailbox.add(a_message(3))
        assert mailbox.open().deliver(taker, BATCH) == 1
        assert taker.messages == [a_message(1), a_message(2), a_message(3)]
        assert mailbox.open().deliver(taker, BATCH) == 0
        assert mailbox.count_seen() == (3, 0)

    def test_the_number_of_messages_is_limited(self, mailbox: RunningMailbox) -> None:
        mailbox.add(*map(a_message, range(3)))
        taker, source = Taker(), mailbox.open()
        assert [source.deliver(taker, 2), source.deliver(taker, 2)] == [2, 1]
        assert taker.messages == [*map(a_message, range(3))]

    def test_a_message_is_marked_after_it_is_stored_and_before_the_next_one(self, mailbox: RunningMailbox) -> None:
        mailbox.add(a_message(1), a_message(2))
        seen: list[tuple[int, int]] = []

        def take(_: bytes) -> bool:
            seen.append(mailbox.count_seen())
            return True

        mailbox.open().deliver(take, BATCH)
        assert seen == [(0, 2), (1, 1)]

    def test_a_message_that_is_not_stored_stays_unseen_and_comes_after_those_behind_it(
        self, mailbox: RunningMailbox
    ) -> None:
        mailbox.add(a_message(1, "poison"), a_message(2), a_message(3))
        taker, source = Taker(refused=b"poison"), mailbox.open()
        assert [source.deliver(taker, 1), source.deliver(taker, 2), source.deliver(taker, 2)] == [0, 2, 0]
        assert taker.messages == [a_message(1, "poison"), a_message(2), a_message(3), a_message(1, "poison")]
        assert mailbox.count_seen() == (2, 1)

    @pytest.mark.parametrize("error", [Unavailable("The database is away."), OSError("disk"), ValueError("text")])
    def test_an_error_while_storing_passes_unchanged_and_the_message_comes_again(
        self, mailbox: RunningMailbox, error: Exception
    ) -> None:
        mailbox.add(a_message(1))

        def fail(_: bytes) -> bool:
            raise error

        with pytest.raises(type(error)) as raised:
            mailbox.open().deliver(fail, BATCH)
        assert raised.value is error
        assert mailbox.open().deliver(Taker(), BATCH) == 1

    def test_a_long_message_is_cut(self, mailbox: RunningMailbox) -> None:
        whole = a_message(1, "x" * (MAIL_BYTES_MAX + 1000))
        mailbox.add(whole, a_message(2))
        taker = Taker()
        mailbox.open().deliver(taker, BATCH)
        assert taker.messages == [whole[:MAIL_BYTES_MAX], a_message(2)]

    @pytest.mark.parametrize("message", [b"\r\n", b"\xff\xfe\x00 garbage", b"Subject: " + b"a" * 5000])
    def test_bytes_that_are_no_message_are_delivered_unchanged(self, mailbox: RunningMailbox, message: bytes) -> None:
        mailbox.add(message)
        taker = Taker()
        mailbox.open().deliver(taker, BATCH)
        assert taker.messages == [message]

    def test_a_message_that_is_deleted_meanwhile_is_left_out(self, mailbox: RunningMailbox) -> None:
        mailbox.add(a_message(1), a_message(2))

        def delete(_: bytes) -> bool:
            mailbox.delete()
            return True

        mailbox.open().deliver(delete, BATCH)
        assert mailbox.open().deliver(Taker(), BATCH) == 0

    def test_two_processes_lose_no_message(self, mailbox: RunningMailbox) -> None:
        mailbox.add(a_message(1), a_message(2))
        other = Taker()

        def take(_: bytes) -> bool:
            mailbox.open().deliver(other, BATCH)
            return True

        mailbox.open().deliver(take, BATCH)
        assert {*other.messages} == {a_message(1), a_message(2)}
        assert mailbox.count_seen() == (2, 0)

    def test_a_check_changes_nothing(self, mailbox: RunningMailbox) -> None:
        mailbox.add(a_message(1))
        mailbox.open().check()
        assert mailbox.count_seen() == (0, 1)

    def test_a_mailbox_that_does_not_exist_is_unavailable(self, mailbox: RunningMailbox) -> None:
        missing = mailbox.remove()
        uses: Sequence[Callable[[], object]] = [missing.check, lambda: missing.deliver(Taker(), BATCH)]
        for use in uses:
            with pytest.raises(MailSourceUnavailable, match=r"^[A-Z/].*\.$"):
                use()
