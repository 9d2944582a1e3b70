"""The port that sends follow-ups: what people implement to add a channel.

A notifier is a plain object with one method. Register a factory
`(options: Mapping[str, str]) -> FollowUpNotifier` under the entry-point group `leads.notifiers`;
`leads_domain.testing` has the tests that it must pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from leads_domain.details import Scalar


class Address(StrEnum):
    """The kinds of address that a channel may need."""

    EMAIL = "email"
    PHONE = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpNotice:
    """One follow-up, ready to be sent.

    `idempotency_key` is the same for every attempt at one follow-up, so that a receiver can tell a
    repeat; `attempt` counts from 1. `lead` holds the lead's facts by their names in the API.
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """The notice has left; `reference` is the channel's own name for it, if it gives one."""

    reference: str | None = None


class NotificationError(Exception):
    """The notice was not sent. The text is stored with the follow-up, so it must hold no secret."""


class TryAgain(NotificationError):
    """The notice could not be sent now and may be later; not before `delay`, if the channel says so."""

    def __init__(self, reason: str, delay: timedelta | None = None) -> None:
        super().__init__(reason)
        self.delay = delay


class Refused(NotificationError):
    """The notice will never be accepted as it is; trying again is useless."""


class FollowUpNotifier(Protocol):
    """Sends one notice, or says that it did not.

    `notify` returns only after the channel has accepted the notice. It raises `TryAgain` or
    `Refused`; whatever else it raises counts as `TryAgain`. It must end in less than 30 s, and it is
    called from several threads at once, outside any database transaction.
    """

    @property
    def needs(self) -> Address | None:
        """Return the kind of address that this channel needs; None if it needs none."""

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Send `notice`."""


@runtime_checkable
class Checkable(Protocol):
    """What a notifier may have besides: `leads doctor` asks it whether the channel would work, and nothing is sent."""

    def check(self) -> None:
        """Raise a `NotificationError` without any secret if the channel would not work. Must end in less than 10 s."""
