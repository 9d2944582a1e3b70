"""Problem details (RFC 9457): the types of problems, one class each. Handlers name those they raise."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from litestar.exceptions import HTTPException

from leads_adapters.http.schemas.problems import (
    DuplicateLeadProblem,
    ForbiddenProblem,
    IllegalFollowUpStateProblem,
    IllegalTransitionProblem,
    ProblemDetails,
    ValidationFailedProblem,
)

EXAMPLE_ID = "01935a1b-7c00-7000-8000-0123456789ab"
RETRY_LATER = {"retry-after": "1"}
"""In a second: that is how often a database that is away is tried."""


class Problem(HTTPException):
    """A failed request. `members` are those that its type adds to the ones of every problem."""

    name: ClassVar[str]
    title: ClassVar[str]
    advice: ClassVar[str]
    """What the page of the type tells a client to do."""
    example: ClassVar[Mapping[str, Any]]
    """The `detail`, and the members that the type adds."""
    schema: ClassVar[type[ProblemDetails]] = ProblemDetails

    def __init__(
        self, detail: str, members: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail=detail, headers=dict(headers or {}))
        self.members = members or {}

    def content(self, path: str) -> dict[str, Any]:
        """Return the members of the response; `path` is that of the request."""
        return {
            "type": f"/problems/{self.name}",
            "title": self.title,
            "status": self.status_code,
            "detail": self.detail,
            "instance": quote(path, safe="/-._~!$&'()*+,;=:@", errors="replace"),
            **self.members,
        }


class MalformedRequest(Problem):
    name = "malformed-request"
    status_code = 400
    title = "The request cannot be understood"
    advice = (
        "The body is not JSON in UTF-8, a cursor is not one that this service gave for this list, or a "
        "query parameter is unknown or has an impossible value. The detail names which. Correct it and "
        "send it again."
    )
    example = {"detail": "Invalid cursor. Pass `next_cursor` from the previous page unchanged."}


class Unauthorized(Problem):
    name = "unauthorized"
    status_code = 401
    title = "A valid API key is needed"
    advice = "Send the key as X-API-Key, or as Authorization: Bearer. The key is missing, mistyped or revoked."
    example = {"detail": "The API key is mistyped, unknown or revoked."}


class Forbidden(Problem):
    name = "forbidden"
    status_code = 403
    title = "The key's role does not permit this"
    advice = "The member role names the least role that would do. An administrator can make such a key."
    example = {"detail": "A key with the role read may not do this; the role agent would do.", "role": "agent"}
    schema = ForbiddenProblem


class NotFound(Problem):
    name = "not-found"
    status_code = 404
    title = "There is nothing here"
    advice = "No resource has this address. Identifiers are UUIDs as the service gave them out."
    example = {"detail": f"There is no lead with the id {EXAMPLE_ID}."}


class MethodNotAllowed(Problem):
    name = "method-not-allowed"
    status_code = 405
    title = "The method is not for this resource"
    advice = "The header Allow lists the methods that this resource answers."
    example = {"detail": "The header Allow lists the methods of this resource."}


class NotAcceptable(Problem):
    name = "not-acceptable"
    status_code = 406
    title = "None of the accepted media types is available"
    advice = "The detail lists what the operation answers. Name one of these in Accept, or leave the header out."
    example = {"detail": "This operation answers text/csv or application/x-ndjson."}


class RequestTimeout(Problem):
    name = "request-timeout"
    status_code = 408
    title = "The body did not come in time"
    advice = "Nothing was changed, but an import has kept the rows before. Send the request again, on a new connection."
    example = {"detail": "The body did not come in time: it has 10 s from one piece to the next, and 60 s for all."}


class DuplicateLead(Problem):
    name = "duplicate-lead"
    status_code = 409
    title = "A lead with this e-mail address exists"
    advice = (
        "The member existing_lead_id names it. Change that lead, or send on_duplicate=return or on_duplicate=update."
    )
    example = {"detail": f"The lead {EXAMPLE_ID} already has this e-mail address.", "existing_lead_id": EXAMPLE_ID}
    schema = DuplicateLeadProblem


class IllegalTransition(Problem):
    name = "illegal-transition"
    status_code = 409
    title = "The pipeline does not allow this move"
    advice = (
        "The members from and to name the move, and allowed the statuses that can follow now. GET "
        "/pipeline has the whole pipeline."
    )
    example = {
        "detail": "A lead cannot go from new to converted. From there it can go to: contacted, lost.",
        "from": "new",
        "to": "converted",
        "allowed": ["contacted", "lost"],
    }
    schema = IllegalTransitionProblem


class IllegalFollowUpState(Problem):
    name = "illegal-follow-up-state"
    status_code = 409
    title = "The follow-up's state does not allow this"
    advice = (
        "The member state names the state that the follow-up has. Only a scheduled follow-up can still "
        "change, and its message only while it is not being sent."
    )
    example = {"detail": "A follow-up that is sent cannot be cancelled.", "state": "sent"}
    schema = IllegalFollowUpStateProblem


class RequestInProgress(Problem):
    name = "request-in-progress"
    status_code = 409
    title = "The same request is still being carried out"
    advice = (
        "Another request with this Idempotency-Key has not ended yet. Send it again after Retry-After: "
        "the answer is then that of the first one."
    )
    example = {"detail": f"The request with the Idempotency-Key {EXAMPLE_ID} is still being carried out."}


class PreconditionFailed(Problem):
    name = "precondition-failed"
    status_code = 412
    title = "The lead is at another version"
    advice = (
        "It has changed since it was read, or is not what If-Match or If-None-Match ask for; nothing was"
        " changed. The header ETag names the present version: read the lead again, and decide anew."
    )
    example = {"detail": "The lead is at version 4, which is not one that the request is meant for."}


class PayloadTooLarge(Problem):
    name = "payload-too-large"
    status_code = 413
    title = "The body is too large"
    advice = "Send less at once, or have the operator raise LEADS_MAX_BODY, or LEADS_MAX_IMPORT for files."
    example = {"detail": "The body is larger than the 262144 bytes that this service accepts."}


class UnsupportedMediaType(Problem):
    name = "unsupported-media-type"
    status_code = 415
    title = "The body has another media type than this operation reads"
    advice = "Send Content-Type: application/json. The detail lists what the operation reads."
    example = {"detail": "This operation reads application/json in UTF-8, not text/plain."}


class ValidationFailed(Problem):
    name = "validation-failed"
    status_code = 422
    title = "Some members break a rule"
    advice = (
        "The member errors lists the faulty members, up to 100 of them: pointer is a JSON Pointer (RFC "
        "6901) into the body, detail says what to do. Nothing was changed."
    )
    example = {
        "detail": "One member breaks a rule.",
        "errors": [{"pointer": "/name", "detail": "Give it 1 to 200 characters."}],
    }
    schema = ValidationFailedProblem


class IdempotencyKeyReused(Problem):
    name = "idempotency-key-reused"
    status_code = 422
    title = "The Idempotency-Key was used for another request"
    advice = (
        "A key is for one request, with its path, query and body, and for its repetitions. Make a new "
        "key, such as a UUID, for each request that is not the repetition of another."
    )
    example = {"detail": f"The Idempotency-Key {EXAMPLE_ID} was used for another request; make a new one for each."}


class RateLimited(Problem):
    name = "rate-limited"
    status_code = 429
    title = "Too many requests"
    advice = "Wait as many seconds as Retry-After says. The headers RateLimit and RateLimit-Policy tell what is left."
    example = {"detail": "At most 600 requests in 60 s; wait 3 s."}


class InternalError(Problem):
    name = "internal-error"
    status_code = 500
    title = "The service failed"
    advice = "This is a fault of the service. Its log has the details under the X-Request-Id of the answer."
    example = {"detail": "The service failed."}


class Unavailable(Problem):
    name = "unavailable"
    status_code = 503
    title = "The service cannot do this now"
    advice = (
        "The database is out of reach or too busy, or too many imports are under way. Nothing is half "
        "done, but an import has kept the rows before; send the request again after Retry-After."
    )
    example = {"detail": "The database is out of reach or too busy."}


PROBLEMS: Mapping[str, type[Problem]] = {problem.name: problem for problem in Problem.__subclasses__()}
"""All types by name, in the order of their status codes."""
