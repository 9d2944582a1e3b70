"""The request as handlers get it: its body read within limits and decoded strictly."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET

from leads_adapters.http.decoding import JSON, MERGE_PATCH, Check, check_media_type, decode_body
from leads_adapters.http.problems import MalformedRequest
from leads_adapters.http.receiving import BodyLimits, receive_body
from leads_domain.access import Principal

Checks = Mapping[type[msgspec.Struct], Check]
"""The domain's check of each body, which is asked when a body cannot be decoded; in the application's state."""


class ApiRequest(Request[Principal, str, State]):
    """Litestar's request; `data:` of a handler comes from `json`."""

    async def body(self) -> bytes:
        """Return the body; raises `Problem` if it is too large or too slow."""
        if not isinstance(self._body, bytes):
            limits: BodyLimits = self.app.state.body_limits
            body = bytearray()  # a list of pieces would take 20 times the memory of very small ones
            async for piece in receive_body(self.scope, self.receive, limits):
                body += piece
            self._body = bytes(body)
        data = self.route_handler.parsed_data_field
        if not self._body and data and not data.has_default:
            raise MalformedRequest("The body is empty. Send a JSON object.")
        return self._body

    async def json(self) -> Any:
        """Return the body as the struct that the handler's `data` names; raises `Problem` or `ValidationFailed`."""
        raw = await self.body()
        check_media_type(self.scope, MERGE_PATCH if self.method == "PATCH" else JSON)
        schema = _struct(self.route_handler)
        checks: Checks = self.app.state.checks
        return decode_body(raw, schema, checks[schema])


def sent(body: msgspec.Struct | None) -> Any:
    """Return the members of a body that the client sent, by name."""
    if body is None:
        return {}
    return {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}


@lru_cache
def _struct(handler: HTTPRouteHandler) -> type[msgspec.Struct]:
    """Return the struct that `data` is annotated with, alone or with None."""
    field = handler.parsed_data_field
    inner = [field, *field.inner_types] if field else []
    struct: type[msgspec.Struct] = next(each.annotation for each in inner if each.is_subclass_of(msgspec.Struct))
    return struct
