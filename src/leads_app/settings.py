"""What an operator can set: environment variables `LEADS_*`, or the same keys in a TOML file.

The environment wins. Everything is parsed here, once; whatever is unknown or ill-typed stops the
start with a sentence that names it.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from leads_adapters.http.app import ANY_ORIGIN as ANY
from leads_adapters.http.client_address import Network
from leads_adapters.http.rate_limit import RateLimit
from leads_app.rule_settings import check_rules, parse_rules, parse_working_hours
from leads_domain.access import digest
from leads_domain.errors import InvalidPipeline, ValidationFailed
from leads_domain.pipeline import DEFAULT_PIPELINE, Pipeline
from leads_domain.rules import FollowUpRule
from leads_domain.working_hours import WorkingHours

DEFAULT_RATE_LIMIT = RateLimit(600, 60)

_PREFIX = "LEADS_"
_DEFAULT_FILE = "leads.toml"
_SIZES = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_DATABASES = "give a URL such as sqlite:///leads.db or postgresql://user:password@host/database"
_PERIODS = {"second": 1, "minute": 60, "hour": 3600}
_API_KEY_MIN = 16
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_STOP_DELAY_MAX = 600
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class SettingsError(Exception):
    """A setting is unknown or wrong; the message is a sentence for the operator and holds no secret."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel for follow-ups: the adapter that sends, and its options, which may be secret."""

    adapter: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, checked, with defaults."""

    database_url: URL = field(default=make_url("sqlite:///leads.db"), repr=False)
    api_key_digest: str | None = field(default=None, repr=False)
    default_channel: str = "log"
    default_region: str | None = None
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


def load_settings(environ: Mapping[str, str], directory: Path) -> Settings:
    """The settings from the environment and from the TOML file, which is looked for in `directory`.

    Raises `SettingsError`.
    """
    given = _from_file(environ, directory) | _from_environment(environ)
    parsed: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _PARSERS:
            known = ", ".join(_PREFIX + known.upper() for known in _PARSERS if known not in _TABLES)
            tables = ", ".join(f"[{table}]" for table in _TABLES)
            raise SettingsError(f"There is no setting {name!r}; the settings are: {known}, {tables}.")
        member, parse = _PARSERS[name]
        with _told_of(name):
            parsed[member] = parse(value)
    settings = Settings(**parsed)
    if settings.default_channel not in settings.channels:
        known = ", ".join(settings.channels)
        message = f"LEADS_DEFAULT_CHANNEL names {settings.default_channel!r}, but the channels are: {known}."
        raise SettingsError(message)
    with _told_of("follow_up_rules"):
        check_rules(settings.follow_up_rules, settings.pipeline, settings.channels)
    return settings


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """What is wrong with a setting, as a sentence that names it."""
    try:
        yield
    except (ValueError, ValidationFailed, InvalidPipeline, msgspec.ValidationError) as error:
        raise SettingsError(f"The setting {name} is wrong: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(_PREFIX) and name != "LEADS_CONFIG"
    }


def _from_file(environ: Mapping[str, str], directory: Path) -> dict[str, Any]:
    named = environ.get("LEADS_CONFIG")
    path = directory / (named or _DEFAULT_FILE)
    if named is None and not path.exists():
        return {}
    try:
        members = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The configuration file {path} cannot be read: {error}.") from None
    return {name.removeprefix(_PREFIX).lower(): value for name, value in members.items()}


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("give a text that is not empty.")


def database_url(value: object) -> URL:
    """The URL of a database that the service can run on; raises `ValueError` with a sentence without the URL."""
    text = _text(value)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # of which the latter would show the port, or what was taken for it
        raise ValueError(f"{_DATABASES}.") from None
    if "@" in (url.host or ""):  # the rest of the password; errors would show it
        raise ValueError("write %40 for an @ in the user's name or password.")
    if url.drivername == "postgresql":
        return url
    if url.drivername != "sqlite" or url.host or url.username or url.query:
        raise ValueError(f"{_DATABASES}; after sqlite:/// comes nothing but the name of a file.")
    if url.database in (None, "", ":memory:"):
        raise ValueError("name a file, as in sqlite:///leads.db: what is kept in memory only would be lost.")
    return url


def _api_key_digest(value: object) -> str:
    key = _text(value)
    if not _HEADER_VALUE.fullmatch(key):
        raise ValueError("no header can carry it: use ASCII characters, without control characters or outer spaces.")
    if len(key) < _API_KEY_MIN:
        message = f"it is too easy to guess: use {_API_KEY_MIN} characters or more, at random."
        raise ValueError(message)
    return digest(key)


def _region(value: object) -> str:
    region = _text(value).upper()
    if region not in SUPPORTED_REGIONS:
        raise ValueError("give a country by two letters (ISO 3166-1), such as DE.")
    return region


def _rate_limit(value: object) -> RateLimit | None:
    text = _text(value)
    if text == "off":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour)", text)
    if match is None:
        raise ValueError("give a number per second, minute or hour, such as 600/minute, or off.")
    return RateLimit(int(match[1]), _PERIODS[match[2]])


def _list(value: object) -> list[str]:
    """Several texts: a list of them, or one with commas between them."""
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError("give texts, with commas between them.")
    return [text.strip() for text in texts]


def _trusted_proxies(value: object) -> Sequence[Network]:
    return [_network(text) for text in _list(value)]


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        message = f"{text!r} is neither an address nor a network, such as 192.0.2.1, 10.0.0.0/8 or fd00::/8."
        raise ValueError(message) from None


def _cors_origins(value: object) -> Sequence[str]:
    origins = _list(value)
    for origin in origins:
        if origin == ANY and len(origins) > 1:
            raise ValueError("give either * alone, for all origins, or those that you mean.")
        if origin != ANY and not _ORIGIN.fullmatch(origin):
            message = f"{origin!r} is not an origin; write it as browsers do, in lower case and without a path"
            raise ValueError(f"{message}, such as https://app.example.com or http://localhost:5173.")
    return origins


def _stop_delay(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,3}", str(value)) or int(str(value)) > _STOP_DELAY_MAX:
        raise ValueError(f"give a number of seconds from 0 to {_STOP_DELAY_MAX}.")
    return int(str(value))


def _size(value: object) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,12}) ?([a-zA-Z]*)", str(value))
    if isinstance(value, bool) or match is None or match[2].lower() not in _SIZES:
        raise ValueError("give a number of bytes, such as 1048576 or 1 MiB.")
    return int(match[1]) * _SIZES[match[2].lower()]


def _log_format(value: object) -> str:
    if value not in ("console", "json"):
        raise ValueError("give console or json.")
    return str(value)


def _channels(value: object) -> Mapping[str, Channel]:
    if not isinstance(value, dict) or not all(isinstance(options, dict) for options in value.values()):
        raise ValueError("give each channel a table of its own: [channels.NAME].")
    return {"log": Channel("log")} | {name: _channel(name, options) for name, options in value.items()}


def _channel(name: str, options: Mapping[str, object]) -> Channel:
    texts = {option: value for option, value in options.items() if isinstance(value, str)}
    if others := options.keys() - texts.keys():
        raise ValueError(f"{name}.{min(others)} is not a text; write it in quotes.")
    if "adapter" not in texts:
        raise ValueError(f"{name} has no adapter.")
    return Channel(texts.pop("adapter"), texts)


class _PipelineTable(msgspec.Struct, forbid_unknown_fields=True):
    transitions: dict[str, list[str]]
    initial: str
    reason_required: list[str] = []


def _pipeline(value: object) -> Pipeline:
    table = msgspec.convert(value, _PipelineTable)
    return Pipeline(table.initial, table.transitions, frozenset(table.reason_required))


_TABLES = ("channels", "pipeline", "follow_up_rules", "working_hours")
_PARSERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "database_url": ("database_url", database_url),
    "api_key": ("api_key_digest", _api_key_digest),
    "default_channel": ("default_channel", _text),
    "default_region": ("default_region", _region),
    "rate_limit": ("rate_limit", _rate_limit),
    "trusted_proxies": ("trusted_proxies", _trusted_proxies),
    "cors_origins": ("cors_origins", _cors_origins),
    "max_body": ("max_body", _size),
    "max_import": ("max_import", _size),
    "stop_delay": ("stop_delay", _stop_delay),
    "log_format": ("log_format", _log_format),
    "channels": ("channels", _channels),
    "pipeline": ("pipeline", _pipeline),
    "follow_up_rules": ("follow_up_rules", parse_rules),
    "working_hours": ("working_hours", parse_working_hours),
}
