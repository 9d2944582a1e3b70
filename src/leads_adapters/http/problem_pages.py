"""Render the pages that explain the types of problems, and the page for an unknown path."""

import re
from collections.abc import Iterable
from html import escape
from http import HTTPStatus
from typing import Any

from litestar import Request, Response

from leads_adapters.http.html_page import html_page
from leads_adapters.http.negotiation import preferred_media_type
from leads_adapters.http.problem_responses import MEDIA_TYPE, problem_response
from leads_adapters.http.problems import NotFound, Problem


def problem_page(problem: type[Problem]) -> str:
    """Return the page that explains a type of problem."""
    advice, example = _html(problem.advice), _html(problem.example)
    return _page(problem, f"<p>{advice}</p>\n<p>For example:</p>\n<blockquote>{example}</blockquote>")


def problem_list_page(problems: Iterable[type[Problem]]) -> str:
    """Return the page that lists the types of problems."""
    items = [
        f'<dt><a href="/problems/{problem.name}">{escape(problem.title)}</a></dt>\n<dd>{_label(problem)}</dd>\n'
        for problem in problems
    ]
    return html_page("Problems", f"<main>\n<h1>Problems</h1>\n<dl>\n{''.join(items)}</dl>\n</main>")


def not_found_response(request: Request[Any, Any, Any], error: NotFound) -> Response[Any]:
    """Return a page to a browser and the problem to other clients (an exception handler of Litestar)."""
    error.headers = {**(error.headers or {}), "vary": "accept"}
    if preferred_media_type(request.scope, (MEDIA_TYPE, "text/html")) != "text/html":
        return problem_response(request, error)
    page = _page(error, f"<p>{_html(error.detail)}</p>")
    return Response(page, status_code=error.status_code, media_type="text/html", headers=error.headers)


def _page(problem: Problem | type[Problem], text: str) -> str:
    heading = f"<h1>{escape(problem.title)}</h1>\n<p>{_label(problem)}</p>"
    return html_page(problem.title, f"<main>\n{heading}\n{text}\n</main>")


def _html(text: str) -> str:
    """Return a text as HTML, with code for the words in backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _label(problem: Problem | type[Problem]) -> str:
    status = HTTPStatus(problem.status_code)
    return f"<small>{status.value} {status.phrase}, <code>{problem.name}</code></small>"
