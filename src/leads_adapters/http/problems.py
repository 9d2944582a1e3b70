"""Problem details (RFC 9457): every way in which a request can fail, and how the domain's errors become one."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from litestar.exceptions import ClientException, HTTPException, MethodNotAllowedException, NotFoundException

from leads_adapters.http.answer import LINE_FEED, etag
from leads_domain.errors import (
    DuplicateLead,
    IllegalFollowUpState,
    IllegalTransition,
    KeyReused,
    LeadsError,
    NotFound,
    RequestInProgress,
    ValidationFailed,
    VersionMismatch,
)

MEDIA_TYPE = b"application/problem+json"
EXAMPLE_ID = "01935a1b-7c00-7000-8000-0123456789ab"
ERRORS_MAX = 100
"""How many broken rules a response lists."""

RETRY_LATER = (b"retry-after", b"1")
"""In a second, which is when a database that is away is asked again."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: its name, status and title, what its page tells a client to do, and an example.

    The example has the `detail` and the members that this type defines.
    """

    name: str
    status: int
    title: str
    advice: str
    example: Mapping[str, Any]

    @property
    def is_fault(self) -> bool:
        """Whether the service is to blame, and not the client or the circumstances."""
        return self.name == "internal-error"

    @property
    def uri(self) -> str:
        """The `type` member: a reference to the page that explains it."""
        return f"/problems/{self.name}"


_TYPES = (
    ProblemType(
        "malformed-request",
        400,
        "The request cannot be understood",
        "The body is not JSON in UTF-8, a cursor is not one that this service gave for this list, or a query "
        "parameter is unknown or has an impossible value. The detail names which. Correct it and send it again.",
        {"detail": "Invalid cursor. Pass `next_cursor` from the previous page unchanged."},
    ),
    ProblemType(
        "unauthorized",
        401,
        "A valid API key is needed",
        "Send the key as X-API-Key, or as Authorization: Bearer. The key is missing, mistyped or revoked.",
        {"detail": "The API key is mistyped, unknown or revoked."},
    ),
    ProblemType(
        "forbidden",
        403,
        "The key's role does not permit this",
        "The member role names the least role that would do. An administrator can make such a key.",
        {"detail": "A key with the role read may not do this; the role agent would do.", "role": "agent"},
    ),
    ProblemType(
        "not-found",
        404,
        "There is nothing here",
        "No resource has this address. Identifiers are UUIDs as the service gave them out.",
        {"detail": f"There is no lead with the id {EXAMPLE_ID}."},
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "The method is not for this resource",
        "The header Allow lists the methods that this resource answers.",
        {"detail": "The header Allow lists the methods of this resource."},
    ),
    ProblemType(
        "not-acceptable",
        406,
        "The answer has none of the media types that are accepted",
        "The detail lists what the operation answers. Name one of these in Accept, or leave the header out.",
        {"detail": "This operation answers text/csv or application/x-ndjson."},
    ),
    ProblemType(
        "request-timeout",
        408,
        "The body did not come in time",
        "Nothing was changed, but an import has kept the rows before. Send the request again, on a new connection.",
        {"detail": "The body did not come in time: it has 10 s from one piece to the next, and 60 s for all."},
    ),
    ProblemType(
        "duplicate-lead",
        409,
        "A lead with this e-mail address exists",
        "The member existing_lead_id names it. Change that lead, or send on_duplicate=return or on_duplicate=update.",
        {
            "detail": f"The lead {EXAMPLE_ID} already has this e-mail address.",
            "existing_lead_id": EXAMPLE_ID,
        },
    ),
    ProblemType(
        "illegal-transition",
        409,
        "The pipeline does not allow this move",
        "The members from and to name the move, and allowed the statuses that can follow now. GET /pipeline has "
        "the whole pipeline.",
        {
            "detail": "A lead cannot go from new to converted. From there it can go to: contacted, lost.",
            "from": "new",
            "to": "converted",
            "allowed": ["contacted", "lost"],
        },
    ),
    ProblemType(
        "illegal-follow-up-state",
        409,
        "The follow-up's state does not allow this",
        "The member state names the state that the follow-up has. Only a scheduled follow-up can still change, and "
        "its message only while it is not being sent.",
        {"detail": "A follow-up that is sent cannot be cancelled.", "state": "sent"},
    ),
    ProblemType(
        "request-in-progress",
        409,
        "The same request is still being carried out",
        "Another request with this Idempotency-Key has not ended yet. Send it again after Retry-After: the answer is "
        "then that of the first one.",
        {"detail": f"The request with the Idempotency-Key {EXAMPLE_ID} is still being carried out."},
    ),
    ProblemType(
        "precondition-failed",
        412,
        "The lead is at another version",
        "It has changed since it was read, or is not what If-Match or If-None-Match ask for; nothing was changed. The "
        "header ETag names the present version: read the lead again, and decide anew.",
        {"detail": "The lead is at version 4, which is not one that the request is meant for."},
    ),
    ProblemType(
        "payload-too-large",
        413,
        "The body is too large",
        "Send less at once, or have the operator raise LEADS_MAX_BODY, or LEADS_MAX_IMPORT for files.",
        {"detail": "The body is larger than the 262144 bytes that this service accepts."},
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body has another media type than this operation reads",
        "Send Content-Type: application/json. The detail lists what the operation reads.",
        {"detail": "This operation reads application/json in UTF-8, not text/plain."},
    ),
    ProblemType(
        "validation-failed",
        422,
        "Some members break a rule",
        "The member errors lists the faulty members, up to 100 of them: pointer is a JSON Pointer (RFC 6901) into the "
        "body, detail says what to do. Nothing was changed.",
        {
            "detail": "One member breaks a rule.",
            "errors": [{"pointer": "/name", "detail": "Give it 1 to 200 characters."}],
        },
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key was used for another request",
        "A key is for one request, with its path, query and body, and for its repetitions. Make a new key, such as a "
        "UUID, for each request that is not the repetition of another.",
        {
            "detail": f"The Idempotency-Key {EXAMPLE_ID} was used for another request; make a new one for each.",
        },
    ),
    ProblemType(
        "rate-limited",
        429,
        "Too many requests",
        "Wait as many seconds as Retry-After says. The headers RateLimit and RateLimit-Policy tell what is left.",
        {"detail": "At most 600 requests in 60 s; wait 3 s."},
    ),
    ProblemType(
        "internal-error",
        500,
        "The service failed",
        "This is a fault of the service. Its log has the details under the X-Request-Id of the answer.",
        {"detail": "The service failed."},
    ),
    ProblemType(
        "unavailable",
        503,
        "The service cannot do this now",
        "The database is out of reach or too busy, or too many imports are under way. Nothing is half done, but an "
        "import has kept the rows before; send the request again after Retry-After.",
        {"detail": "The database is out of reach or too busy."},
    ),
)
PROBLEM_TYPES = {type.name: type for type in _TYPES}


class Problem(Exception):
    """One failed request: the name of its type, what happened, and the members that its type defines."""

    def __init__(
        self,
        name: str,
        detail: str,
        members: Mapping[str, Any] | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.type = PROBLEM_TYPES[name]
        self.detail = detail
        self.members = members or {}
        self.headers = headers

    def body(self, instance: str) -> bytes:
        """The problem as JSON; `instance` is the path that was asked for, told as a URI reference (RFC 3986)."""
        encoded = msgspec.json.encode(
            {
                "type": self.type.uri,
                "title": self.type.title,
                "status": self.type.status,
                "detail": self.detail,
                "instance": quote(instance, safe="/-._~!$&'()*+,;=:@", errors="replace"),
                **self.members,
            }
        )
        return encoded + LINE_FEED


def problem_of(error: Exception) -> Problem:
    """The problem that tells a client of an error: of the domain's, of Litestar's, or of an unforeseen one."""
    match error:
        case Problem():
            return error
        case LeadsError():
            return _of_domain(error)
        case HTTPException():
            return _of_litestar(error)
        case _:
            return Problem("internal-error", "The service failed.")


def _of_domain(error: LeadsError) -> Problem:
    match error:
        case ValidationFailed():
            return _validation_failed(error)
        case NotFound():
            return Problem("not-found", str(error))
        case VersionMismatch():
            return Problem("precondition-failed", str(error), headers=(etag(error.version),))
        case KeyReused():
            return Problem("idempotency-key-reused", str(error))
        case DuplicateLead() | IllegalTransition() | IllegalFollowUpState() | RequestInProgress():
            return _conflict(error)
        case _:  # Unavailable; what the database said is for the operator, not for clients
            return Problem("unavailable", "The database is out of reach or too busy.", headers=(RETRY_LATER,))


def _conflict(error: DuplicateLead | IllegalTransition | IllegalFollowUpState | RequestInProgress) -> Problem:
    match error:
        case DuplicateLead():
            return Problem("duplicate-lead", str(error), {"existing_lead_id": error.existing_id})
        case IllegalTransition():
            members = {"from": error.origin, "to": error.target, "allowed": error.allowed}
            return Problem("illegal-transition", str(error), members)
        case IllegalFollowUpState():
            return Problem("illegal-follow-up-state", str(error), {"state": error.state})
        case RequestInProgress():
            return Problem("request-in-progress", str(error), headers=(RETRY_LATER,))


def _validation_failed(error: ValidationFailed) -> Problem:
    errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.errors[:ERRORS_MAX]]
    total = len(error.errors)
    detail = "One member breaks a rule." if total == 1 else f"{total} members break a rule."
    if total > ERRORS_MAX:
        detail += f" The first {ERRORS_MAX} are listed."
    return Problem("validation-failed", detail, {"errors": errors})


def _of_litestar(error: HTTPException) -> Problem:
    match error:
        case NotFoundException():
            return Problem("not-found", "There is no resource at this path.")
        case MethodNotAllowedException():
            return Problem("method-not-allowed", "The header Allow lists the methods of this resource.")
        case ClientException():
            return Problem("malformed-request", error.detail)
        case _:
            return Problem("internal-error", "The service failed.")


def page(type: ProblemType) -> str:
    """The page that explains a kind of problem to a person."""
    title, advice = html.escape(type.title), html.escape(type.advice)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title></head><body><h1>{title}</h1>"
        f"<p>Problem type <code>{type.name}</code>, answered with status {type.status}.</p><p>{advice}</p>"
        '<p><a href="/docs">All operations</a></p></body></html>\n'
    )
