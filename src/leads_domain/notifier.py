"""The port that sends follow-ups. Implement it to add a channel.

A notifier is an object with the method `notify` and the property `needs`. Register a factory
`(options: Mapping[str, str]) -> FollowUpNotifier` in the entry-point group `leads.notifiers`.
`leads_domain.testing` has the tests that a notifier must pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from leads_domain.details import Scalar


class Address(StrEnum):
    """The kinds of address that a channel can need."""

    EMAIL = "email"
    PHONE = "phone"


class NoticeKind(StrEnum):
    """The kinds of notice: about one lead, or the daily digest of a colleague."""

    FOLLOW_UP = "follow_up"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpNotice:
    """A follow-up that is ready to be sent, or a digest.

    All attempts of a follow-up have the same `idempotency_key`, so that the receiver can recognise a repeated notice.
    `attempt` counts from 1. `lead` has fields of the lead, with their names in the API.

    `subject` is one line without control characters, and may be empty. `details` are facts of the lead as plain text,
    for colleagues only: they are empty if the lead is the recipient. `unsubscribe_url`, which is secret, is for
    leads only: it leads to a page on which the lead can opt out, and a POST request to it opts out (RFC 8058). A digest
    has its own id as `follow_up_id`, an empty `lead_id` and an empty `lead`.
    """

    follow_up_id: str
    lead_id: str
    idempotency_key: str
    attempt: int
    channel: str
    name: str
    email: str | None
    phone: str | None
    message: str
    lead: Mapping[str, Scalar] = field(default_factory=dict)
    subject: str = ""
    details: str = ""
    kind: NoticeKind = NoticeKind.FOLLOW_UP
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The confirmation that a channel has accepted a notice; `reference` is the id in the channel, if any."""

    reference: str | None = None


class NotificationError(Exception):
    """The notice was not sent. The text is stored with the follow-up, so it must not contain a secret."""


class TryAgain(NotificationError):
    """The notice cannot be sent now, but a retry may succeed: after `delay`, if the channel sets one."""

    def __init__(self, reason: str, delay: timedelta | None = None) -> None:
        super().__init__(reason)
        self.delay = delay


class Refused(NotificationError):
    """The channel will never accept this notice, so there is no retry."""


class FollowUpNotifier(Protocol):
    """A channel that sends notices.

    `notify` returns only after the channel has accepted the notice. Otherwise it raises `TryAgain` or `Refused`; any
    other exception counts as `TryAgain`. It must end within 30 s. Several threads call it at the same time, outside
    database transactions.
    """

    @property
    def needs(self) -> Address | None:
        """Return the kind of address that the channel needs; None if it needs no address."""

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Send the notice."""


@runtime_checkable
class Checkable(Protocol):
    """A notifier with the optional method `check`, which `leads doctor` calls."""

    def check(self) -> None:
        """Check the channel within 10 s, without sending; raises a `NotificationError` without a secret on failure."""
