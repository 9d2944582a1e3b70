"""The application as a whole: its paths and methods, and what happens when the inside fails."""

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
}
JUNK = [
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


class Broken:
    """A database that fails at whatever it is asked for."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def read(self, *_: object, **__: object) -> None:
        """Fail."""
        raise self._error

    read_long = write = check_ready = read

    async def close(self) -> None:
        """Nothing is held."""


@contextmanager
def breaking(service: Service, error: Exception) -> Iterator[Api]:
    """A client with a key, of a service that nobody has called yet and whose database now raises `error`."""
    _, key = service.new_key("admin")
    with service.container.database.override(providers.Object(Broken(error))):
        yield service.client_with(x_api_key=key)


# Methods


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_options_tell_every_method_of_a_resource(shared_service: Service, path: str, allowed: str) -> None:
    answer = shared_service.anonymous().request("OPTIONS", path).expect(204)
    assert (answer.headers["allow"], answer.body) == (allowed, b"")


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_another_method_is_refused_with_those_that_a_resource_has(
    shared_service: Service, path: str, allowed: str
) -> None:
    for method in set(METHODS) - set(allowed.split(", ")):
        answer = shared_service.anonymous().request(method, path)
        answer.expect_problem(405, "method-not-allowed")
        assert answer.headers["allow"] == allowed


def test_options_of_nothing_are_not_found(service: Service) -> None:
    service.anonymous().request("OPTIONS", "/nowhere").expect_problem(404, "not-found")


# Paths


@pytest.mark.parametrize("path", JUNK, ids=lambda path: path[:40])
def test_a_path_that_leads_nowhere_is_not_found(shared_client: Api, path: str) -> None:
    answer = shared_client.get(path)
    answer.expect_problem(404, "not-found")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", JUNK, ids=lambda path: path[:40])
def test_a_problem_names_the_path_as_a_uri_reference(shared_client: Api, path: str) -> None:
    instance = shared_client.get(path).json["instance"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+", instance), instance
    assert unquote(instance).rstrip("/") == unquote(path).rstrip("/")


def test_nothing_can_be_done_at_a_path_that_leads_nowhere(service: Service) -> None:
    admin = service.client("admin")
    for path, method in product(JUNK, ("POST", "PATCH", "DELETE")):
        assert admin.request(method, path, JOHN).status in (404, 405), (path, method)
    assert admin.get("/leads").json["items"] == []


def test_headers_may_be_long_and_many(api: Api) -> None:
    api.get("/leads", cookie="x" * 100_000, **{f"x_{number}": "é" for number in range(1000)}).expect(200)


# Problems


def every_problem(start: Callable[..., Service]) -> Iterator[tuple[str, Response]]:
    """A way to meet each type of problem."""
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
        with breaking(start(), error) as client:
            yield name, client.get("/leads")


def test_every_problem_is_complete_and_its_type_leads_to_a_page_that_explains_it(
    start: Callable[..., Service],
) -> None:
    reader = start().anonymous()
    for name, answer in every_problem(start):
        problem = answer.expect_problem(answer.status, name)
        assert problem["instance"].startswith("/")
        page = reader.get(problem["type"]).expect(200)
        assert page.headers["content-type"].startswith("text/html")
        assert name in page.body.decode()


# Faults of the service


def test_an_unforeseen_error_is_answered_without_details(service: Service) -> None:
    with breaking(service, RuntimeError("swordfish of john@example.com")) as client:
        for answer in (
            client.get("/leads"),
            client.get(f"/leads/{UNKNOWN_ID}"),
            client.post("/leads", JOHN),
            client.patch(f"/leads/{UNKNOWN_ID}", {"name": "X"}),
            client.post(f"/leads/{UNKNOWN_ID}/follow-up"),
            client.get("/health/ready"),
        ):
            problem = answer.expect_problem(500, "internal-error")
            assert problem.keys() == {"type", "title", "status", "detail", "instance"}
            assert not re.search("swordfish|john@|RuntimeError|Traceback", answer.body.decode())
            assert "x-request-id" in answer.headers


def test_an_unforeseen_error_is_logged_under_the_id_of_the_request_without_its_text(service: Service, log: Log) -> None:
    with breaking(service, RuntimeError("swordfish of john@example.com")) as client:
        log.clear()
        client.get("/leads?email=john@example.com", x_request_id="the-one").expect(500)
    fault, access = log
    assert (fault["log_level"], fault["request_id"], fault["error"]) == ("error", "the-one", "RuntimeError")
    assert "authentication" in fault["where"]
    assert (access["event"], access["request_id"], access["status"]) == ("request", "the-one", 500)
    assert not re.search("swordfish|john", str(log))


def test_a_database_out_of_reach_is_told_with_the_time_to_come_back(service: Service, log: Log) -> None:
    with breaking(service, Unavailable("cannot open /var/lib/leads.db as swordfish")) as client:
        for answer in (client.get("/leads"), client.post("/leads", JOHN), client.get("/health/ready")):
            answer.expect_problem(503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            assert not re.search("swordfish|/var", answer.body.decode())
        client.get("/health/live").expect(200)
    assert "fault" not in [line["event"] for line in log]


def test_a_full_disk_is_named_without_its_path(service: Service) -> None:
    with breaking(service, StorageFull("database or disk is full: /var/lib/leads.db")) as client:
        problem = client.post("/leads", JOHN).expect_problem(503, "unavailable")
    assert "storage of the database is full" in problem["detail"]
    assert "/var" not in str(problem)


@pytest.mark.parametrize("store", ["sqlite"])
def test_a_database_that_somebody_else_is_writing_to_is_busy_and_nothing_is_done(
    start: Callable[..., Service],
) -> None:
    service = start()
    url = service.container.settings().database_url
    service.container.engine.override(providers.Singleton(sqlite_engine, url, busy_seconds=0))
    api = service.client()
    with service.container.engine().begin():
        answer = api.post("/leads", JOHN)
        answer.expect_problem(503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert api.get("/leads").expect(200).json["items"] == []
    api.post("/leads", JOHN).expect(201)
