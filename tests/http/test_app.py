"""Test paths, methods, problems and internal errors of the whole application."""

import re
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest
from dependency_injector import providers

from leads_adapters.database import StorageFull
from leads_adapters.http.rate_limit import RateLimit
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_domain.errors import Unavailable
from rest import JOHN, UNKNOWN_ID, Api, Response, Service

Log = list[MutableMapping[str, Any]]

ALLOWED = {
    "/": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
    "/docs/start.js": "GET, HEAD, OPTIONS",
    "/openapi.json": "GET, HEAD, OPTIONS",
    "/problems": "GET, HEAD, OPTIONS",
    "/problems/not-found": "GET, HEAD, OPTIONS",
    "/health/live": "GET, HEAD, OPTIONS",
    "/health/ready": "GET, HEAD, OPTIONS",
    "/pipeline": "GET, HEAD, OPTIONS",
    "/metrics": "GET, HEAD, OPTIONS",
    "/leads": "GET, HEAD, OPTIONS, POST",
    f"/leads/{UNKNOWN_ID}": "DELETE, GET, HEAD, OPTIONS, PATCH",
    f"/leads/{UNKNOWN_ID}/export": "GET, HEAD, OPTIONS",
    f"/leads/{UNKNOWN_ID}/merge": "OPTIONS, POST",
    f"/leads/{UNKNOWN_ID}/notes": "OPTIONS, POST",
    f"/leads/{UNKNOWN_ID}/timeline": "GET, HEAD, OPTIONS",
    f"/leads/{UNKNOWN_ID}/follow-up": "OPTIONS, POST",
    f"/leads/{UNKNOWN_ID}/follow-ups": "GET, HEAD, OPTIONS",
    "/follow-ups": "GET, HEAD, OPTIONS",
    "/api-keys": "GET, HEAD, OPTIONS, POST",
    f"/api-keys/{UNKNOWN_ID}": "DELETE, GET, HEAD, OPTIONS",
    f"/follow-ups/{UNKNOWN_ID}": "GET, HEAD, OPTIONS, PATCH",
    f"/follow-ups/{UNKNOWN_ID}/cancel": "OPTIONS, POST",
    f"/follow-ups/{UNKNOWN_ID}/retry": "OPTIONS, POST",
    f"/leads/{UNKNOWN_ID}/tasks": "GET, HEAD, OPTIONS, POST",
    "/tasks": "GET, HEAD, OPTIONS",
    f"/tasks/{UNKNOWN_ID}": "GET, HEAD, OPTIONS, PATCH",
    f"/tasks/{UNKNOWN_ID}/complete": "OPTIONS, POST",
    f"/tasks/{UNKNOWN_ID}/cancel": "OPTIONS, POST",
}
UNKNOWN_PATHS = [
    "/nowhere",
    "/leads/a/b/c",
    "/leads/%00",
    "/%00",
    "/%FF%FE",
    "/leads/%FF",
    "/leads/%ED%A0%80",
    "/leads/%",
    "/leads/%zz",
    "/leads/..%2F..%2Fetc%2Fpasswd",
    "/leads/%2e%2e",
    "/leads/%0d%0aset-cookie:%20a=b",
    "/leads/a b",
    "/leads/{id}",
    "/leads/<script>",
    "/%F0%9F%92%A9",
    "/leads/%F0%9F%92%A9/timeline",
    "/leads/" + "x" * 100_000,
    "/leads" + "/x" * 10_000,
    "/" + "%20" * 10_000,
    "/health/live/x",
    "/problems/not-found/x",
    "*",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW", "get", "PROPFIND"]


class FailingDatabase:
    """A database with every method failing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def read(self, *_: object, **__: object) -> None:
        """Raise the error."""
        raise self._error

    read_long = read_background = write = check_ready = read

    async def close(self) -> None:
        """Do nothing."""


@contextmanager
def service_with_error(service: Service, error: Exception) -> Iterator[Api]:
    """Return a client with a key of a new service whose database raises `error`."""
    _, key = service.new_key("admin")
    with service.container.database.override(providers.Object(FailingDatabase(error))):
        yield service.client_with(x_api_key=key)


# Methods


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_options_lists_the_methods_of_a_resource(shared_service: Service, path: str, allowed: str) -> None:
    response = shared_service.anonymous().request("OPTIONS", path).expect(204)
    assert (response.headers["allow"], response.body) == (allowed, b"")


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_a_405_lists_the_methods_of_a_resource(shared_service: Service, path: str, allowed: str) -> None:
    for method in set(METHODS) - set(allowed.split(", ")):
        response = shared_service.anonymous().request(method, path)
        response.expect_problem(405, "method-not-allowed")
        assert response.headers["allow"] == allowed


def test_options_of_an_unknown_path_is_not_found(service: Service) -> None:
    service.anonymous().request("OPTIONS", "/nowhere").expect_problem(404, "not-found")


# Paths


@pytest.mark.parametrize("path", UNKNOWN_PATHS, ids=lambda path: path[:40])
def test_an_unknown_path_is_not_found(shared_client: Api, path: str) -> None:
    response = shared_client.get(path)
    response.expect_problem(404, "not-found")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", UNKNOWN_PATHS, ids=lambda path: path[:40])
def test_a_problem_names_the_path_as_a_uri_reference(shared_client: Api, path: str) -> None:
    instance = shared_client.get(path).json["instance"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+", instance), instance
    assert unquote(instance).rstrip("/") == unquote(path).rstrip("/")


def test_no_method_changes_anything_at_an_unknown_path(service: Service) -> None:
    admin = service.client("admin")
    for path, method in product(UNKNOWN_PATHS, ("POST", "PATCH", "DELETE")):
        assert admin.request(method, path, JOHN).status in (404, 405), (path, method)
    assert admin.get("/leads").json["items"] == []


def test_long_and_many_headers_are_accepted(api: Api) -> None:
    api.get("/leads", cookie="x" * 100_000, **{f"x_{number}": "é" for number in range(1000)}).expect(200)


# Problems


def all_problems(start: Callable[..., Service]) -> Iterator[tuple[str, Response]]:
    """Yield the name and a response of each problem type."""
    service = start()
    api, anonymous = service.client(), service.anonymous()
    john = api.post("/leads", JOHN).headers["location"]
    yield "malformed-request", api.post("/leads", b"{")
    yield "unauthorized", anonymous.get("/leads")
    yield "forbidden", service.client("capture").get("/leads")
    yield "not-found", anonymous.get("/nowhere")
    yield "method-not-allowed", anonymous.request("DELETE", "/leads")
    yield "duplicate-lead", api.post("/leads", JOHN)
    yield "illegal-transition", api.patch(john, {"status": "converted"})
    yield "payload-too-large", api.post("/leads", b"x" * (2**20 + 1))
    yield "unsupported-media-type", api.post("/leads", JOHN, content_type="text/plain")
    yield "validation-failed", api.post("/leads", {})
    limited = start(rate_limit=RateLimit(1, 3600)).client()
    limited.get("/pipeline").expect(200)
    yield "rate-limited", limited.get("/pipeline")
    for name, error in (("internal-error", RuntimeError()), ("unavailable", Unavailable())):
        with service_with_error(start(), error) as client:
            yield name, client.get("/leads")


def test_every_problem_is_complete_and_its_type_is_the_url_of_a_page(
    start: Callable[..., Service],
) -> None:
    reader = start().anonymous()
    for name, response in all_problems(start):
        problem = response.expect_problem(response.status, name)
        assert problem["instance"].startswith("/")
        page = reader.get(problem["type"]).expect(200)
        assert page.headers["content-type"].startswith("text/html")
        assert name in page.body.decode()


# Internal errors


def test_the_response_to_an_unexpected_error_has_no_details(service: Service) -> None:
    with service_with_error(service, RuntimeError("swordfish of john@example.com")) as client:
        for response in (
            client.get("/leads"),
            client.get(f"/leads/{UNKNOWN_ID}"),
            client.post("/leads", JOHN),
            client.patch(f"/leads/{UNKNOWN_ID}", {"name": "X"}),
            client.post(f"/leads/{UNKNOWN_ID}/follow-up"),
            client.get("/health/ready"),
        ):
            problem = response.expect_problem(500, "internal-error")
            assert problem.keys() == {"type", "title", "status", "detail", "instance"}
            assert not re.search("swordfish|john@|RuntimeError|Traceback", response.body.decode())
            assert "x-request-id" in response.headers


def test_an_unexpected_error_is_logged_with_the_request_id_and_without_its_text(service: Service, log: Log) -> None:
    with service_with_error(service, RuntimeError("swordfish of john@example.com")) as client:
        log.clear()
        client.get("/leads?email=john@example.com", x_request_id="the-one").expect(500)
    error, access = log
    assert (error["log_level"], error["request_id"], error["error"]) == ("error", "the-one", "RuntimeError")
    assert "authentication" in error["where"]
    assert (access["event"], access["request_id"], access["status"]) == ("request", "the-one", 500)
    assert not re.search("swordfish|john", str(log))


def test_an_unreachable_database_is_a_503_with_retry_after(service: Service, log: Log) -> None:
    with service_with_error(service, Unavailable("cannot open /var/lib/leads.db as swordfish")) as client:
        for response in (client.get("/leads"), client.post("/leads", JOHN), client.get("/health/ready")):
            response.expect_problem(503, "unavailable")
            assert int(response.headers["retry-after"]) >= 1
            assert not re.search("swordfish|/var", response.body.decode())
        client.get("/health/live").expect(200)
    assert "fault" not in [line["event"] for line in log]


def test_a_full_disk_is_reported_without_its_path(service: Service) -> None:
    with service_with_error(service, StorageFull("database or disk is full: /var/lib/leads.db")) as client:
        problem = client.post("/leads", JOHN).expect_problem(503, "unavailable")
    assert "storage of the database is full" in problem["detail"]
    assert "/var" not in str(problem)


@pytest.mark.parametrize("store", ["sqlite"])
def test_a_locked_database_is_unavailable_and_nothing_is_stored(
    start: Callable[..., Service],
) -> None:
    service = start()
    url = service.container.settings().database_url
    service.container.engine.override(providers.Singleton(sqlite_engine, url, busy_seconds=0))
    api = service.client()
    with service.container.engine().begin():
        response = api.post("/leads", JOHN)
        response.expect_problem(503, "unavailable")
        assert int(response.headers["retry-after"]) >= 1
        assert api.get("/leads").expect(200).json["items"] == []
    api.post("/leads", JOHN).expect(201)
