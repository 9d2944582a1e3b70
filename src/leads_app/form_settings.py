"""Parse the setting `[forms.NAME]`: the public forms."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from leads_adapters.http.rate_limit import RateLimit
from leads_app.setting_tables import convert_table
from leads_app.setting_values import parse_cors_origins, parse_rate_limit, parse_source
from leads_domain.checking import truncate

GOOGLE_ADS = "google-ads"
FORM_RATE_LIMIT = "10/minute"
ENQUIRY_FIELDS = ("name", "first_name", "last_name", "email", "phone", "message", "source")
"""The fields of an enquiry that a field of a form can fill. Visitors choose neither the owner nor the status."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_FOR_PEOPLE_ONLY = ("redirect", "origins", "honeypot", "minimum_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSettings:
    """A public form: `POST /forms/NAME`. With a `key`, it takes the webhook of Google's lead forms."""

    source: str | None = None
    owner: str | None = None
    redirect: str | None = None
    origins: Sequence[str] = ()
    honeypot: str | None = None
    minimum_seconds: float | None = None
    rate_limit: RateLimit | None
    fields: Mapping[str, str] = field(default_factory=dict)
    key: str | None = field(default=None, repr=False)


class _FormTable(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["form", "google-ads"] = "form"
    source: str | None = None
    owner: str | None = None
    redirect: str | None = None
    origins: str | list[str] = []
    honeypot: str | None = None
    minimum_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] | None = None
    rate_limit: str = FORM_RATE_LIMIT
    fields: dict[str, str] = {}
    key: str | None = None


def parse_forms(value: object) -> Mapping[str, FormSettings]:
    """Return the forms by name; raises `ValueError`, which quotes no key."""
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ValueError("Write one table for each form: [forms.NAME].")
    return {name: _form(name, table) for name, table in value.items()}


def _form(name: str, table: Mapping[str, object]) -> FormSettings:
    if not _NAME.fullmatch(name):
        raise ValueError(f"Form {truncate(name)}: Use up to 50 letters, digits, - and _ for the name of a form.")
    try:
        parsed = convert_table(table, _FormTable)
        _check_kind(parsed)
        return FormSettings(
            source=parse_source(parsed.source) if parsed.source is not None else None,
            owner=parsed.owner,
            redirect=_redirect(parsed.redirect) if parsed.redirect is not None else None,
            origins=parse_cors_origins(parsed.origins) if parsed.origins else (),
            honeypot=_honeypot(parsed.honeypot, parsed.fields) if parsed.honeypot is not None else None,
            minimum_seconds=parsed.minimum_seconds,
            rate_limit=parse_rate_limit(parsed.rate_limit),
            fields=_fields(parsed.fields),
            key=parsed.key,
        )
    except ValueError as error:
        raise ValueError(f"Form {name}: {error}") from None


def _check_kind(table: _FormTable) -> None:
    if table.kind == GOOGLE_ADS:
        if not table.key:
            raise ValueError(
                f"key is missing. Give the key that you enter in Google Ads, because kind is {GOOGLE_ADS}."
            )
        if unused := [name for name in _FOR_PEOPLE_ONLY if getattr(table, name)]:
            raise ValueError(f"{unused[0]} has no use if kind is {GOOGLE_ADS}. Remove it.")
    elif table.key is not None:
        raise ValueError(f"key has no use without kind. Remove it, or add kind = {GOOGLE_ADS!r}.")


def _redirect(text: str) -> str:
    """Return an absolute URL that can be sent in a header."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f"redirect is {truncate(text)}. Give a URL such as https://example.com/thanks, in ASCII.")
    return text


def _honeypot(name: str, fields: Mapping[str, str]) -> str:
    if not name.strip() or name in fields:
        raise ValueError("honeypot must be the name of a field that is not in fields.")
    return name


def _fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    for name, filled in fields.items():
        if filled not in ENQUIRY_FIELDS:
            known = ", ".join(ENQUIRY_FIELDS)
            raise ValueError(f"fields.{name} is {truncate(filled)}, which a form cannot fill. Use one of: {known}.")
    return fields
