"""API keys, as administrators send and get them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import NULL, Id, KeyName, KeyRole, Utc, utc
from leads_adapters.times import time_text
from leads_domain.access import ApiKey


class NewApiKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make."""

    name: KeyName
    role: KeyRole


class ApiKeyView(msgspec.Struct):
    """What is known of an API key; its text is not."""

    id: Id
    name: KeyName
    role: KeyRole
    created_at: Utc
    last_used_at: Annotated[Utc, Meta(description="To the minute or so; null if it never was.")] | None
    revoked_at: Annotated[Utc | None, NULL]


class NewApiKeyView(ApiKeyView):
    """A new API key, with its text."""

    key: Annotated[
        str,
        Meta(
            description="The text to send as X-API-Key. It is shown this once.",
            examples=["capture_5f0c" + 60 * "0" + "7a3b9d21"],
        ),
    ]


def api_key_view(key: ApiKey) -> ApiKeyView:
    """A key as administrators see it: without its digest."""
    return ApiKeyView(
        id=key.id,
        name=key.name,
        role=key.role,
        created_at=time_text(key.created_at),
        last_used_at=utc(key.last_used_at),
        revoked_at=utc(key.revoked_at),
    )
