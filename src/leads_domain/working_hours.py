"""Working hours."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from leads_domain.errors import ValidationFailed

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The hours from `opens` until before `closes`, on some days of the week, as the clocks of a zone show them.

    `days` are numbered as `date.weekday` does it: Monday is 0. Raises `ValidationFailed` if it is never open.
    """

    zone: tzinfo
    days: frozenset[int]
    opens: time
    closes: time

    def __post_init__(self) -> None:
        if not self.days:
            raise ValidationFailed.because("Name at least one working day.")
        if self.opens >= self.closes:
            raise ValidationFailed.because("The hours must end later on the day than they begin.")

    def next_opening(self, moment: datetime) -> datetime:
        """Return the first moment from `moment` on at which the clocks show a working hour, in UTC.

        Where they are put forward over the opening, that is when they are; a working hour that they show
        twice, because they are put back, counts twice.
        """
        moment = moment.astimezone(UTC)
        while not self._is_open(clocks := moment.astimezone(self.zone).replace(tzinfo=None)):
            moment = self._clocks_change(moment, moment + (self._opening_after(clocks) - clocks))
        return moment

    def _is_open(self, clocks: datetime) -> bool:
        return clocks.weekday() in self.days and self.opens <= clocks.time() < self.closes

    def _opening_after(self, clocks: datetime) -> datetime:
        """Return what the clocks show at the next opening, unless they are changed before."""
        day: date = clocks.date() if clocks.time() < self.opens else clocks.date() + _DAY
        while day.weekday() not in self.days:
            day += _DAY
        return datetime.combine(day, self.opens)

    def _clocks_change(self, start: datetime, end: datetime) -> datetime:
        """Return when, after `start`, the clocks are changed; `end` if that is not before it.

        The span is a week at the most: no zone changes its clocks in it and back again.
        """
        offset = start.astimezone(self.zone).utcoffset()

        def changed(microseconds: int) -> bool:
            return (start + microseconds * _MICROSECOND).astimezone(self.zone).utcoffset() != offset

        return start + bisect_left(range((end - start) // _MICROSECOND), True, key=changed) * _MICROSECOND
