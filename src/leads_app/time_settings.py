"""Parse durations, time zones, days and times of day, and the setting `[working_hours]`."""

import re
from collections.abc import Iterable
from datetime import time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from leads_app.setting_tables import convert_table
from leads_domain.checking import truncate
from leads_domain.working_hours import WorkingHours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"[1-9][0-9]{0,6}[mhdw]( [1-9][0-9]{0,6}[mhdw]){0,3}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class _HoursTable(msgspec.Struct, forbid_unknown_fields=True, rename={"opens": "from", "closes": "to"}):
    zone: str
    days: list[str]
    opens: str
    closes: str


def parse_working_hours(value: object) -> WorkingHours:
    """Return the working hours; raises `ValueError` or `ValidationFailed`."""
    table = convert_table(value, _HoursTable)
    return WorkingHours(
        zone=parse_zone(table.zone),
        days=parse_days(table.days),
        opens=parse_time(table.opens),
        closes=parse_time(table.closes),
    )


def parse_duration(name: str, text: str) -> timedelta:
    """Return a duration; raises `ValueError`, which calls it `name`."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{name} is {truncate(text)}. Give minutes, hours, days or weeks, such as 30m, 24h or 1d 12h.")
    return sum((int(part[:-1]) * _UNITS[part[-1]] for part in text.split()), timedelta())


def parse_zone(name: str) -> ZoneInfo:
    """Return the time zone; raises `ValueError` for an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"Unknown time zone {truncate(name)}. Give an IANA name such as Europe/Berlin.") from None


def parse_days(names: Iterable[str]) -> frozenset[int]:
    """Return the numbers of the days, as in `date.weekday`; raises `ValueError`."""
    return frozenset(map(_parse_day, names))


def _parse_day(name: str) -> int:
    if name not in _DAYS:
        raise ValueError(f"Unknown day {truncate(name)}. Use one of: {', '.join(_DAYS)}.")
    return _DAYS.index(name)


def parse_time(text: str) -> time:
    """Return the time of day; raises `ValueError`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{truncate(text)} is not a time of day. Give a time such as 09:00 or 17:30.")
    return time(int(match[1]), int(match[2]))
