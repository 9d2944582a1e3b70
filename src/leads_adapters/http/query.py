"""Check query strings strictly: Litestar ignores unknown parameters, and takes `1` as true and a number as a time."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from leads_adapters.http.decoding import json_message
from leads_adapters.http.problems import MalformedRequest
from leads_domain.errors import ValidationFailed

_INTEGER = re.compile("-?(0|[1-9][0-9]{0,18})")


async def check_query(request: Request[Any, Any, Any]) -> None:
    """Raise `MalformedRequest` if a parameter is unknown, repeated or invalid (a `before_request` hook).

    A handler with the option `any_query` has no parameters, and ignores those that are sent.
    """
    raw = request.scope["query_string"]
    if raw and not request.route_handler.opt.get("any_query"):
        _check(raw, request.route_handler)


def invalid_parameter(invalid: ValidationFailed) -> MalformedRequest:
    """Return the problem for a query parameter that a use case refuses."""
    error = invalid.errors[0]
    return MalformedRequest(f"The query parameter `{error.pointer.strip('/')}` is invalid. {error.detail}")


@lru_cache(maxsize=256)
def _check(raw: bytes, handler: HTTPRouteHandler) -> None:
    """Check a query string. Cached, because clients repeat query strings."""
    parameters = _parameters(handler)
    try:
        sent = parse_qs(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:  # includes UnicodeDecodeError
        raise MalformedRequest("The query string is not UTF-8, or has more than 100 parameters.") from None
    for name, texts in sent.items():
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise MalformedRequest(
                f"The query parameter `{name[:50]}` is unknown. The parameters of this operation are: {known}."
            )
        _check_parameter(name, texts, parameters[name])


def _check_parameter(name: str, texts: list[str], parameter: FieldDefinition) -> None:
    if len(texts) > 1 and not parameter.is_non_string_sequence:
        raise MalformedRequest(f"The query parameter `{name}` occurs {len(texts)} times. Send it once.")
    if "\0" in "".join(texts):  # PostgreSQL cannot take it in a statement
        raise MalformedRequest(f"The query parameter `{name}` contains a NUL character.")
    value = texts if parameter.is_non_string_sequence else _value(texts[0], parameter)
    try:
        msgspec.convert(value, parameter.raw)
    except msgspec.ValidationError as error:
        raise MalformedRequest(f"The query parameter `{name}` is invalid. {json_message(error)}") from None


def _value(text: str, parameter: FieldDefinition) -> Any:
    if bool in (parameter.annotation, *(inner.annotation for inner in parameter.inner_types)):
        return {"true": True, "false": False}.get(text, text)
    if parameter.annotation is int and _INTEGER.fullmatch(text):
        return int(text)
    return text


@lru_cache
def _parameters(handler: HTTPRouteHandler) -> dict[str, FieldDefinition]:
    """Return the query parameters of a handler and of its dependencies."""
    signatures = [handler.parsed_fn_signature]
    for name, provide in handler.resolve_dependencies().items():
        if name in handler.parsed_fn_signature.parameters:
            signatures.append(provide.parsed_fn_signature)
    fields = (field for signature in signatures for field in signature.parameters.values())
    return {
        field.kwarg_definition.name or field.name: field
        for field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    }
