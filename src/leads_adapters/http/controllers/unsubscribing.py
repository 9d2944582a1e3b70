"""Let people opt out with the link in a message (RFC 8058)."""

from dataclasses import dataclass
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import PUBLIC
from leads_adapters.http.body import BODY_LIMITS, ApiRequest
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.form_bodies import FORM_MAX_BYTES, MULTIPART, URL_ENCODED
from leads_adapters.http.parameters import Injected
from leads_adapters.http.rate_limit import RateLimiter
from leads_adapters.http.receiving import BodyLimits
from leads_adapters.http.visitor_pages import HTML, OWN_FORM, error_pages, page_response
from leads_domain.unsubscribing import UnsubscribeToken, parse_token
from leads_domain.use_cases.unsubscribe import Unsubscribe, has_lead

Token = Annotated[str, Meta(description="The token in the link.", examples=[32 * "A"])]
Page = Annotated[str, Meta(description="A page.", examples=["<!doctype html>"])]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
"""The form that mail programs send. The handler reads it and does not require it."""

_SCHEMA = {"type": "object", "examples": [ONE_CLICK]}
_BODY = {
    "required": False,
    "content": {type: {"schema": _SCHEMA, "example": ONE_CLICK} for type in (URL_ENCODED, MULTIPART)},
}
_QUESTION = """<p>Do you want to get no more messages from us?</p>
<form method="post">
<p><button name="List-Unsubscribe" value="One-Click">Send me no more messages</button></p>
</form>"""
_DONE = "<p>We have noted that. You can close this page.</p>"
_UNKNOWN = (
    "The link is incomplete, or we have erased your data. Copy the whole link from the message. "
    "If you still get messages, answer one of them."
)


@dataclass(frozen=True, slots=True)
class UnsubscribeServices:
    """The dependencies of the handlers. Without a limiter, rates are not limited."""

    database: Database
    unsubscribe: Unsubscribe
    addresses: ClientAddresses
    per_address: RateLimiter | None

    def token(self, request: ApiRequest, text: str) -> UnsubscribeToken:
        """Return the token of a request. Raises `RateLimited`, or `NotFound` if it cannot be one."""
        if self.per_address:
            self.per_address.count(self.addresses.of(request.scope))
        token = parse_token(text)
        if token is None:
            raise problems.NotFound(_UNKNOWN)
        return token


class UnsubscribeController(Controller):
    """The resource `/unsubscribe/{token}`."""

    path = "/unsubscribe"
    tags = ("Unsubscribing",)
    exception_handlers = {Exception: error_pages("This did not work")}

    @get(
        "/{token:str}",
        media_type=HTML,
        opt={**PUBLIC, "any_query": True, "page": True},  # mail programs and trackers add parameters
        raises=[problems.RateLimited, problems.Unavailable],
    )
    async def get_unsubscribe_page(
        self, request: ApiRequest, token: FromPath[Token], unsubscribing: Injected[UnsubscribeServices]
    ) -> Response[Page]:
        """Get the page that asks before a lead opts out.

        It changes nothing: programs that check the links in messages open it as well.
        """
        if not await unsubscribing.database.read(has_lead, unsubscribing.token(request, token)):
            raise problems.NotFound(_UNKNOWN)
        return page_response("Unsubscribe", _QUESTION, form_action=OWN_FORM)

    @post(
        "/{token:str}",
        status_code=200,
        media_type=HTML,
        opt={
            **PUBLIC,
            BODY_LIMITS: BodyLimits(FORM_MAX_BYTES),
            "any_query": True,
            "page": True,
            "request_body": _BODY,
        },
        raises=[problems.RateLimited, problems.Unavailable, problems.PayloadTooLarge, problems.RequestTimeout],
    )
    async def unsubscribe(
        self, request: ApiRequest, token: FromPath[Token], unsubscribing: Injected[UnsubscribeServices]
    ) -> Response[Page]:
        """Opt out a lead.

        Sets `do_not_contact` and cancels the scheduled messages to the lead. Mail programs send this with one click
        (RFC 8058), and the page with its button. Any body is accepted. Repeating this has no effect.
        """
        parsed = unsubscribing.token(request, token)
        await request.body()
        if not await unsubscribing.database.write(unsubscribing.unsubscribe, parsed):
            raise problems.NotFound(_UNKNOWN)
        return page_response("You get no more messages", _DONE)
