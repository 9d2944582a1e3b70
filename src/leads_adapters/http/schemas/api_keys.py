"""API keys, as administrators send and get them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import NULL, Id, KeyName, KeyRole, Utc
from leads_adapters.http.schemas.views import View


class NewApiKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make."""

    name: KeyName
    role: KeyRole


class ApiKeyView(View):
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
