"""The days and the hour of the daily digest."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from leads_domain.working_hours import WorkingHours

_DAY = timedelta(days=1)


class DigestSchedule:
    """Plan digests once on each of these days, at the local time `at` or later on that day.

    `days` are numbers as in `date.weekday`: Monday is 0. If a clock change skips the time, the moment of the change
    counts. If it repeats the time, only the first one counts.
    """

    def __init__(self, *, zone: ZoneInfo, days: frozenset[int], at: time) -> None:
        self.zone = zone
        self._hours = WorkingHours(zone=zone, days=days, opens=at, closes=time.max)

    def next_planning(self, now: datetime, planned_at: datetime | None) -> datetime:
        """Return when digests are to be planned next: `now` if that is due. They were last planned at `planned_at`.

        If that is more than a day ahead, the clock was wrong then: it does not count.
        """
        opening = self._hours.next_opening(now)
        if planned_at is None or planned_at > now + _DAY or self._day(planned_at) < self._day(opening):
            return opening
        return self._hours.next_opening(end_of_day(planned_at, self.zone))

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()


def end_of_day(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return the next midnight in a zone, in UTC; None is the zone of the machine."""
    return datetime.combine(moment.astimezone(zone).date() + _DAY, time.min, zone).astimezone(UTC)
