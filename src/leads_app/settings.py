"""Load the settings from `LEADS_*` environment variables and from a TOML file with the same keys.

The environment overrides the file. An unknown or invalid setting raises `SettingsError`.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, make_url

from leads_adapters.http.client_address import Network
from leads_adapters.http.rate_limit import RateLimit
from leads_app.assignment_settings import AssignmentSettings, parse_assignment
from leads_app.digest_settings import DigestSettings, parse_digest
from leads_app.form_settings import FormSettings, parse_forms
from leads_app.mailbox_settings import MailboxSettings, parse_mailboxes
from leads_app.rule_settings import check_rules, parse_rules
from leads_app.setting_tables import convert_table
from leads_app.setting_values import (
    parse_api_key,
    parse_cors_origins,
    parse_database_url,
    parse_log_format,
    parse_public_url,
    parse_rate_limit,
    parse_region,
    parse_size,
    parse_stop_delay,
    parse_text,
    parse_trusted_proxies,
)
from leads_app.time_settings import parse_duration, parse_working_hours
from leads_domain.checking import check_one_line, truncate
from leads_domain.errors import InvalidPipeline, ValidationFailed
from leads_domain.pipeline import DEFAULT_PIPELINE, Pipeline
from leads_domain.rules import FollowUpRule
from leads_domain.working_hours import WorkingHours

KEEP_MAX = timedelta(weeks=5000)
DEFAULT_RATE_LIMIT = RateLimit(600, 60)

_PREFIX = "LEADS_"
_DEFAULT_FILE = "leads.toml"


class SettingsError(Exception):
    """A setting is unknown or invalid. The message is for the operator and contains no secret."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel for follow-ups: the name of its adapter, and the adapter's options, which may be secret."""

    adapter: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, validated, with their defaults."""

    database_url: URL = field(default=make_url("sqlite:///leads.db"), repr=False)
    api_key_digest: str | None = field(default=None, repr=False)
    default_channel: str = "log"
    default_region: str | None = None
    public_url: str | None = None
    rate_limit: RateLimit | None = DEFAULT_RATE_LIMIT
    trusted_proxies: Sequence[Network] = ()
    cors_origins: Sequence[str] = ()
    max_body: int = 2**18
    max_import: int = 2**28
    stop_delay: int = 0
    log_format: str | None = None
    channels: Mapping[str, Channel] = field(default_factory=lambda: {"log": Channel("log")})
    pipeline: Pipeline = DEFAULT_PIPELINE
    follow_up_rules: Sequence[FollowUpRule] = ()
    working_hours: WorkingHours | None = None
    keep_submissions: timedelta = timedelta(days=90)
    assignment: AssignmentSettings = field(default_factory=AssignmentSettings)
    digest: DigestSettings | None = None
    forms: Mapping[str, FormSettings] = field(default_factory=dict)
    mailboxes: Mapping[str, MailboxSettings] = field(default_factory=dict)


def load_settings(environ: Mapping[str, str], directory: Path) -> Settings:
    """Return the settings from the environment and from the TOML file in `directory`.

    Raises `SettingsError`.
    """
    values = _from_file(environ, directory) | _from_environment(environ)
    parsed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _PARSERS:
            known = ", ".join(_PREFIX + known.upper() for known in _PARSERS if known not in _TABLES)
            tables = ", ".join(f"[{table}]" for table in _TABLES)
            raise SettingsError(f"Unknown setting {name!r}. Use one of: {known}, {tables}.")
        attribute, parse = _PARSERS[name]
        with _errors_of(name):
            parsed[attribute] = parse(value)
    settings = Settings(**parsed)
    _check_channel("default_channel", settings.default_channel, settings)
    if settings.digest:
        _check_channel("digest", settings.digest.channel, settings)
    with _errors_of("follow_up_rules"):
        check_rules(settings.follow_up_rules, settings.pipeline, settings.channels)
    return settings


def _check_channel(setting: str, channel: str, settings: Settings) -> None:
    if channel not in settings.channels:
        message = f"Unknown channel {truncate(channel)}. Use one of: {', '.join(settings.channels)}."
        raise SettingsError(f"The setting {setting} is not valid. {message}")


@contextmanager
def _errors_of(setting: str) -> Iterator[None]:
    """Convert errors of a parser to a `SettingsError` that names the setting."""
    try:
        yield
    except (ValueError, ValidationFailed, InvalidPipeline) as error:
        raise SettingsError(f"The setting {setting} is not valid. {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(_PREFIX) and name != "LEADS_CONFIG"
    }


def _from_file(environ: Mapping[str, str], directory: Path) -> dict[str, Any]:
    configured = environ.get("LEADS_CONFIG")
    path = directory / (configured or _DEFAULT_FILE)
    if configured is None and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"The configuration file {path} cannot be read: {reason}.") from None
    return {name.removeprefix(_PREFIX).lower(): value for name, value in values.items()}


def _channels(value: object) -> Mapping[str, Channel]:
    if not isinstance(value, dict) or not all(isinstance(options, dict) for options in value.values()):
        raise ValueError("Write one table for each channel: [channels.NAME].")
    for name in value:
        check_one_line(name)
    return {"log": Channel("log")} | {name: _channel(name, options) for name, options in value.items()}


def _channel(name: str, options: Mapping[str, object]) -> Channel:
    texts = {option: value for option, value in options.items() if isinstance(value, str)}
    if others := options.keys() - texts.keys():
        raise ValueError(f"{name}.{min(others)} is not a text. Write it in quotation marks.")
    if "adapter" not in texts:
        raise ValueError(f"{name}.adapter is missing.")
    return Channel(texts.pop("adapter"), texts)


class _PipelineTable(msgspec.Struct, forbid_unknown_fields=True):
    transitions: dict[str, list[str]]
    initial: str
    reason_required: list[str] = []


def _pipeline(value: object) -> Pipeline:
    table = convert_table(value, _PipelineTable)
    return Pipeline(table.initial, table.transitions, frozenset(table.reason_required))


class _IntakeTable(msgspec.Struct, forbid_unknown_fields=True):
    keep: str = "90d"


def _intake(value: object) -> timedelta:
    keep = parse_duration("keep", convert_table(value, _IntakeTable).keep)
    if keep > KEEP_MAX:
        raise ValueError("keep is too long. Give at most 5000w.")
    return keep


_TABLES = (
    "channels",
    "pipeline",
    "follow_up_rules",
    "working_hours",
    "intake",
    "assignment",
    "digest",
    "forms",
    "mailboxes",
)
_PARSERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "database_url": ("database_url", parse_database_url),
    "api_key": ("api_key_digest", parse_api_key),
    "default_channel": ("default_channel", parse_text),
    "default_region": ("default_region", parse_region),
    "public_url": ("public_url", parse_public_url),
    "rate_limit": ("rate_limit", parse_rate_limit),
    "trusted_proxies": ("trusted_proxies", parse_trusted_proxies),
    "cors_origins": ("cors_origins", parse_cors_origins),
    "max_body": ("max_body", parse_size),
    "max_import": ("max_import", parse_size),
    "stop_delay": ("stop_delay", parse_stop_delay),
    "log_format": ("log_format", parse_log_format),
    "channels": ("channels", _channels),
    "pipeline": ("pipeline", _pipeline),
    "follow_up_rules": ("follow_up_rules", parse_rules),
    "working_hours": ("working_hours", parse_working_hours),
    "intake": ("keep_submissions", _intake),
    "assignment": ("assignment", parse_assignment),
    "digest": ("digest", parse_digest),
    "forms": ("forms", parse_forms),
    "mailboxes": ("mailboxes", parse_mailboxes),
}
