"""Respond to people outside, who have no API key, with pages."""

from collections.abc import Callable
from html import escape
from typing import Any

from litestar import Request, Response
from litestar.types import HTTPScope

from leads_adapters.http.form_bodies import JSON
from leads_adapters.http.headers import header
from leads_adapters.http.html_page import visitor_page
from leads_adapters.http.negotiation import preferred_media_type
from leads_adapters.http.problem_responses import MEDIA_TYPE, log_error, problem_of, problem_response
from leads_adapters.http.problems import InternalError

NO_FORM, OWN_FORM = "'none'", "'self'"
HTML = "text/html"
_POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action {}; frame-ancestors 'none'"

ErrorResponse = Callable[[Request[Any, Any, Any], Exception], Response[Any]]
"""An exception handler of Litestar."""


def page_response(title: str, body: str, status: int = 200, *, form_action: str = NO_FORM) -> Response[str]:
    """Return a page. `form_action` says where its form may post to."""
    headers = {
        "content-security-policy": _POLICY.format(form_action),
        "cache-control": "no-store",
        "x-robots-tag": "noindex",
    }
    return Response(visitor_page(title, body), status_code=status, media_type=HTML, headers=headers)


def is_program(scope: HTTPScope) -> bool:
    """Return whether the client gets JSON: it sends JSON, or names JSON in `Accept` and does not prefer a page."""
    sent = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    accepted = (header(scope, b"accept") or "").lower()
    return sent == JSON or ("json" in accepted and preferred_media_type(scope, (JSON, MEDIA_TYPE, HTML)) != HTML)


def error_pages(title: str) -> ErrorResponse:
    """Return the function that responds to an error: with a problem, or for a browser with a page of this title."""

    def respond(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if is_program(request.scope):
            return problem_response(request, error)
        problem = problem_of(error)
        if isinstance(problem, InternalError):
            log_error(request, error)
        page = page_response(title, f"<p>{escape(problem.detail)}</p>", problem.status_code)
        page.headers |= problem.headers or {}
        return page

    return respond
