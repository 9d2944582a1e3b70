"""Strict decoding of what clients send.

Litestar would decode a body laxly (`"5"` as 5), report one fault, and not look at its media type;
so the raw bytes are decoded here, once, with msgspec in strict mode. Only when that fails is the
body looked at member by member, to list every fault in one answer. A large body always is: members that
are unknown, repeated or too many are then never decoded, and cost the event loop next to nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Generic, TypeVar, get_args, get_origin
from urllib.parse import parse_qs

import msgspec
from litestar.types import HTTPScope
from msgspec import UNSET
from msgspec.structs import FieldInfo

from leads_adapters.http.incoming import header
from leads_adapters.http.problems import Problem
from leads_domain.errors import FieldError, ValidationFailed

Schema = TypeVar("Schema", bound=msgspec.Struct)

MEMBERS_MAX = 100
"""How many members an object may have: twice as many as a lead has attributes, so that all can be replaced."""

_JSON = ("application/json",)
MERGE_PATCH = ("application/json", "application/merge-patch+json")
"""The media types of a patch. The OpenAPI document has the first only: generators write one function for each."""

_SMALL = 2**12
"""Bodies of up to this many bytes are decoded as a whole first. With slow numbers (`5e-324`) that takes 5 ms."""

_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_scan = msgspec.json.Decoder(msgspec.Raw).decode
_MESSAGE_MAX = 200  # msgspec quotes a value that is not of an enum, however long it is
_INTEGER = re.compile("-?(0|[1-9][0-9]{0,18})")
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


class Body(Generic[Schema]):
    """How one operation's body is decoded: its schema, and the media types in which it may come."""

    def __init__(self, schema: type[Schema], media_types: tuple[str, ...] = _JSON, *, optional: bool = False) -> None:
        self.schema = schema
        self.media_types = media_types
        self.optional = optional
        self._decoder = msgspec.json.Decoder(schema)

    def decode(self, raw: bytes, scope: HTTPScope, check: Callable[[Mapping[str, Any]], object]) -> Mapping[str, Any]:
        """The members that were given. Raises `Problem`, or `ValidationFailed` with every faulty member.

        `check` tells the domain's view of those members that have the right type, so that a client
        learns of all faults at once.
        """
        if not raw:
            if self.optional:
                return {}
            raise Problem("malformed-request", "The body is empty; send a JSON object.")
        check_media_type(scope, self.media_types)
        try:
            if len(raw) <= _SMALL:
                with suppress(msgspec.ValidationError):
                    return given(self._decoder.decode(raw))
            raw.decode()  # what is never decoded has to be UTF-8 as well
            return self._by_member(raw, check)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed_body(error) from None

    def _by_member(self, raw: bytes, check: Callable[[Mapping[str, Any]], object]) -> Mapping[str, Any]:
        members = _members(raw)
        if members is None:
            _scan(raw)
            raise ValidationFailed.because("Send a JSON object.")
        if len(members) > MEMBERS_MAX:
            raise ValidationFailed([_too_many(members)])
        sound: dict[str, Any] = {}
        fields = _fields(self.schema)
        faults = [FieldError("", "This member is unknown.").under(name) for name in members if name not in fields]
        for name, each in fields.items():
            if name in members:
                value, found = _sound_part(members[name], each.type)
                faults += (fault.under(name) for fault in found)
                if value is not UNSET:
                    sound[name] = value
        told = {fault.pointer for fault in faults}
        try:
            check(sound)
        except ValidationFailed as invalid:
            faults += (fault for fault in invalid.errors if fault.pointer not in told)
        if faults:
            raise ValidationFailed(faults)
        return sound


def check_media_type(scope: HTTPScope, wanted: Sequence[str]) -> str:
    """Return the media type, one of those that are wanted, in UTF-8 and not compressed; raises `Problem` otherwise."""
    if (header(scope, b"content-encoding") or b"identity").strip().lower() != b"identity":
        detail = "Send the body as it is, without a Content-Encoding."
        raise Problem("unsupported-media-type", detail, headers=((b"accept-encoding", b"identity"),))
    content_type = (header(scope, b"content-type") or b"").decode("latin-1")
    named, _, parameters = content_type.partition(";")
    media_type = named.strip().lower()
    charset = re.search(r"charset=([^;]*)", parameters.lower())
    if media_type not in wanted or (charset and charset[1].strip('" ') != "utf-8"):
        sent = content_type[:100] or "a body without a Content-Type"
        detail = f"This operation reads {' or '.join(wanted)} in UTF-8, not {sent}."
        raise Problem("unsupported-media-type", detail)
    return media_type


def given(struct: msgspec.Struct) -> dict[str, Any]:
    """The members of a decoded body that were sent, by name."""
    return {name: value for name in struct.__struct_fields__ if (value := getattr(struct, name)) is not UNSET}


