"""Read what a form or a form service sends: the fields of a body, by name, as text."""

import re
from codecs import lookup
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from litestar.types import HTTPScope
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartParser,
    MultipartPart,
    ParserLimitReached,
    parse_options_header,
)

from leads_adapters.http.headers import header
from leads_adapters.http.problems import MalformedRequest, PayloadTooLarge, UnsupportedMediaType
from leads_domain.errors import ValidationFailed

JSON = "application/json"
URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FORM_MAX_BYTES = 2**16
FIELDS_MAX = 200
FORM_MAX_CHARACTERS = 2**18
"""The length of all names and values. A path repeats the names of its parents, so it can be larger than the body."""

LEVELS_MAX = 50
"""The maximum depth of JSON. Python itself has such a limit, but it depends on the caller."""

MEDIA_TYPES = (URL_ENCODED, MULTIPART, JSON)

_CHARSETS = frozenset(lookup(name).name for name in ("utf-8", "ascii", "latin-1", "cp1252"))
"""The character encodings that a form can have. UTF-8 is recognised, whatever the form says."""

_OLD_ENCODING = "cp1252"
"""The encoding that browsers use for pages without UTF-8, also if the page names ISO 8859-1."""

_EXTENDED_FILE_NAME = re.compile(r";\s*filename\*\s*=", re.IGNORECASE)
"""How some clients send the name of a file that has other letters than ASCII (RFC 5987)."""

_TOO_DEEP = "The body is nested too deeply."

Fields = Iterable[tuple[str, str]]


class FormType(NamedTuple):
    """The media type of a body, and its boundary if it is multipart."""

    media_type: str
    boundary: str


def form_type(scope: HTTPScope) -> FormType:
    """Return the type of the body of a request. Raises `UnsupportedMediaType`."""
    if (header(scope, b"content-encoding") or "identity").strip().lower() != "identity":
        detail = "Send the body without a `Content-Encoding`."
        raise UnsupportedMediaType(detail, headers={"accept-encoding": "identity"})
    content_type = header(scope, b"content-type") or ""
    media_type, options = parse_options_header(content_type)
    media_type = media_type.strip().lower()
    if media_type not in MEDIA_TYPES or not _is_readable(options.get("charset", "utf-8")):
        sent = f"`{content_type[:100]}`" if content_type else "a body without a `Content-Type`"
        detail = f"A form accepts `{URL_ENCODED}`, `{MULTIPART}` or `{JSON}` in UTF-8, not {sent}."
        raise UnsupportedMediaType(detail)
    return FormType(media_type, options.get("boundary", ""))


def read_fields(type: FormType, body: bytes) -> dict[str, str]:
    """Return the fields of a body. Raises `Problem` or `ValidationFailed`."""
    match type.media_type:
        case "application/json":
            return collect(json_fields(decode_object(body)))
        case "multipart/form-data":
            return collect(_multipart_fields(body, type.boundary))
        case _:
            return collect(_url_encoded_fields(body))


def decode_object(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object. Raises `MalformedRequest` or `ValidationFailed`."""
    try:
        value = msgspec.json.decode(body.decode())
    except UnicodeDecodeError:
        raise MalformedRequest("The body is not UTF-8.") from None
    except RecursionError:
        raise MalformedRequest(_TOO_DEEP) from None
    except msgspec.DecodeError as error:
        raise MalformedRequest(f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ValidationFailed.because("Send a JSON object.")
    return value


def collect(fields: Fields) -> dict[str, str]:
    """Return fields by name. Different values of a field are joined with commas. Raises `PayloadTooLarge`."""
    collected: dict[str, dict[str, None]] = {}
    characters = 0
    for number, (name, value) in enumerate(fields, 1):
        if number > FIELDS_MAX:
            raise PayloadTooLarge(f"The form has more than {FIELDS_MAX} fields.")
        characters += len(name) + len(value)
        if characters > FORM_MAX_CHARACTERS:
            raise PayloadTooLarge(f"The fields have more than {FORM_MAX_CHARACTERS:,} characters with their paths.")
        key, text = (each.replace("\0", "\ufffd") for each in (name, value))  # databases cannot store NUL
        collected.setdefault(key, {})[text] = None
    return {name: ", ".join(filter(None, texts)) for name, texts in collected.items()}


def json_fields(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield the values of nested objects and lists, named by their path: `data.contact.email`, `answers.0.text`.

    Raises `MalformedRequest` if they are nested too deeply.
    """
    if len(path) > LEVELS_MAX:
        raise MalformedRequest(_TOO_DEEP)
    match value:
        case dict():
            for name, child in value.items():
                yield from json_fields(child, (*path, name))
        case list() if any(isinstance(child, dict | list) for child in value):
            for number, child in enumerate(value):
                yield from json_fields(child, (*path, str(number)))
        case list():
            for child in value:
                yield ".".join(path), _text(child)
        case _:
            yield ".".join(path), _text(value)


def _text(value: str | float | bool | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _url_encoded_fields(body: bytes) -> Fields:
    if body.count(b"&") >= FIELDS_MAX:  # before they are decoded
        raise PayloadTooLarge(f"The form has more than {FIELDS_MAX} fields.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        text = body.decode(_OLD_ENCODING, "replace")
        return parse_qsl(text, keep_blank_values=True, encoding=_OLD_ENCODING, errors="replace")


def _multipart_fields(body: bytes, boundary: str) -> Iterator[tuple[str, str]]:
    try:
        parts = MultipartParser(BytesIO(body), boundary, len(body), charset="latin-1", part_limit=FIELDS_MAX).parts()
    except ParserLimitReached:
        detail = f"The form has more than {FIELDS_MAX} fields, or too many or too large headers."
        raise PayloadTooLarge(detail) from None
    except (MultipartError, UnicodeError, LookupError) as error:
        raise MalformedRequest(f"The body is not valid `{MULTIPART}`: {error}.") from None
    for part in parts:
        if _is_file(part):
            raise UnsupportedMediaType("Forms cannot receive files. Send the form without files.")
        if part.filename is None:  # else a file field in which no file was chosen
            yield _decode((part.name or "").encode("latin-1")), _decode(part.raw)


def _is_file(part: MultipartPart) -> bool:
    """Return whether a part is a file: with a name, which the parser does not find in `filename*`, or with content."""
    if part.filename is None:
        return _EXTENDED_FILE_NAME.search(part.disposition) is not None
    return bool(part.filename or part.size)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode(_OLD_ENCODING, "replace")


def _is_readable(charset: str) -> bool:
    with suppress(LookupError):
        return lookup(charset.strip()).name in _CHARSETS
    return False
