"""Parse and check the settings `[[follow_up_rules]]` and `[working_hours]`."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from leads_domain.checking import truncate
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import Recipient
from leads_domain.notifier import Address
from leads_domain.pipeline import Pipeline
from leads_domain.rules import FollowUpRule
from leads_domain.sources import Normalizer
from leads_domain.template import Template
from leads_domain.working_hours import WorkingHours

_ADDRESSES = {
    Address.EMAIL: "an e-mail address",
    Address.PHONE: "a phone number",
    None: "an e-mail address or a phone number",
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"[1-9][0-9]{0,6}[mhdw]( [1-9][0-9]{0,6}[mhdw]){0,3}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class _RuleTable(msgspec.Struct, forbid_unknown_fields=True):
    after: str
    message: str
    when: str | None = None
    on: Literal["enquiry"] | None = None
    channel: str | None = None
    recipient: str = Recipient.LEAD


class _HoursTable(msgspec.Struct, forbid_unknown_fields=True, rename={"opens": "from", "closes": "to"}):
    zone: str
    days: list[str]
    opens: str
    closes: str


def parse_rules(value: object) -> Sequence[FollowUpRule]:
    """Return the rules, each checked on its own; raises `ValueError`."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError("Write one table for each rule: [[follow_up_rules]].")
    return [_parse_rule(number, table) for number, table in enumerate(value, 1)]


def check_rules(rules: Sequence[FollowUpRule], pipeline: Pipeline, channels: Collection[str]) -> None:
    """Raise `ValueError` for an unknown status or channel."""
    for number, rule in enumerate(rules, 1):
        for error in pipeline.status_errors(rule.when) if rule.when is not None else ():
            raise ValueError(f"Rule {number}: {error.detail}")
        if rule.channel is not None and rule.channel not in channels:
            known = ", ".join(channels)
            raise ValueError(f"Rule {number}: Unknown channel {truncate(rule.channel)}. Use one of: {known}.")


def check_recipient(recipient: str, channel: str, needs: Address | None, normalizer: Normalizer) -> str:
    """Return the recipient of a rule, normalised; raise `ValueError` if the channel cannot send to it."""
    if recipient == Recipient.OWNER and needs is Address.PHONE:
        raise ValueError(f"The channel {channel} needs a phone number, and owners have none.")
    if recipient in list(Recipient):
        return recipient
    kind = needs or (Address.EMAIL if "@" in recipient else Address.PHONE)
    try:
        return str(normalizer.email(recipient)) if kind is Address.EMAIL else normalizer.phone(recipient).e164
    except ValidationFailed as invalid:
        choices = f"Give {', '.join(Recipient)}, or {_ADDRESSES[needs]} for the channel {channel}"
        raise ValueError(f"recipient is {truncate(recipient)}. {choices}. {invalid}") from None


def parse_working_hours(value: object) -> WorkingHours:
    """Return the working hours; raises `ValueError`, `ValidationFailed` or msgspec's `ValidationError`."""
    table = msgspec.convert(value, _HoursTable)
    return WorkingHours(
        zone=parse_zone(table.zone),
        days=parse_days(table.days),
        opens=parse_time(table.opens),
        closes=parse_time(table.closes),
    )


def _parse_rule(number: int, value: object) -> FollowUpRule:
    try:
        table = msgspec.convert(value, _RuleTable)
        _check_start(table)
        return FollowUpRule(
            when=table.when,
            after=parse_duration("after", table.after),
            message=Template(table.message, of_enquiries=table.on is not None),
            channel=table.channel,
            recipient=table.recipient,
        )
    except (ValueError, ValidationFailed, msgspec.ValidationError) as error:
        raise ValueError(f"Rule {number}: {error}") from None


def _check_start(table: _RuleTable) -> None:
    if (table.when is None) == (table.on is None):
        raise ValueError('Give either when, the status that a lead enters, or on = "enquiry".')


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
