"""Serve keys with the role `capture`, which are public: see `docs/security.md`."""

from typing import Any

import msgspec

from leads_adapters.http.body import sent_fields
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.leads import Accepted


def accepted_response(_: object) -> JsonResponse[Any]:
    """Return the same response for new and existing leads: a public form must not reveal who is a lead."""
    return JsonResponse(Accepted(), status_code=202)


def sent_in_public(body: msgspec.Struct) -> Any:
    """Return the fields of a body except `owner`: a stranger could have the message of a rule sent to any address."""
    return {field: value for field, value in sent_fields(body).items() if field != "owner"}
