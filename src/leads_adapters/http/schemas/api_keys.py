"""Define the bodies of API keys."""

from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import NULL, Id, KeyName, KeyRole, Utc
from leads_adapters.http.schemas.views import View


class NewApiKey(msgspec.Struct, forbid_unknown_fields=True):
    """An API key to create."""

    name: KeyName
    role: KeyRole


class ApiKeyView(View):
    """An API key, without its text."""

    id: Id
    name: KeyName
    role: KeyRole
    created_at: Utc
    last_used_at: (
        Annotated[
            Utc, Meta(description="The time of the last request, accurate to a minute. Null if the key was never used.")
        ]
        | None
    )
    revoked_at: Annotated[Utc | None, NULL]


class NewApiKeyView(ApiKeyView):
    """A new API key, with its text."""

    key: Annotated[
        str,
        Meta(
            description="The text to send as `X-API-Key`. It is shown only once.",
            examples=["capture_5f0c" + 60 * "0" + "7a3b9d21"],
        ),
    ]
