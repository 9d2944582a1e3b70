"""Problem details (RFC 9457): the types of problems, one class each. Handlers name those they raise."""

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

import msgspec
from litestar.exceptions import HTTPException
from msgspec import Meta

from leads_adapters.http.schemas.common import Id, Status
from leads_domain.access import Role
from leads_domain.follow_up import FollowUpState

EXAMPLE_ID = "01935a1b-7c00-7000-8000-0123456789ab"
RETRY_LATER = {"retry-after": "1"}
"""In a second: that is how often a database that is away is tried."""


class ProblemDetails(msgspec.Struct):
    """A problem (RFC 9457)."""

    type: Annotated[str, Meta(description="Which kind of problem: the path of a page that says what to do.")]
    title: str
    status: int
    detail: str
    instance: str


class FieldError(msgspec.Struct):
    """One faulty member; the pointer of the whole body is empty."""

    pointer: Annotated[str, Meta(description="A JSON Pointer (RFC 6901) into the body.", examples=["/name"])]
    detail: Annotated[str, Meta(description="What to do.", examples=["Give it 1 to 200 characters."])]


class Problem(HTTPException):
    """A failed request. The docstring of each type is its title, and the advice to clients on its page."""

    name: ClassVar[str]
    title: ClassVar[str]
    advice: ClassVar[str]
    example: ClassVar[str]
    """An example of `detail`."""
    members: ClassVar[Mapping[str, Any]] = {}
    """The types of the members that it adds to those of every problem."""
    schema: ClassVar[type[msgspec.Struct]] = ProblemDetails

    def __init_subclass__(cls, status: int, example: str) -> None:
        title, _, advice = cleandoc(cls.__doc__ or "").partition(".\n\n")
        cls.name = re.sub(r"\B([A-Z])", r"-\1", cls.__name__).lower()
        cls.status_code, cls.title, cls.advice, cls.example = status, title, " ".join(advice.split()), example
        if cls.members:
            fields = [("type", Literal[f"/problems/{cls.name}"]), *cls.members.items()]
            documented = {"__doc__": f"{title}."}
            cls.schema = msgspec.defstruct(
                f"{cls.__name__}Problem", fields, bases=(ProblemDetails,), namespace=documented
            )

    def __init__(
        self, detail: str, values: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail=detail, headers=dict(headers or {}))
        self.values = values or {}

    def content(self, path: str) -> dict[str, Any]:
        """Return the members of the response; `path` is that of the request."""
        return {
            "type": f"/problems/{self.name}",
            "title": self.title,
            "status": self.status_code,
            "detail": self.detail,
            "instance": quote(path, safe="/-._~!$&'()*+,;=:@", errors="replace"),
            **self.values,
        }


class MalformedRequest(
    Problem, status=400, example="Invalid cursor. Pass `next_cursor` from the previous page unchanged."
):
    """The request cannot be understood.

    The body is not JSON in UTF-8, a cursor is not one that this service gave for this list, or a query parameter is
    unknown or has an impossible value. The detail names which. Correct it and send it again.
    """


class Unauthorized(Problem, status=401, example="The API key is mistyped, unknown or revoked."):
    """A valid API key is needed.

    Send the key as X-API-Key, or as Authorization: Bearer. The key is missing, mistyped or revoked.
    """


class Forbidden(Problem, status=403, example="A key with the role read may not do this; the role agent would do."):
    """The key's role does not permit this.

    The member role names the least role that would do. An administrator can make such a key.
    """

    members = {"role": Annotated[Role, Meta(description="The least role that would do.", examples=["agent"])]}


class NotFound(Problem, status=404, example=f"There is no lead with the id {EXAMPLE_ID}."):
    """There is nothing here.

    No resource has this address. Identifiers are UUIDs as the service gave them out.
    """


class MethodNotAllowed(Problem, status=405, example="The header Allow lists the methods of this resource."):
    """The method is not for this resource.

    The header Allow lists the methods that this resource answers.
    """


