"""Decode JSON bodies strictly, and report all errors of a body in one response.

Litestar decodes laxly (`"5"` as 5), reports one error, and ignores the media type. This module decodes the raw bytes
with msgspec in strict mode. If that fails, it decodes the body field by field. It decodes large bodies only that way,
so that unknown, repeated or too many fields are never decoded and do not block the event loop.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, get_args, get_origin

import msgspec
from litestar.types import HTTPScope
from msgspec import UNSET
from msgspec.inspect import is_struct_type

from leads_adapters.http.headers import header
from leads_adapters.http.problems import MalformedRequest, Problem, UnsupportedMediaType
from leads_adapters.http.schemas.common import FIELDS_MAX
from leads_domain.errors import FieldError, ValidationFailed

Check = Callable[[Mapping[str, Any]], object]
"""The domain's check of the fields of a body. Raises `ValidationFailed`."""

JSON = ("application/json",)
MERGE_PATCH = ("application/json", "application/merge-patch+json")
"""The media types of a patch. The OpenAPI document has only the first: generators write one function for each."""

_SMALL_BODY = 2**12
"""The size in bytes up to which a body is first decoded as a whole. Larger bodies could block the event loop."""

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_validate_json = msgspec.json.Decoder(msgspec.Raw).decode
_MESSAGE_MAX = 200  # msgspec quotes a value that is not in an enum, of any length
_JSON_TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "an array",
    "datetime": "a time (RFC 3339, with an offset)",
}
_A_TIME = "Write a time with an offset and a year of four digits (RFC 3339), such as 2030-01-15T09:30:00Z"
_MESSAGES = {
    "Invalid RFC3339 encoded datetime": _A_TIME,
    "Expected `datetime` with a timezone component": _A_TIME,
}
"""The messages in place of those of msgspec that do not say what to do."""


def decode_body(raw: bytes, schema: type[msgspec.Struct], check: Check) -> msgspec.Struct:
    """Return the body. Raises `Problem`, or `ValidationFailed` with all errors.

    `check` adds the domain's errors of all fields with the right type.
    """
    try:
        if len(raw) <= _SMALL_BODY:
            with suppress(msgspec.ValidationError):
                return decoder(schema).decode(raw)  # type: ignore[no-any-return]
        raw.decode()  # fields that are not decoded must be UTF-8 as well
        return _decode_fields(raw, schema, check)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed_body(error) from None


def _decode_fields(raw: bytes, schema: type[msgspec.Struct], check: Check) -> msgspec.Struct:
    fields = _raw_fields(raw)
    if fields is None:
        _validate_json(raw)
        raise ValidationFailed.because("Send a JSON object.")
    valid, errors = _decode_object_part(fields, schema)
    if valid is UNSET:
        raise ValidationFailed(errors)
    pointers = {error.pointer for error in errors}
    if any(name in fields and name not in valid for name in _field_types(schema)):
        pointers.add("")  # a rule for the whole body needs all its fields
    try:
        check(valid)
    except ValidationFailed as invalid:
        errors += (error for error in invalid.errors if error.pointer not in pointers)
    if errors:
        raise ValidationFailed(errors)
    return msgspec.convert(valid, schema)


def check_media_type(scope: HTTPScope, accepted: Sequence[str]) -> str:
    """Return the media type of the body. Raises `Problem` if it is not accepted, not UTF-8 or compressed."""
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
def _field_types(schema: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Return the types of the fields of a schema. Cached, because msgspec evaluates all annotations at each call."""
    return {each.encode_name: each.type for each in msgspec.structs.fields(schema)}


def _raw_fields(raw: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw] | None:
    """Return the raw fields of an object, the last of each name, or None if the value is not an object."""
    try:
        return _decode_object(raw)
    except msgspec.ValidationError:
        return None


def _too_many(fields: Mapping[str, msgspec.Raw]) -> FieldError:
    return FieldError("", f"Send at most {FIELDS_MAX} fields, not {len(fields)}.")


def _malformed_body(error: Exception) -> Problem:
    match error:
        case UnicodeDecodeError():
            detail = "The body is not UTF-8."
        case RecursionError():
            detail = "The body is nested too deeply."
        case _:
            detail = f"The body is not JSON: {error}."
    return MalformedRequest(detail)


def _decode_valid_part(raw: msgspec.Raw, type: Any) -> tuple[Any, list[FieldError]]:
    """Return the valid part of a value, or `UNSET`, and the errors. The valid part of an object is its valid fields."""
    object_type = _object_type(type)
    fields = None if object_type is None else _raw_fields(raw)
    return _decode_value(raw, type) if fields is None else _decode_object_part(fields, object_type)


def _decode_object_part(fields: Mapping[str, msgspec.Raw], object_type: Any) -> tuple[Any, list[FieldError]]:
    if len(fields) > FIELDS_MAX:
        return UNSET, [_too_many(fields)]
    is_struct = is_struct_type(object_type)
    types = _field_types(object_type) if is_struct else dict.fromkeys(fields, get_args(object_type)[1])
    errors = [FieldError("", "This field is unknown.").under(name) for name in fields if name not in types]
    parts = {name: _decode_valid_part(fields[name], types[name]) for name in types if name in fields}
    errors += (error.under(name) for name, (_, found) in parts.items() for error in found)
    return {name: part for name, (part, _) in parts.items() if part is not UNSET}, errors


def _decode_value(raw: msgspec.Raw, type: Any) -> tuple[Any, list[FieldError]]:
    try:
        return decoder(type).decode(raw), []
    except msgspec.ValidationError as error:
        with suppress(msgspec.ValidationError):
            if not decoder(str).decode(raw).strip():  # blank text means null
                return decoder(type).decode(b"null"), []
        return UNSET, [FieldError("", json_message(error))]


@lru_cache
def decoder(type: Any) -> msgspec.json.Decoder[Any]:
    """Return the strict decoder of a type."""
    return msgspec.json.Decoder(type)


@lru_cache
def _object_type(type: Any) -> Any:
    """Return the struct or dictionary that `type` is, annotated or in a union; None if it is no object."""
    if is_struct_type(type) or get_origin(type) is dict:
        return type
    return next((found for part in get_args(type) if (found := _object_type(part)) is not None), None)


def json_message(error: msgspec.ValidationError) -> str:
    """Return the message of msgspec in terms of JSON."""

    def alternatives(types: re.Match[str]) -> str:
        return " or ".join(_JSON_TYPES.get(word, word) for word in types[1].split(" | "))

    message, _, path = str(error).partition(" - at ")
    message = _MESSAGES.get(message, message)
    message = message if len(message) <= _MESSAGE_MAX else "This is none of the allowed values"
    where = f" (at {path.strip('`$.')})" if path.strip("`$.") else ""
    return re.sub(r"`([^`]+)`", alternatives, message) + where + "."
