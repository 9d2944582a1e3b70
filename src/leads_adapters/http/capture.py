"""Serve keys with the role `capture`, which are public: see `docs/security.md`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response

from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.leads import Accepted
from leads_domain.use_cases.capture import Capture


@dataclass(frozen=True, slots=True)
class Captures:
    """Store what a public client sends, and have it processed after the response.

    A public form must not reveal who is a lead: neither its response nor its time depends on that.
    """

    write: IdempotentWrites
    capture: Capture
    wake_processor: Callable[[], None]

    async def __call__(self, request: ApiRequest, body: msgspec.Struct) -> Response[Any]:
        """Return the response, which is the same for new and existing leads."""
        response = await self.write(request, _accepted, self.capture, _sent_in_public(body), key_name=request.user.name)
        self.wake_processor()
        return response


def _accepted(_: object) -> JsonResponse[Any]:
    return JsonResponse(Accepted(), status_code=202)


def _sent_in_public(body: msgspec.Struct) -> Any:
    """Return the fields of a body except `owner`: a stranger could have the message of a rule sent to any address."""
    return {field: value for field, value in sent_fields(body).items() if field != "owner"}
