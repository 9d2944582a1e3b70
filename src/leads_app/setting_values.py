"""Parse the values of single settings.

Each parser raises `ValueError` with an instruction for the operator. Its text contains no secret.
"""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from leads_adapters.http.app import ANY_ORIGIN as ANY
from leads_adapters.http.client_address import Network
from leads_adapters.http.rate_limit import RateLimit
from leads_domain.access import digest
from leads_domain.checking import check_line, truncate
from leads_domain.details import SOURCE_MAX
from leads_domain.errors import ValidationFailed

_UNIT_BYTES = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_DATABASE_URLS = "Give a URL such as sqlite:///leads.db or postgresql://user:password@host/database"
_PERIOD_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_API_KEY_MIN_LENGTH = 16
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_STOP_DELAY_MAX_SECONDS = 600
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")

_PUBLIC_URL_MAX = 200
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PUBLIC_URL = re.compile(
    rf"https?://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::[0-9]+)?(?:/(?!\.)[A-Za-z0-9._~-]+)*/?"
)


def parse_text(value: object) -> str:
    """Return the value if it is a text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValueError("Give a text that is not empty.")


def parse_source(text: str) -> str:
    """Return the source of new leads."""
    try:
        return check_line(text, max_length=SOURCE_MAX)
    except ValidationFailed as invalid:
        raise ValueError(f"source is {truncate(text)}. {invalid}") from None


def parse_database_url(value: object) -> URL:
    """Return the URL of a SQLite or PostgreSQL database. Errors do not quote the URL."""
    text = parse_text(value)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # a ValueError quotes the port, which may be a part of the password
        raise ValueError(f"{_DATABASE_URLS}.") from None
    if "@" in (url.host or ""):  # the host contains a part of the password: later errors would show it
        raise ValueError("Write %40 for an @ in the user name or password.")
    if url.drivername == "postgresql":
        return url
    if url.drivername != "sqlite" or url.host or url.username or url.query:
        raise ValueError(f"{_DATABASE_URLS}. After sqlite:///, write only a file name.")
    if url.database in (None, "", ":memory:"):
        raise ValueError("Name a file, such as sqlite:///leads.db. A database in memory is lost when the process ends.")
    return url


def parse_api_key(value: object) -> str:
    """Return the digest of the API key."""
    key = parse_text(value)
    if not _HEADER_VALUE.fullmatch(key):
        raise ValueError(
            "Use printable ASCII characters, without spaces at the start or end: the key is sent in a header."
        )
    if len(key) < _API_KEY_MIN_LENGTH:
        message = f"It is too easy to guess. Use at least {_API_KEY_MIN_LENGTH} random characters."
        raise ValueError(message)
    return digest(key)


def parse_region(value: object) -> str:
    """Return the country code in upper case."""
    region = parse_text(value).upper()
    if region not in SUPPORTED_REGIONS:
        raise ValueError("Give a country as two letters (ISO 3166-1), such as DE.")
    return region


def parse_public_url(value: object) -> str:
    """Return the URL without a slash at its end. Errors do not quote it: it may contain a password."""
    text = parse_text(value)
    try:
        valid = len(text) <= _PUBLIC_URL_MAX and _PUBLIC_URL.fullmatch(text) and urlsplit(text).port != 0
    except ValueError:  # a port above 65535, or an IPv6 address with too many colons
        valid = False
    if not valid:
        raise ValueError(
            "Give the URL at which clients reach this service, such as https://leads.example.com. "
            f"Write it in ASCII, with up to {_PUBLIC_URL_MAX} characters, without a user name, query or fragment."
        )
    return text.removesuffix("/")


def https_warning(public_url: str | None) -> str | None:
    """Return a sentence if mail providers ignore the unsubscribe links that start with this URL."""
    parts = urlsplit(public_url or "")
    if parts.scheme != "http" or parts.hostname in _LOOPBACK_HOSTS:
        return None
    return "public_url starts with http://: mail providers offer one-click unsubscribe only for https (RFC 8058)."


def parse_rate_limit(value: object) -> RateLimit | None:
    """Return the rate limit; None for `off`."""
    text = parse_text(value)
    if text == "off":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour)", text)
    if match is None:
        raise ValueError("Give a number of requests per second, minute or hour, such as 600/minute, or off.")
    return RateLimit(int(match[1]), _PERIOD_SECONDS[match[2]])


def _texts(value: object) -> list[str]:
    """Return the texts of a list, or of one text that separates them by commas."""
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError("Give a list of texts, or one text with commas between them.")
    return [text.strip() for text in texts]


def parse_trusted_proxies(value: object) -> Sequence[Network]:
    """Return the networks of the trusted proxies."""
    return [_parse_network(text) for text in _texts(value)]


def _parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        message = f"{text!r} is not an IP address or network, such as 192.0.2.1, 10.0.0.0/8 or fd00::/8."
        raise ValueError(message) from None


def parse_cors_origins(value: object) -> Sequence[str]:
    """Return the allowed origins; `*` allows all."""
    origins = _texts(value)
    for origin in origins:
        if origin == ANY and len(origins) > 1:
            raise ValueError("Give either * alone, for all origins, or a list of origins.")
        if origin != ANY and not _ORIGIN.fullmatch(origin):
            message = f"{origin!r} is not an origin. Write it in lower case and without a path"
            raise ValueError(f"{message}, such as https://app.example.com or http://localhost:5173.")
    return origins


def parse_stop_delay(value: object) -> int:
    """Return the delay in seconds."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > _STOP_DELAY_MAX_SECONDS:
        raise ValueError(f"Give a number of seconds from 0 to {_STOP_DELAY_MAX_SECONDS}.")
    return int(text)


def parse_size(value: object) -> int:
    """Return the size in bytes."""
    match = re.fullmatch(r"([1-9][0-9]{0,12}) ?([a-zA-Z]*)", str(value))
    if isinstance(value, bool) or match is None or match[2].lower() not in _UNIT_BYTES:
        raise ValueError("Give a number of bytes, such as 1048576 or 1 MiB.")
    return int(match[1]) * _UNIT_BYTES[match[2].lower()]


def parse_log_format(value: object) -> str:
    """Return `console` or `json`."""
    if value not in ("console", "json"):
        raise ValueError("Give console or json.")
    return str(value)
