"""Convert errors into problem responses: the domain's, Litestar's and unexpected ones."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.exceptions import ClientException, MethodNotAllowedException, NotFoundException

from leads_adapters.database import Busy, StorageFull
from leads_adapters.http import problems
from leads_adapters.http.problems import RETRY_LATER, Problem
from leads_adapters.http.responses import LINE_FEED, JsonResponse, etag
from leads_adapters.http.schemas.leads import Moved
from leads_domain import errors

MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 100
"""The number of errors that a response lists."""

ErrorLog = Callable[[BaseException, str], None]
"""Called for every unexpected error, with the id of the request."""


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Return the response to an error (an exception handler of Litestar)."""
    problem = problem_of(error)
    if isinstance(problem, problems.InternalError):
        log_error(request, error)
    body = msgspec.json.encode(problem.content(request.scope["path"])) + LINE_FEED
    return Response(body, status_code=problem.status_code, media_type=MEDIA_TYPE, headers=problem.headers)


def log_error(request: Request[Any, Any, Any], error: BaseException) -> None:
    """Log an unexpected error."""
    log: ErrorLog = request.app.state.error_log
    log(error, request.scope["state"]["request_id"])


def moved_response(request: Request[Any, Any, Any], error: errors.Merged) -> JsonResponse[Moved]:
    """Return 301 to the same resource of the lead that the requested one was merged into."""
    _, leads, _, *rest = request.scope["path"].split("/")
    path = "/".join(["", leads, error.into, *rest])
    query = quote(request.scope["query_string"], safe="%&=+")
    location = f"{path}?{query}" if query else path
    return JsonResponse(Moved(error.into), status_code=301, headers={"location": location})


def problem_of(error: Exception) -> Problem:  # noqa: C901, PLR0911, PLR0912 - a table of errors
    """Return the problem for an error."""
    detail = str(error)
    match error:
        case Problem():
            return error
        case errors.ValidationFailed():
            return _validation_failed(error)
        case errors.NotFound():
            return problems.NotFound(detail)
        case errors.VersionMismatch():
            return problems.PreconditionFailed(detail, headers=etag(error.version))
        case errors.DuplicateLead():
            return problems.DuplicateLead(detail, {"existing_lead_id": error.existing_id})
        case errors.IllegalTransition():
            transition = {"from": error.origin, "to": error.target, "allowed": error.allowed}
            return problems.IllegalTransition(detail, transition)
        case errors.DoNotContact():
            return problems.DoNotContact(detail)
        case errors.IllegalFollowUpState():
            return problems.IllegalFollowUpState(detail, {"state": error.state})
        case errors.IllegalTaskState():
            return problems.IllegalTaskState(detail, {"state": error.state})
        case errors.IllegalSubmissionState():
            return problems.IllegalSubmissionState(detail, {"state": error.state})
        case errors.RequestInProgress():
            return problems.RequestInProgress(detail, headers=RETRY_LATER)
        case StorageFull():
            detail = "The storage of the database is full. The operator must free space."
            return problems.Unavailable(detail, headers=RETRY_LATER)
        case Busy():
            return problems.Unavailable(f"{detail} Send the request again later.", headers=RETRY_LATER)
        case errors.LeadsError():  # Unavailable: clients do not get the message of the database
            return problems.Unavailable(problems.Unavailable.example, headers=RETRY_LATER)
        case NotFoundException():
            return problems.NotFound("No resource has this path.")
        case MethodNotAllowedException():
            return problems.MethodNotAllowed(problems.MethodNotAllowed.example, headers=error.headers)
        case ClientException(status_code=problems.MalformedRequest.status_code):
            return problems.MalformedRequest(error.detail)
        case _:
            return problems.InternalError(problems.InternalError.example)


def _validation_failed(error: errors.ValidationFailed) -> Problem:
    listed = [{"pointer": each.pointer, "detail": each.detail} for each in error.errors[:ERRORS_MAX]]
    total = len(error.errors)
    detail = f"The request has {total} errors, listed in `errors`."
    if total == 1:
        detail = problems.ValidationFailed.example
    elif total > ERRORS_MAX:
        detail = f"The request has {total} errors. The first {ERRORS_MAX} are listed in `errors`."
    return problems.ValidationFailed(detail, {"errors": listed})
