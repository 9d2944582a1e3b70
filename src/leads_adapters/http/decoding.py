"""Decodes JSON bodies strictly, and lists every error of a body in one response.

Litestar would decode laxly (`"5"` as 5), report one error, and ignore the media type. So the raw bytes are decoded here
with msgspec in strict mode. If that fails, the body is decoded member by member. A large body always is: members that
are unknown, repeated or too many are then never decoded, and cost the event loop next to nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, get_args, get_origin

import msgspec
from litestar.types import HTTPScope
from msgspec import UNSET
from msgspec.structs import FieldInfo

from leads_adapters.http.headers import header
from leads_adapters.http.problems import MalformedRequest, Problem, UnsupportedMediaType
from leads_adapters.http.schemas.common import FIELDS_MAX
from leads_domain.errors import FieldError, ValidationFailed

Check = Callable[[Mapping[str, Any]], object]
"""The domain's check of some members; raises `ValidationFailed`."""

JSON = ("application/json",)
MERGE_PATCH = ("application/json", "application/merge-patch+json")
"""The media types of a patch. The OpenAPI document has the first only: generators write one function for each."""

_SMALL = 2**12
"""Bodies of up to this many bytes are decoded as a whole first. With slow numbers (`5e-324`) that takes 5 ms."""

_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_scan = msgspec.json.Decoder(msgspec.Raw).decode
_MESSAGE_MAX = 200  # msgspec quotes a value that is not of an enum, however long it is
_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "an array",
    "datetime": "a time (RFC 3339, with an offset)",
}


def decode_body(raw: bytes, schema: type[msgspec.Struct], check: Check) -> msgspec.Struct:
    """Return the body; raises `Problem`, or `ValidationFailed` with all errors.

    `check` adds the domain's errors in those members that have the right type, so that a client learns of all at once.
    """
    try:
        if len(raw) <= _SMALL:
            with suppress(msgspec.ValidationError):
                return decoder(schema).decode(raw)  # type: ignore[no-any-return]
        raw.decode()  # bytes that are never decoded have to be UTF-8 as well
        return _by_member(raw, schema, check)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed_body(error) from None


def _by_member(raw: bytes, schema: type[msgspec.Struct], check: Check) -> msgspec.Struct:
    members = _members(raw)
    if members is None:
        _scan(raw)
        raise ValidationFailed.because("Send a JSON object.")
    if len(members) > FIELDS_MAX:
        raise ValidationFailed([_too_many(members)])
    valid: dict[str, Any] = {}
    fields = _fields(schema)
    errors = [FieldError("", "This field is unknown.").under(name) for name in members if name not in fields]
    for name, each in fields.items():
        if name in members:
            value, found = _valid_part(members[name], each.type)
            errors += (error.under(name) for error in found)
            if value is not UNSET:
                valid[name] = value
    pointers = {error.pointer for error in errors}
    try:
        check(valid)
    except ValidationFailed as invalid:
        errors += (error for error in invalid.errors if error.pointer not in pointers)
    if errors:
        raise ValidationFailed(errors)
    return schema(**valid)


def check_media_type(scope: HTTPScope, accepted: Sequence[str]) -> str:
    """Return the media type if it is accepted, in UTF-8 and not compressed; raises `Problem` otherwise."""
    if (header(scope, b"content-encoding") or "identity").strip().lower() != "identity":
        detail = "Send the body without a `Content-Encoding`."
        raise UnsupportedMediaType(detail, headers={"accept-encoding": "identity"})
    content_type = header(scope, b"content-type") or ""
    named, _, parameters = content_type.partition(";")
    media_type = named.strip().lower()
    charset = re.search(r"charset=([^;]*)", parameters.lower())
    if media_type not in accepted or (charset and charset[1].strip('" ') != "utf-8"):
        sent = f"`{content_type[:100]}`" if content_type else "a body without a `Content-Type`"
        names = " or ".join(f"`{name}`" for name in accepted)
        raise UnsupportedMediaType(f"This operation accepts {names} in UTF-8, not {sent}.")
    return media_type


@lru_cache
def _fields(schema: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """Return the members of a schema by name. Cached: msgspec evaluates all annotations at every call."""
    return {each.encode_name: each for each in msgspec.structs.fields(schema)}


def _members(raw: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw] | None:
    """Return the members of an object, not yet decoded, the last of each name; None for anything but an object."""
    try:
        return _members_of(raw)
    except msgspec.ValidationError:
        return None


def _too_many(members: Mapping[str, msgspec.Raw]) -> FieldError:
    return FieldError("", f"Send at most {FIELDS_MAX} fields, not {len(members)}.")


def _malformed_body(error: Exception) -> Problem:
    match error:
        case UnicodeDecodeError():
            detail = "The body is not UTF-8."
        case RecursionError():
            detail = "The body is nested too deeply."
        case _:
            detail = f"The body is not JSON: {error}."
    return MalformedRequest(detail)


def _valid_part(raw: msgspec.Raw, type: Any) -> tuple[Any, list[FieldError]]:
    """Return the part of a member that has the right type (of an object: its valid members), or `UNSET`; and errors."""
    item_type = _item_type(type)
    members = None if item_type is None else _members(raw)
    if members is None:
        return _valid_value(raw, type)
    if len(members) > FIELDS_MAX:
        return UNSET, [_too_many(members)]
    parts = {name: _valid_part(item, item_type) for name, item in members.items()}
    errors = [error.under(name) for name, (_, found) in parts.items() for error in found]
    return {name: part for name, (part, _) in parts.items() if part is not UNSET}, errors


def _valid_value(raw: msgspec.Raw, type: Any) -> tuple[Any, list[FieldError]]:
    try:
        return decoder(type).decode(raw), []
    except msgspec.ValidationError as error:
        with suppress(msgspec.ValidationError):
            if not decoder(str).decode(raw).strip():  # blank text, as null
                return decoder(type).decode(b"null"), []
        return UNSET, [FieldError("", plain(error))]


@lru_cache
def decoder(type: Any) -> msgspec.json.Decoder[Any]:
    """Return the strict decoder of a type."""
    return msgspec.json.Decoder(type)


@lru_cache
def _item_type(type: Any) -> Any:
    """Return the type of an object's values; None if `type`, perhaps annotated or one of several, is no object."""
    if get_origin(type) is dict:
        return get_args(type)[1]
    return next((found for part in get_args(type) if (found := _item_type(part)) is not None), None)


def plain(error: msgspec.ValidationError) -> str:
    """Return the message of msgspec in the words of JSON."""

    def alternatives(types: re.Match[str]) -> str:
        return " or ".join(_WORDS.get(word, word) for word in types[1].split(" | "))

    message, _, place = str(error).partition(" - at ")
    message = message if len(message) <= _MESSAGE_MAX else "This is none of the allowed values"
    where = f" (at {place.strip('`$.')})" if place.strip("`$.") else ""
    return re.sub(r"`([^`]+)`", alternatives, message) + where + "."
