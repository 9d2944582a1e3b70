"""Describe the receiver of a channel, and the notices that it accepts."""

from dataclasses import dataclass
from enum import Enum


class Behaviour(Enum):
    """The behaviour of the receiver: the service or device that the channel sends to."""

    ACCEPTS = "accepts notices"
    FAILS = "fails temporarily, such as with HTTP 503 or SMTP 451"
    REFUSES = "refuses notices permanently, such as with HTTP 422 or SMTP 550"
    HANGS = "reads notices without a response until its behaviour changes, and accepts none of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A notice that the receiver accepted. A value is None if the receiver did not get it.

    `message`, `name` and `subject` can contain other text: use the whole text if you cannot separate them.
    """

    message: str
    idempotency_key: str | None
    address: str | None = None
    name: str | None = None
    subject: str | None = None
