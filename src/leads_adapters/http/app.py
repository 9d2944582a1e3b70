"""Build the Litestar application."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Response, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from leads_adapters.http.abandonment import AbandonmentMiddleware
from leads_adapters.http.authentication import PERMISSION, PUBLIC, Authentication
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.decoding import Check
from leads_adapters.http.openapi.document import OpenApiDocument
from leads_adapters.http.problem_pages import not_found_response
from leads_adapters.http.problem_responses import ErrorLog, moved_response, problem_response
from leads_adapters.http.problems import NotFound
from leads_adapters.http.query import check_query
from leads_adapters.http.receiving import BodyLimits
from leads_domain.errors import Merged

ANY_ORIGIN = "*"
_ALLOWED_HEADERS = (
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-API-Key, X-Request-Id"
)
_EXPOSED_HEADERS = "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def build_app(  # noqa: PLR0913 - an application has many parts
    controllers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
    authentication: Authentication,
    document: OpenApiDocument,
    *,
    checks: Mapping[type[msgspec.Struct], Check],
    cors_origins: Collection[str],
    body_limits: BodyLimits,
    error_log: ErrorLog,
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """Return the application. Raises `ValueError` if a handler does not declare its permission.

    `dependencies` are injected by name. `checks` maps the struct of each request body to the domain's check of it.
    """
    config = document.config()
    config.openapi_router = Router(
        "/docs",
        route_handlers=[],
        opt=PUBLIC,
        include_in_schema=False,
        after_request=_replace_not_found_page,
        exception_handlers={NotFound: not_found_response},
    )
    cors = CORSConfig(
        list(cors_origins),
        allow_headers=_ALLOWED_HEADERS.split(", "),
        expose_headers=_EXPOSED_HEADERS.split(", "),
        max_age=3600,
    )
    app = Litestar(
        controllers,
        dependencies=dependencies,
        request_class=ApiRequest,
        before_request=check_query,
        middleware=[authentication, AbandonmentMiddleware()],
        exception_handlers={Merged: moved_response, Exception: problem_response},
        request_max_body_size=None,  # `body_limits` applies instead
        cors_config=cors if cors_origins else None,
        openapi_config=config,
        plugins=[document.schemas],
        state=State({"checks": checks, "body_limits": body_limits, "error_log": error_log}),
        lifespan=list(lifespan),
        logging_config=None,
    )
    _check_permissions(app)
    return app


def _replace_not_found_page(response: Response[Any]) -> Response[Any]:
    """Raise `NotFound` in place of the page that Litestar sends for an unknown file of the documentation."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NotFound("The documentation has no file at this path.")
    return response


def _check_permissions(app: Litestar) -> None:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else []:
            if handler.http_methods != {"OPTIONS"} and PERMISSION not in handler.opt:
                message = f"{handler} declares no permission: add opt=requires(Permission...) or opt=PUBLIC."
                raise ValueError(message)
