"""Create, revoke and read calendars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict, cast

from leads_domain.access import ENTROPY_BYTES, digest
from leads_domain.calendar import Calendar, CalendarEntry, CalendarId, make_secret
from leads_domain.checking import check_fields, check_line, missing_fields, optional
from leads_domain.contact import EmailAddress
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, Entropy, IdSource, Normalizer

CALENDAR_NAME_MAX = 100
ENTRIES_MAX = 1_000
"""The maximum number of entries of a calendar."""

SHOWN_FOR = timedelta(days=30)
"""The time for which a calendar shows an entry after its due time."""


class CalendarInput(TypedDict, total=False):
    """A calendar as a client requests it. A name that is left out, null or blank means no name."""

    owner: str
    name: str | None


class CalendarDetails(TypedDict, total=False):
    """The values of a new calendar after validation."""

    owner: EmailAddress
    name: str | None


_RULES: Mapping[str, Callable[[Any, Normalizer], object]] = {
    "owner": lambda text, normalizer: normalizer.email(text),
    "name": optional(lambda text, _: check_line(text, max_length=CALENDAR_NAME_MAX)),
}


@dataclass(frozen=True, slots=True)
class CreateCalendar:
    """Create a calendar. Its secret is returned once, and not stored."""

    clock: Clock
    ids: IdSource
    entropy: Entropy
    normalizer: Normalizer

    def check(self, values: CalendarInput) -> CalendarDetails:
        """Return the validated values; raises `ValidationFailed` with all errors."""
        errors = missing_fields(values, "owner")
        return cast(CalendarDetails, check_fields(values, _RULES, self.normalizer, *errors))

    def __call__(self, work: UnitOfWork, values: CalendarInput) -> tuple[Calendar, str]:
        """Return the calendar and its secret; raises `ValidationFailed`."""
        details = self.check(values)
        secret = make_secret(self.entropy.random_bytes(ENTROPY_BYTES))
        calendar = Calendar(
            id=CalendarId(self.ids.new()), digest=digest(secret), created_at=self.clock.now(), **details
        )
        work.calendars.add(calendar)
        return calendar, secret


@dataclass(frozen=True, slots=True)
class RevokeCalendar:
    """Revoke a calendar."""

    clock: Clock

    def __call__(self, work: UnitOfWork, id: CalendarId) -> None:
        """Revoke the calendar; raises `NotFound`. Revoking a revoked calendar has no effect."""
        work.calendars.revoke(id, max(self.clock.now(), work.calendars.get(id).created_at))


def find_calendar(work: UnitOfWork, secret: str) -> Calendar | None:
    """Return the calendar with this secret; None if it is unknown or revoked."""
    calendar = work.calendars.find_by_digest(digest(secret))
    return None if calendar is None or calendar.revoked_at else calendar


@dataclass(frozen=True, slots=True)
class ReadCalendar:
    """Read what a calendar shows."""

    clock: Clock

    def __call__(self, work: UnitOfWork, calendar: Calendar) -> Sequence[CalendarEntry]:
        """Return the entries that are due within the last 30 days or later, at most `ENTRIES_MAX`."""
        due_from = self.clock.now() - SHOWN_FOR
        return work.calendars.entries(calendar.owner.key, due_from=due_from, limit=ENTRIES_MAX)
