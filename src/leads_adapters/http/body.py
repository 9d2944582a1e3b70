"""Define the request that handlers get: its body is read within limits and decoded strictly."""

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
"""The domain's check of each body, which adds errors to the errors of decoding. Stored in the application's state."""


BODY_LIMITS = "body_limits"
"""The key of a handler's own limits in its `opt`."""


class ApiRequest(Request[Principal, str, State]):
    """Litestar's request. The parameter `data` of a handler is the result of `json`."""

    async def body(self) -> bytes:
        """Return the body. Raises `Problem` if it is too large, too slow or empty."""
        if not isinstance(self._body, bytes):
            limits: BodyLimits = self.route_handler.opt.get(BODY_LIMITS) or self.app.state.body_limits
            body = bytearray()  # a list of very small pieces would take far more memory
            async for piece in receive_body(self.scope, self.receive, limits):
                body += piece
            self._body = bytes(body)
        data = self.route_handler.parsed_data_field
        if not self._body and data and not data.has_default:
            raise MalformedRequest("The body is empty. Send a JSON object.")
        return self._body

    async def json(self) -> Any:
        """Return the body as the struct of the handler's `data`. Raises `Problem` or `ValidationFailed`."""
        raw = await self.body()
        check_media_type(self.scope, MERGE_PATCH if self.method == "PATCH" else JSON)
        schema = _struct(self.route_handler)
        checks: Checks = self.app.state.checks
        return decode_body(raw, schema, checks[schema])


def sent_fields(body: msgspec.Struct | None) -> Any:
    """Return the fields of a body that the client sent, by name; an object within it as a dictionary as well."""
    if body is None:
        return {}
    values = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {
        name: sent_fields(value) if isinstance(value, msgspec.Struct) else value
        for name, value in values
        if value is not UNSET
    }


@lru_cache
def _struct(handler: HTTPRouteHandler) -> type[msgspec.Struct]:
    """Return the struct in the annotation of `data`, which may be optional."""
    field = handler.parsed_data_field
    inner = [field, *field.inner_types] if field else []
    struct: type[msgspec.Struct] = next(each.annotation for each in inner if each.is_subclass_of(msgspec.Struct))
    return struct
