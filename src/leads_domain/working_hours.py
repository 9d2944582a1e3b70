"""Move times into working hours."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from leads_domain.errors import ValidationFailed

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The hours from `opens` until before `closes`, in local time, on some days of the week.

    `days` are numbers as in `date.weekday`: Monday is 0. Raises `ValidationFailed` if there are no working hours.
    """

    zone: tzinfo
    days: frozenset[int]
    opens: time
    closes: time

    def __post_init__(self) -> None:
        if not self.days:
            raise ValidationFailed.because("Set at least one working day.")
        if self.opens >= self.closes:
            raise ValidationFailed.because("The working hours must end later than they begin, on the same day.")

    def next_opening(self, moment: datetime) -> datetime:
        """Return the first moment within working hours at or after `moment`, in UTC.

        If a clock change skips the opening time, the moment of the change is the opening. If a clock change repeats an
        hour, both count.
        """
        moment = moment.astimezone(UTC)
        while not self._is_open(local := moment.astimezone(self.zone).replace(tzinfo=None)):
            moment = self._find_clock_change(moment, moment + (self._opening_after(local) - local))
        return moment

    def _is_open(self, local: datetime) -> bool:
        return local.weekday() in self.days and self.opens <= local.time() < self.closes

    def _opening_after(self, local: datetime) -> datetime:
        """Return the local time of the next opening, if the clocks do not change before it."""
        day: date = local.date() if local.time() < self.opens else local.date() + _DAY
        while day.weekday() not in self.days:
            day += _DAY
        return datetime.combine(day, self.opens)

    def _find_clock_change(self, start: datetime, end: datetime) -> datetime:
        """Return the moment of the first clock change between `start` and `end`; `end` if there is none.

        The two are at most a week apart: no zone changes its clocks twice in a week.
        """
        offset = start.astimezone(self.zone).utcoffset()

        def has_changed(microseconds: int) -> bool:
            return (start + microseconds * _MICROSECOND).astimezone(self.zone).utcoffset() != offset

        return start + bisect_left(range((end - start) // _MICROSECOND), True, key=has_changed) * _MICROSECOND
