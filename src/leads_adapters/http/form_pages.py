"""Respond to the browser of a visitor with a page, and to a program with JSON."""

import re
from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

from litestar import Request, Response
from litestar.types import HTTPScope

from leads_adapters.http.form_bodies import JSON
from leads_adapters.http.headers import header
from leads_adapters.http.html_page import visitor_page
from leads_adapters.http.negotiation import preferred_media_type
from leads_adapters.http.problem_responses import MEDIA_TYPE, log_error, problem_of, problem_response
from leads_adapters.http.problems import InternalError
from leads_domain.checking import QUOTE_MAX
from leads_domain.field_names import recognise_field

PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
_NO_STORE = {"cache-control": "no-store"}
_HTML = "text/html"
_FOR_OPERATORS = re.compile(r" [^.]* setting [^.]*\.")
"""Advice that visitors cannot follow."""

_LABELS = {"email": "E-mail", "phone": "Phone"}


class Correction(NamedTuple):
    """A correction that a visitor has to make: the name of the field, its value, and the reason of the refusal."""

    field: str
    value: str
    detail: str


def is_program(scope: HTTPScope) -> bool:
    """Return whether the client gets JSON: it sends JSON, or names JSON in `Accept` and does not prefer a page."""
    sent = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    accepted = (header(scope, b"accept") or "").lower()
    return sent == JSON or ("json" in accepted and preferred_media_type(scope, (JSON, MEDIA_TYPE, _HTML)) != _HTML)


def thank_you_page() -> Response[str]:
    """Return the page after a form was sent."""
    return _response("Thank you", "<p>We have received your message.</p>", 200)


def correction_page(corrections: Iterable[Correction]) -> Response[str]:
    """Return the page that says what a visitor has to correct."""
    items = "\n".join(f"<li>{_item(each)}</li>" for each in corrections)
    advice = "<p>Go back with your browser, correct this, and send the form again.</p>"
    return _response("Please correct your message", f"<ul>\n{items}\n</ul>\n{advice}", 422)


def error_response(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Return the response to an error: a problem, or a page for a browser (an exception handler of Litestar)."""
    if is_program(request.scope):
        return problem_response(request, error)
    problem = problem_of(error)
    if isinstance(problem, InternalError):
        log_error(request, error)
    page = _response("The form could not be sent", f"<p>{escape(problem.detail)}</p>", problem.status_code)
    page.headers |= problem.headers or {}
    return page


def _item(correction: Correction) -> str:
    label = _LABELS.get(recognise_field(correction.field) or "", correction.field)
    name = f"<strong>{escape(label)}</strong>: " if label else ""
    quoted = f"You wrote <q>{escape(correction.value[:QUOTE_MAX])}</q>. " if correction.value.strip() else ""
    return f"{name}{quoted}{escape(_FOR_OPERATORS.sub('', correction.detail))}"


def _response(title: str, body: str, status: int) -> Response[str]:
    headers = {**PAGE_HEADERS, **_NO_STORE}
    return Response(visitor_page(title, body), status_code=status, media_type=_HTML, headers=headers)
