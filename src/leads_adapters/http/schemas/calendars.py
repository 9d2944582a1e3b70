"""Define the bodies of calendars."""

from typing import Annotated, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import NULL, OR_BLANK, CalendarName, CalendarOwner, Id, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.calendar import Calendar


class NewCalendar(msgspec.Struct, forbid_unknown_fields=True):
    """A calendar to create."""

    owner: CalendarOwner
    name: Annotated[CalendarName | None | UnsetType, OR_BLANK] = UNSET


class CalendarView(View):
    """A calendar, without its URL."""

    id: Id
    owner: CalendarOwner
    name: CalendarName | None
    created_at: Utc
    revoked_at: Annotated[Utc | None, NULL]

    @classmethod
    def of(cls, source: Calendar, /, **values: str) -> Self:  # type: ignore[override]
        """Return the view of a calendar."""
        return super().of(source, owner=str(source.owner), **values)


class NewCalendarView(CalendarView):
    """A new calendar, with its URL."""

    url: Annotated[
        str,
        Meta(
            description="The secret URL to add to a calendar program. It is shown only once.",
            examples=["https://leads.example.com/calendar/" + 43 * "A" + ".ics"],
        ),
    ]
