"""The other end of a channel, as tests see it."""

from dataclasses import dataclass
from enum import Enum


class Behaviour(Enum):
    """What the receiver, the other end of the channel, does with notices."""

    ACCEPTS = "accepts them"
    FAILS = "fails in a way that passes, such as HTTP 503 or SMTP 451"
    REFUSES = "refuses them for good, such as HTTP 422 or SMTP 550"
    HANGS = "takes them and stays silent until its behaviour changes, and has accepted nothing then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What the receiver accepted, once for every time that it came. None stands for what did not come along.

    `message` and `name` may have other text around them: give the whole text if they cannot be told apart.
    """

    message: str
    idempotency_key: str | None
    address: str | None = None
    name: str | None = None
