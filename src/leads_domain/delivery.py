"""Send claimed notices, and decide when a failed attempt is retried.

The notifier is called between two units of work. If the process stops in between, the lease expires, another dispatcher
claims the item, and sends its notice again with the same idempotency key. Delivery is at least once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from leads_domain.control_characters import CONTROL_IN_TEXT
from leads_domain.digest import Digest
from leads_domain.follow_up import FollowUp, RetryPolicy
from leads_domain.notifier import Address, FollowUpNotice, FollowUpNotifier, NotificationError, Refused, TryAgain
from leads_domain.sources import RandomSource

DELAY_MAX = timedelta(days=7)
"""The maximum delay that a channel can set, so that a faulty channel cannot delay a notice for ever."""

INTERRUPTED = "All attempts were interrupted."
"""The reason to refuse a notice after more claims than attempts: the notice itself is the likely cause."""

ERROR_MAX = 1000

ItemT = TypeVar("ItemT", FollowUp, Digest)


@dataclass(frozen=True, slots=True)
class Claimed(Generic[ItemT]):
    """A leased follow-up or digest, and its notice. With `refusal`, a reason, the notice is not sent and fails."""

    item: ItemT
    notice: FollowUpNotice
    refusal: str | None = None


def send(claimed: Claimed[ItemT], notifiers: Mapping[str, FollowUpNotifier]) -> NotificationError | None:
    """Send the notice; return None if the channel accepts it, and the error otherwise.

    An unexpected error is reported by its type only, because its text may contain a secret of the channel.
    """
    if claimed.refusal is not None:
        return Refused(claimed.refusal)
    try:
        _notify(claimed.notice, notifiers)
    except NotificationError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an error of a notifier must not lose the notice
        return TryAgain(f"The channel failed with {type(error).__name__}.")
    return None


def _notify(notice: FollowUpNotice, notifiers: Mapping[str, FollowUpNotifier]) -> None:
    notifier = notifiers.get(notice.channel)
    if notifier is None:
        raise TryAgain(f"The channel {notice.channel} is not configured.")
    if notifier.needs is Address.EMAIL and notice.email is None:
        raise Refused(f"The channel {notice.channel} needs an e-mail address, and the recipient has none.")
    if notifier.needs is Address.PHONE and notice.phone is None:
        raise Refused(f"The channel {notice.channel} needs a phone number, and the recipient has none.")
    notifier.notify(notice)


def wait_after(
    error: NotificationError, attempt: int, retry: RetryPolicy, random_source: RandomSource
) -> timedelta | None:
    """Return the wait after a failed attempt, numbered from 1; None if there is no retry."""
    if isinstance(error, Refused):
        return None
    wait = retry.wait_after(attempt, random_source.random())
    delay = error.delay if isinstance(error, TryAgain) else None
    return wait if wait is None or delay is None else max(wait, min(delay, DELAY_MAX))


def storable(error: NotificationError) -> str:
    """Return the text of an error, truncated, without control characters and lone surrogates."""
    return CONTROL_IN_TEXT.sub(" ", str(error)[:ERROR_MAX].encode(errors="replace").decode())
