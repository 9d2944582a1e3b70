"""The port of mailboxes: where e-mail messages come from."""

from collections.abc import Callable
from typing import Protocol

from leads_domain.errors import LeadsError

Take = Callable[[bytes], bool]
"""Store a message. Return whether it was stored, by this call or an earlier one."""


class MailSourceUnavailable(LeadsError):
    """The mailbox cannot be read now. The message is for operators and contains no secret."""


class MailSource(Protocol):
    """A mailbox whose messages are marked as seen after they are stored.

    Several processes may read the same mailbox. A message that is passed on twice is the same byte for byte, so that
    the caller can recognise it: messages have no other identity here.
    """

    def deliver(self, take: Take, limit: int) -> int:
        """Pass up to `limit` unseen messages to `take`, the oldest first; return the number of those that it stored.

        Each message is marked as seen after `take` has returned true, and before the next one is passed on. If it
        returns false, the message stays unseen, and those behind it come first the next time. Messages are cut after
        `MAIL_BYTES_MAX` bytes. Ends within a few minutes whatever the mailbox does. Raises `MailSourceUnavailable`, and
        the errors of `take` unchanged.
        """

    def check(self) -> None:
        """Check the mailbox within 10 s, without reading or marking a message; raises `MailSourceUnavailable`."""
