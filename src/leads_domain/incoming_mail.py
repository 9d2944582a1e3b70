"""E-mail messages that arrive in a mailbox, as an adapter has read them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

MAIL_BYTES_MAX = 1024 * 1024
"""The part of a message that is read. The rest is ignored: text comes before attachments."""

_OWN_LOCAL_PART = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An e-mail address as a header names it, with its display name, which may be empty."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFailure:
    """One recipient of a delivery report (RFC 3464).

    `status` is the enhanced status code (RFC 3463), such as `5.1.1`. `is_permanent` means that the address will never
    accept mail. A report of a delay is neither permanent nor a failure: it has no `ReportedFailure`.
    """

    recipient: str | None
    status: str | None
    is_permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """The report of a mail server about a message that it could not deliver, or has delayed.

    `message_id` is that of the reported message, without angle brackets. `failures` is empty for a delay.
    """

    message_id: str | None
    failures: Sequence[ReportedFailure] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMail:
    """A message as its headers and its text say. Message-IDs have no angle brackets.

    `automatic` is a sentence that says why the message counts as automatic (RFC 3834); None if a person has written it.
    `broken` is a sentence that says what could not be read; None if all could.
    """

    message_id: str | None = None
    senders: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    date: str | None = None
    subject: str = ""
    text: str = ""
    attachments: Sequence[str] = ()
    references: Sequence[str] = ()
    automatic: str | None = None
    report: DeliveryReport | None = None
    broken: str | None = None


def own_id(message_id: str) -> str | None:
    """Return the id of the follow-up or digest that a Message-ID of ours names; None if it is not one of ours.

    Notifiers use the id, a UUIDv7, as the local part. Gateways may change its case.
    """
    local_part = message_id.strip().strip("<>").partition("@")[0].casefold()
    return str(UUID(local_part)) if _OWN_LOCAL_PART.fullmatch(local_part) else None
