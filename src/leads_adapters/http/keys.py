"""The resource /api-keys."""

from dataclasses import dataclass

import msgspec

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer, json_answer, no_content
from leads_adapters.http.decoding import Body
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.paging import Cursors, page_answer, rendered
from leads_adapters.http.schemas import NewApiKey, PageQuery
from leads_adapters.http.views import ApiKeyView, NewApiKeyView, PageView, api_key_view
from leads_domain.access import ApiKey, Permission
from leads_domain.paging import Page, Position
from leads_domain.use_cases.manage_keys import CreateKey, RevokeKey, check_new_key, find_key, list_keys, page_of_keys

_CURSORS = Cursors.of_positions()


@dataclass(frozen=True, slots=True)
class KeyRoutes:
    """Makes, shows and revokes API keys. To replace a key: make a second one, switch over, revoke the first."""

    database: Database
    create_key: CreateKey
    revoke_key: RevokeKey

    @operation(
        method="POST",
        path="/api-keys",
        tag="API keys",
        permission=Permission.ADMINISTER,
        body=Body(NewApiKey),
        replies={201: Reply(means="The new key, shown this once.", schema=NewApiKeyView, headers=("Location",))},
    )
    async def create(self, call: Call) -> Answer:
        """Create an API key.

        Its text stands in `key`, this once: only a hash of it is kept.
        """
        given = await call.body(check_new_key)
        return await call.write(self.database, _made, self.create_key, name=given["name"], role=given["role"])

    @operation(
        method="GET",
        path="/api-keys",
        tag="API keys",
        permission=Permission.ADMINISTER,
        query=PageQuery,
        replies={200: Reply(means="A page of keys.", schema=PageView[ApiKeyView], headers=("Link",))},
    )
    async def browse(self, call: Call) -> Answer:
        """List API keys.

        The oldest come first, revoked ones too. Their texts are not known.
        """

        async def page(after: Position | None) -> Page[ApiKeyView, Position]:
            found = await self.database.read(page_of_keys, after=after, limit=call.query.limit)
            return rendered(found, api_key_view)

        async def total() -> int:
            return len(await self.database.read_long(list_keys))

        return await page_answer(call, _CURSORS, "api-keys", page=page, total=total)

    @operation(
        method="GET",
        path="/api-keys/{id:str}",
        tag="API keys",
        permission=Permission.ADMINISTER,
        replies={200: Reply(means="The key.", schema=ApiKeyView)},
        problems=("not-found",),
    )
    async def find(self, call: Call) -> Answer:
        """Get an API key, without its text."""
        return json_answer(api_key_view(await self.database.read(find_key, call.id("API key"))))

    @operation(
        method="DELETE",
        path="/api-keys/{id:str}",
        tag="API keys",
        permission=Permission.ADMINISTER,
        replies={204: Reply(means="The key is useless from now on.")},
        problems=("not-found",),
    )
    async def revoke(self, call: Call) -> Answer:
        """Revoke an API key, for good.

        It stays in the list. A key that is revoked already is left as it is. No key is spared, not even the one that
        this is asked with, or the last of an administrator: at the terminal, `leads keys create` can always make
        another.
        """
        await self.database.write(self.revoke_key, call.id("API key"))
        return no_content()


def _made(made: tuple[ApiKey, str]) -> Answer:
    key, text = made
    view = NewApiKeyView(**msgspec.structs.asdict(api_key_view(key)), key=text)
    return json_answer(view, status=201, headers=[(b"location", f"/api-keys/{key.id}".encode())])
