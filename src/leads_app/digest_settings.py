"""The setting `[digest]`."""

from dataclasses import dataclass

import msgspec

from leads_app.setting_tables import convert_table
from leads_app.time_settings import parse_days, parse_time, parse_zone
from leads_domain.digest_schedule import DigestSchedule


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """The channel and the schedule of the daily digest."""

    channel: str
    schedule: DigestSchedule


class _DigestTable(msgspec.Struct, forbid_unknown_fields=True):
    channel: str
    at: str
    time_zone: str
    days: list[str]


def parse_digest(value: object) -> DigestSettings:
    """Return the settings; raises `ValueError`."""
    try:
        table = convert_table(value, _DigestTable)
    except ValueError as error:
        needed = 'Give channel, at such as "08:00", time_zone and days such as ["mon", "tue"], and nothing else'
        raise ValueError(f"{needed}. {error}") from None
    if not table.days:
        raise ValueError("Give at least one day.")
    schedule = DigestSchedule(zone=parse_zone(table.time_zone), days=parse_days(table.days), at=parse_time(table.at))
    return DigestSettings(table.channel, schedule)
