"""Define the types of problems (RFC 9457), one class each. Handlers declare the ones they raise."""

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
from leads_domain.submission import SubmissionState
from leads_domain.task import TaskState

EXAMPLE_ID = "01935a1b-7c00-7000-8000-0123456789ab"
RETRY_LATER = {"retry-after": "1"}
"""The service tries an unreachable database once a second."""

_SECRET = re.compile(r"((?<=/calendar/)|(?<=/unsubscribe/)).+", re.DOTALL)
"""The part of a path that must not be repeated: people forward problems, and programs log them."""

_PERMITTED_ROLE = "The least privileged role that permits the request."


class ProblemDetails(msgspec.Struct):
    """A problem (RFC 9457)."""

    type: Annotated[str, Meta(description="The type of the problem: the path of a page that explains it.")]
    title: str
    status: int
    detail: str
    instance: str


class FieldError(msgspec.Struct):
    """An invalid field."""

    pointer: Annotated[
        str, Meta(description="A JSON Pointer (RFC 6901) to the field; empty for the whole body.", examples=["/name"])
    ]
    detail: Annotated[
        str, Meta(description="How to correct the field.", examples=["Must have 1 to 200 characters, but has 0."])
    ]


class Problem(HTTPException):
    """A failed request. The docstring of a subclass is its title and the advice on its page."""

    name: ClassVar[str]
    title: ClassVar[str]
    advice: ClassVar[str]
    example: ClassVar[str]
    """An example of `detail`."""
    fields: ClassVar[Mapping[str, Any]] = {}
    """The types of the fields that it adds to `ProblemDetails`."""
    schema: ClassVar[type[msgspec.Struct]] = ProblemDetails

    def __init_subclass__(cls, status: int, example: str) -> None:
        title, _, advice = cleandoc(cls.__doc__ or "").partition(".\n\n")
        cls.name = re.sub(r"\B([A-Z])", r"-\1", cls.__name__).lower()
        cls.status_code, cls.title, cls.advice, cls.example = status, title, " ".join(advice.split()), example
        if cls.fields:
            typed = [("type", Literal[f"/problems/{cls.name}"]), *cls.fields.items()]
            documented = {"__doc__": f"{title}."}
            cls.schema = msgspec.defstruct(
                f"{cls.__name__}Problem", typed, bases=(ProblemDetails,), namespace=documented
            )

    def __init__(
        self, detail: str, values: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail=detail, headers=dict(headers or {}))
        self.values = values or {}

    def content(self, path: str) -> dict[str, Any]:
        """Return the body of the response to a request for `path`."""
        return {
            "type": f"/problems/{self.name}",
            "title": self.title,
            "status": self.status_code,
            "detail": self.detail,
            "instance": quote(_SECRET.sub("", path), safe="/-._~!$&'()*+,;=:@", errors="replace"),
            **self.values,
        }


class MalformedRequest(
    Problem, status=400, example="Invalid cursor. Pass `next_cursor` from the previous page unchanged."
):
    """The request is malformed.

    The body is not JSON in UTF-8, a cursor was not issued for this list, a header is invalid, or a query parameter is
    unknown or invalid. The detail says which. Correct it and send the request again.
    """


class Unauthorized(Problem, status=401, example="The API key is mistyped, unknown or revoked."):
    """A valid API key is required.

    Send an API key in the header `X-API-Key`, or as `Authorization: Bearer KEY`.
    """


class Forbidden(
    Problem, status=403, example="The role `read` does not permit this request. The role `agent` permits it."
):
    """The role of the API key does not permit this request.

    The field `role` names the least privileged role that permits it. Ask an administrator for a key with this role.
    """

    fields = {"role": Annotated[Role, Meta(description=_PERMITTED_ROLE, examples=["agent"])]}


class FormForbidden(
    Problem, status=403, example="The form does not accept requests of pages of https://other.example.com."
):
    """The form does not accept this request.

    The form accepts pages of its own origins only, or the webhook of Google Ads with its own key. Ask the operator to
    add the origin of your page to `origins` in the settings of the form, or correct the key in Google Ads.
    """


class NotFound(Problem, status=404, example=f"No lead has the id {EXAMPLE_ID}."):
    """The resource does not exist.

    No resource has ever had this path, or it was deleted. Check the path: an id is a UUID from an earlier response.
    """


class MethodNotAllowed(
    Problem,
    status=405,
    example="This resource does not support the method. The header `Allow` lists those it supports.",
):
    """The method is not allowed.

    The header `Allow` lists the methods that this resource supports.
    """


class NotAcceptable(Problem, status=406, example="This operation returns `text/csv` or `application/x-ndjson`."):
    """None of the accepted media types is available.

    The detail lists the media types that the operation returns. Name one of them in `Accept`, or omit this header.
    """


class RequestTimeout(
    Problem, status=408, example="The body arrived too slowly. Pauses may last 10 s, and the whole body may take 60 s."
):
    """The body did not arrive in time.

    Nothing was changed, except that an import has stored the rows that arrived in time. Send the request again, on a
    new connection.
    """