@lru_cache(maxsize=256)
def decode_query(raw: bytes, schema: type[Schema]) -> Schema:
    """The query parameters; raises `Problem` for one that is unknown, repeated or impossible.

    Remembered, because clients ask the same again and again: it takes 15 us, nearly as long as a whole answer.
    Whoever gets the result may not change it.
    """
    fields = _fields(schema)
    try:
        sent = parse_qs(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:  # includes UnicodeDecodeError
        raise Problem("malformed-request", "The query is not UTF-8, or has more than 100 parameters.") from None
    values: dict[str, Any] = {}
    for name, texts in sent.items():
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise Problem("malformed-request", f"The query parameter {name[:50]!r} is unknown here; known: {known}.")
        repeatable = _is_repeatable(fields[name].type)
        if len(texts) > 1 and not repeatable:
            raise Problem("malformed-request", f"The query parameter {name} is given {len(texts)} times.")
        if "\0" in "".join(texts):  # PostgreSQL cannot even be asked for it
            raise Problem("malformed-request", f"The query parameter {name} holds a NUL character.")
        values[name] = texts if repeatable else _value(texts[0], fields[name].type)
    try:
        return msgspec.convert(values, schema)
    except msgspec.ValidationError as error:
        raise Problem("malformed-request", f"A query parameter is wrong. {_plain(error)}") from None


@lru_cache
def _fields(schema: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """The members of a schema by name. Looked up once: msgspec evaluates all annotations each time it is asked."""
    return {each.encode_name: each for each in msgspec.structs.fields(schema)}


def _value(text: str, type: Any) -> Any:
    """What a text stands for: msgspec itself would take 1 for true, a number for a time, and 5.0 for 5."""
    types = _parts(type)
    if bool in types:
        return {"true": True, "false": False}.get(text, text)
    if int in types and _INTEGER.fullmatch(text):
        return int(text)
    return text


@lru_cache
def _parts(type: Any) -> tuple[Any, ...]:
    """The types of which an annotated or optional type consists."""
    return (type, *(part for each in get_args(type) for part in _parts(each)))


@lru_cache
def _is_repeatable(type: Any) -> bool:
    return any(get_origin(part) is tuple for part in (type, *get_args(type)))


def _members(raw: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw] | None:
    """Return the members of an object, not yet decoded, the last of each name; None for anything but an object."""
    try:
        return _members_of(raw)
    except msgspec.ValidationError:
        return None


def _too_many(members: Mapping[str, msgspec.Raw]) -> FieldError:
    return FieldError("", f"Send at most {MEMBERS_MAX} members; these are {len(members)}.")


def _malformed_body(error: Exception) -> Problem:
    match error:
        case UnicodeDecodeError():
            detail = "The body is not UTF-8."
        case RecursionError():
            detail = "The body is nested too deeply."
        case _:
            detail = f"The body is not JSON: {error}."
    return Problem("malformed-request", detail)


def _sound_part(raw: msgspec.Raw, type: Any) -> tuple[Any, list[FieldError]]:
    """What of a member has the right type (of an object: its sound members; else all or `UNSET`), and the faults."""
    item_type = _item_type(type)
    members = None if item_type is None else _members(raw)
    if members is None:
        return _sound_value(raw, type)
    if len(members) > MEMBERS_MAX:
        return UNSET, [_too_many(members)]
    parts = {name: _sound_part(item, item_type) for name, item in members.items()}
    faults = [fault.under(name) for name, (_, found) in parts.items() for fault in found]
    return {name: part for name, (part, _) in parts.items() if part is not UNSET}, faults


def _sound_value(raw: msgspec.Raw, type: Any) -> tuple[Any, list[FieldError]]:
    try:
        return _decoder(type).decode(raw), []
    except msgspec.ValidationError as error:
        with suppress(msgspec.ValidationError):
            if not _decoder(str).decode(raw).strip():  # blank text, as null
                return _decoder(type).decode(b"null"), []
        return UNSET, [FieldError("", _plain(error))]


@lru_cache
def _decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


@lru_cache
def _item_type(type: Any) -> Any:
    """The type of an object's values, if `type`, perhaps annotated or one of several, is such an object."""
    if get_origin(type) is dict:
        return get_args(type)[1]
    return next((found for part in get_args(type) if (found := _item_type(part)) is not None), None)


def _plain(error: msgspec.ValidationError) -> str:
    """What msgspec says, in the words of JSON."""

    def alternatives(types: re.Match[str]) -> str:
        return " or ".join(_WORDS.get(word, word) for word in types[1].split(" | "))

    message, _, place = str(error).partition(" - at ")
    message = message if len(message) <= _MESSAGE_MAX else "This is none of the possible values"
    where = f" (at {place.strip('`$.')})" if place.strip("`$.") else ""
    return re.sub(r"`([^`]+)`", alternatives, message) + where + "."
