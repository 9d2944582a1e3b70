"""Calendars: secret addresses at which a person's calendar program reads tasks and scheduled follow-ups."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from leads_domain.contact import EmailAddress

CalendarId = NewType("CalendarId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

ENTRY_TEXT_MAX = 1_000
"""The maximum number of characters of `CalendarEntry.text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar of a person. Its secret is not stored, only the SHA-256 of the secret (`digest`, hexadecimal)."""

    id: CalendarId
    owner: EmailAddress
    name: str | None = None
    digest: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """An open task, or a scheduled follow-up, which has a channel and a recipient (`FollowUp.recipient`).

    `sequence` grows with each change of the entry or its lead. `changed_at` is the time of the last one.
    """

    id: str
    lead_name: str
    text: str
    due_at: datetime
    created_at: datetime
    changed_at: datetime
    sequence: int
    channel: str | None = None
    recipient: str | None = None


def make_secret(entropy: bytes) -> str:
    """Return a secret for a URL: the letters, digits, hyphens and underscores of base64url (RFC 4648)."""
    return base64.urlsafe_b64encode(entropy).rstrip(b"=").decode()