class DuplicateLead(
    Problem, status=409, example=f"The lead {EXAMPLE_ID} already has this e-mail address or phone number."
):
    """A lead with this e-mail address or phone number exists.

    The field `existing_lead_id` names the existing lead. Update it, or create yours with `on_duplicate=return` or
    `on_duplicate=update`.
    """

    fields = {"existing_lead_id": Id}


class IllegalTransition(
    Problem, status=409, example="The status cannot change from `new` to `converted`. Use one of: contacted, lost."
):
    """The pipeline does not allow this transition.

    The fields `from` and `to` name the transition. The field `allowed` lists the statuses that can follow the current
    one. `GET /pipeline` returns the whole pipeline.
    """

    fields = {
        "from": Annotated[str, Meta(description="The current status.", examples=["new"])],
        "to": Annotated[Status, Meta(examples=["converted"])],
        "allowed": Annotated[
            list[Status],
            Meta(description="The statuses that can follow the current one.", examples=[["contacted", "lost"]]),
        ],
    }


class DoNotContact(
    Problem,
    status=409,
    example="The lead has opted out of messages. Send a message to its owner, or create a task.",
):
    """The lead has opted out of messages.

    Its field `do_not_contact` is true, so no message is sent to it. Messages to its owner and tasks are still possible.
    If the person wants messages again, update the lead with `"do_not_contact": false`.
    """


class IllegalFollowUpState(Problem, status=409, example="A follow-up that is sent cannot be cancelled."):
    """The state of the follow-up does not allow this change.

    The field `state` names its current state. Only a scheduled follow-up can be changed, and its message cannot be
    changed while it is being sent.
    """

    fields = {"state": Annotated[FollowUpState, Meta(description="The current state.", examples=["sent"])]}


class IllegalTaskState(Problem, status=409, example="A task that is done cannot be completed."):
    """The state of the task does not allow this change.

    The field `state` names its current state. Only an open task can be changed, completed or cancelled. Create another
    task if there is more to do.
    """

    fields = {"state": Annotated[TaskState, Meta(description="The current state.", examples=["done"])]}


class IllegalSubmissionState(Problem, status=409, example="A submission that is accepted cannot be discarded."):
    """The state of the submission does not allow this change.

    The field `state` names its current state. A submission is accepted once, and cannot be discarded afterwards.
    """

    fields = {"state": Annotated[SubmissionState, Meta(description="The current state.", examples=["accepted"])]}


class RequestInProgress(
    Problem,
    status=409,
    example=f"A request with the `Idempotency-Key` {EXAMPLE_ID} is in progress. Try again when it has ended.",
):
    """A request with this Idempotency-Key is in progress.

    Send the request again after `Retry-After` seconds. The response is then that of the first request.
    """


class PreconditionFailed(
    Problem, status=412, example="The lead is at version 4, which the precondition of the request does not allow."
):
    """The resource is at another version.

    The version does not meet `If-Match` or `If-None-Match`, usually because there was a change since you read it.
    Nothing was changed. The header `ETag` has the current version. Read the lead or task before you send the request
    again.
    """


class PayloadTooLarge(Problem, status=413, example="The body is larger than the limit of 262144 bytes."):
    """The body is too large.

    Send less, or ask the operator to raise the setting `LEADS_MAX_BODY`, or `LEADS_MAX_IMPORT` for files. A form takes
    up to 64 KiB and 200 fields.
    """


class UnsupportedMediaType(
    Problem, status=415, example="This operation accepts `application/json` in UTF-8, not `text/plain`."
):
    """The media type of the body is not supported.

    The detail lists the media types that the operation accepts. Name the type of your body in `Content-Type`.
    """


class ValidationFailed(Problem, status=422, example="The request has one error, listed in `errors`."):
    """Validation failed.

    The field `errors` lists up to 100 errors. Their `pointer` is a JSON Pointer (RFC 6901) to the invalid field of the
    body, their `detail` says how to correct it. Nothing was changed.
    """

    fields = {"errors": list[FieldError]}


class IdempotencyKeyReused(
    Problem,
    status=422,
    example=f"The `Idempotency-Key` {EXAMPLE_ID} was used for another request. Use a new key for each request.",
):
    """The Idempotency-Key was used for another request.

    A key belongs to one request: its method, path, query and body. Repeat the key only when you repeat that request,
    and use a new one, such as a UUID, for every other request.
    """


class RateLimited(Problem, status=429, example="At most 600 requests in 60 s are allowed. Wait 3 s."):
    """Too many requests.

    Wait `Retry-After` seconds. The headers `RateLimit` and `RateLimit-Policy` report how many requests are left.
    """


class InternalError(
    Problem, status=500, example="The service failed unexpectedly. Report the `X-Request-Id` to the operator."
):
    """Internal error.

    This is an error of the service, not of the request. Its log has the details under the `X-Request-Id` of the
    response.
    """


class Unavailable(Problem, status=503, example="The database is unreachable or too busy."):
    """The service cannot handle this request now.

    The database is unreachable or too busy, its storage is full, too many searches are waiting or imports running, or
    the service is shutting down. No request is carried out in part, except that an import has stored the rows before
    the failure. Send the request again after `Retry-After` seconds.
    """


PROBLEMS: Mapping[str, type[Problem]] = {problem.name: problem for problem in Problem.__subclasses__()}
"""The types of problems by name, in the order of their status codes."""