class NotAcceptable(Problem, status=406, example="This operation answers text/csv or application/x-ndjson."):
    """None of the accepted media types is available.

    The detail lists what the operation answers. Name one of these in Accept, or leave the header out.
    """


class RequestTimeout(Problem, status=408, example="Nothing of the body came for 10 s."):
    """The body did not come in time.

    Nothing was changed, but an import has kept the rows before. Send the request again, on a new connection.
    """


class DuplicateLead(Problem, status=409, example=f"The lead {EXAMPLE_ID} already has this e-mail address."):
    """A lead with this e-mail address exists.

    The member existing_lead_id names it. Change that lead, or send on_duplicate=return or on_duplicate=update.
    """

    members = {"existing_lead_id": Id}


class IllegalTransition(Problem, status=409, example="A lead cannot go from new to converted."):
    """The pipeline does not allow this move.

    The members from and to name the move, and allowed the statuses that can follow now. GET /pipeline has the whole
    pipeline.
    """

    members = {
        "from": Annotated[str, Meta(description="The present status.", examples=["new"])],
        "to": Annotated[Status, Meta(examples=["converted"])],
        "allowed": Annotated[
            list[Status], Meta(description="The statuses that can follow now.", examples=[["contacted", "lost"]])
        ],
    }


class IllegalFollowUpState(Problem, status=409, example="A follow-up that is sent cannot be cancelled."):
    """The follow-up's state does not allow this.

    The member state names the state that the follow-up has. Only a scheduled follow-up can still change, and its
    message only while it is not being sent.
    """

    members = {"state": Annotated[FollowUpState, Meta(description="The present state.", examples=["sent"])]}


class RequestInProgress(Problem, status=409, example="The request with this key is still being carried out."):
    """The same request is still being carried out.

    Another request with this Idempotency-Key has not ended yet. Send it again after Retry-After: the answer is then
    that of the first one.
    """


class PreconditionFailed(Problem, status=412, example="The lead is at version 4, which the request is not meant for."):
    """The lead is at another version.

    It has changed since it was read, or is not what If-Match or If-None-Match ask for; nothing was changed. The header
    ETag names the present version: read the lead again, and decide anew.
    """


class PayloadTooLarge(Problem, status=413, example="The body is larger than 262144 bytes."):
    """The body is too large.

    Send less at once, or have the operator raise LEADS_MAX_BODY, or LEADS_MAX_IMPORT for files.
    """


class UnsupportedMediaType(
    Problem, status=415, example="This operation reads application/json in UTF-8, not text/plain."
):
    """The body has another media type than this operation reads.

    Send Content-Type: application/json. The detail lists what the operation reads.
    """


class ValidationFailed(Problem, status=422, example="One member breaks a rule."):
    """Some members break a rule.

    The member errors lists the faulty members, up to 100 of them: pointer is a JSON Pointer (RFC 6901) into the body,
    detail says what to do. Nothing was changed.
    """

    members = {"errors": list[FieldError]}


class IdempotencyKeyReused(Problem, status=422, example="The key was used for another request."):
    """The Idempotency-Key was used for another request.

    A key is for one request, with its path, query and body, and for its repetitions. Make a new key, such as a UUID,
    for each request that is not the repetition of another.
    """


class RateLimited(Problem, status=429, example="At most 600 requests in 60 s; wait 3 s."):
    """Too many requests.

    Wait as many seconds as Retry-After says. The headers RateLimit and RateLimit-Policy tell what is left.
    """


class InternalError(Problem, status=500, example="The service failed."):
    """The service failed.

    This is a fault of the service. Its log has the details under the X-Request-Id of the answer.
    """


class Unavailable(Problem, status=503, example="The database is out of reach or too busy."):
    """The service cannot do this now.

    The database is out of reach or too busy, its storage is full, or too many imports are under way. Nothing is half
    done, but an import has kept the rows before; send the request again after Retry-After.
    """


PROBLEMS: Mapping[str, type[Problem]] = {problem.name: problem for problem in Problem.__subclasses__()}
"""All types by name, in the order of their status codes."""
