"""Create, list, get and revoke API keys."""

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET

from leads_adapters.database import Database
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pages import json_page
from leads_adapters.http.pagination import Cursors, page_response
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, PathId, checked_id
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.api_keys import ApiKeyView, NewApiKey, NewApiKeyView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import ApiKey, Permission
from leads_domain.paging import LIMIT_DEFAULT
from leads_domain.use_cases.manage_keys import CreateKey, RevokeKey


class ApiKeyController(Controller):
    """The resource `/api-keys`. To replace a key, create a new one, switch to it, then revoke the old one."""

    path = "/api-keys"
    tags = ("API keys",)

    @post(opt=requires(Permission.ADMINISTER))
    async def create_api_key(
        self,
        request: ApiRequest,
        data: JSONBody[NewApiKey],
        write: Injected[IdempotentWrites],
        create_key: Injected[CreateKey],
    ) -> Response[NewApiKeyView]:
        """Create an API key.

        The field `key` has the text of the key. It is shown only once, because the service stores a hash of it.
        """
        return await write(request, _created, create_key, name=data.name, role=data.role)

    @get(opt=requires(Permission.ADMINISTER))
    async def list_api_keys(
        self,
        request: ApiRequest,
        database: Injected[Database],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
    ) -> Response[PageView[ApiKeyView]]:
        """List API keys.

        Oldest first, revoked keys included. The text of a key is not included.
        """
        cursors = Cursors.of_positions("api-keys")
        after = cursors.decode(cursor)
        page = await database.read(lambda work: work.api_keys.page(after=after, limit=limit))
        total = len(await database.read_long(lambda work: work.api_keys.all())) if count else UNSET
        return page_response(request, cursors, json_page(page, ApiKeyView.of), total)

    @get("/{id:str}", opt=requires(Permission.ADMINISTER))
    async def get_api_key(self, id: FromPath[PathId], database: Injected[Database]) -> Response[ApiKeyView]:
        """Get an API key.

        The text of the key is not included.
        """
        key_id = checked_id(id, "API key")
        return JsonResponse(ApiKeyView.of(await database.read(lambda work: work.api_keys.get(key_id))))

    @delete("/{id:str}", opt=requires(Permission.ADMINISTER), response_description="The key is revoked.")
    async def revoke_api_key(
        self, id: FromPath[PathId], database: Injected[Database], revoke_key: Injected[RevokeKey]
    ) -> None:
        """Revoke an API key.

        The key stops working at once, and stays in the list. Revoking it again has no effect. Any key can be revoked,
        also the key of this request and the last key of an administrator: the command
        `leads keys create` can always create another.
        """
        await database.write(revoke_key, checked_id(id, "API key"))


def _created(created: tuple[ApiKey, str]) -> JsonResponse[NewApiKeyView]:
    key, text = created
    content = NewApiKeyView(**msgspec.structs.asdict(ApiKeyView.of(key)), key=text)
    return JsonResponse(content, status_code=201, headers={"location": f"/api-keys/{key.id}"})
