"""Parse the setting `[mailboxes.NAME]`: where e-mail comes in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from leads_adapters.mail.urls import open_mailbox
from leads_app.setting_tables import convert_table
from leads_app.setting_values import parse_source
from leads_app.time_settings import parse_duration
from leads_domain.checking import truncate

EVERY_MIN, EVERY_MAX = timedelta(seconds=10), timedelta(days=1)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_SECONDS = re.compile(r"[1-9][0-9]{0,4}s")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """A mailbox. Without a `url`, it takes only what `leads receive` brings."""

    url: str | None = field(default=None, repr=False)
    source: str = "email"
    owner: str | None = None
    every: timedelta = timedelta(seconds=60)
    own_addresses: Sequence[str] = ()
    stop_on_reply: bool = True


class _MailboxTable(msgspec.Struct, forbid_unknown_fields=True):
    url: str | None = None
    source: str = "email"
    owner: str | None = None
    every: str = "60s"
    own_addresses: list[str] = []
    stop_on_reply: bool = True


def parse_mailboxes(value: object) -> Mapping[str, MailboxSettings]:
    """Return the mailboxes by name; raises `ValueError`, which quotes no URL."""
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ValueError("Write one table for each mailbox: [mailboxes.NAME].")
    return {name: _mailbox(name, table) for name, table in value.items()}


def _mailbox(name: str, table: Mapping[str, object]) -> MailboxSettings:
    if not _NAME.fullmatch(name):
        raise ValueError(f"Mailbox {truncate(name)}: Use up to 50 letters, digits, - and _ for the name of a mailbox.")
    try:
        parsed = convert_table(table, _MailboxTable)
        return MailboxSettings(
            url=_url(parsed.url) if parsed.url is not None else None,
            source=parse_source(parsed.source),
            owner=parsed.owner,
            every=_every(parsed.every),
            own_addresses=parsed.own_addresses,
            stop_on_reply=parsed.stop_on_reply,
        )
    except ValueError as error:
        raise ValueError(f"Mailbox {name}: {error}") from None


def _url(url: str) -> str:
    try:
        open_mailbox(url)
    except ValueError as error:
        raise ValueError(f"url is not valid. {error}") from None
    return url


def _every(text: str) -> timedelta:
    try:
        every = timedelta(seconds=int(text[:-1])) if _SECONDS.fullmatch(text) else parse_duration("every", text)
    except ValueError:  # its text names no seconds
        every = timedelta()
    if not EVERY_MIN <= every <= EVERY_MAX:
        advice = "Give a time from 10s to 1d with its unit, such as 60s, 5m or 2h."
        raise ValueError(f"every is {truncate(text)}. {advice}")
    return every
