"""Test the resource /unsubscribe/{token}: the link by which people opt out of messages (RFC 8058)."""

import json
import re
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlencode

import pytest

from leads_adapters.http.form_bodies import FORM_MAX_BYTES
from leads_adapters.http.rate_limit import RateLimit
from rest import JOHN, ON_BOTH_DATABASES, Api, Service

PUBLIC_URL = "https://leads.example.com/desk"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
LATER = "2026-02-01T00:00:00Z"
URL_ENCODED = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
ONE_CLICKS = [
    (URL_ENCODED, ONE_CLICK),
    ("multipart/form-data; boundary=x", MULTIPART),
    ("multipart/form-data", ONE_CLICK),
    ("", b""),
    ("application/json", b"\xff" * FORM_MAX_BYTES),
]
"""Bodies that opt out, with their types: what RFC 8058 asks for, and what others may send."""


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """Start a service that knows its public URL."""
    return start(public_url=PUBLIC_URL)


@pytest.fixture
def john(api: Api) -> str:
    """Create a lead and return its path."""
    return api.post("/leads", JOHN).expect(201).headers["location"]


@pytest.fixture
def link(service: Service, api: Api, john: str) -> str:
    """Send a message to John and return the path of its link."""
    return link_of(service, api, john)


@pytest.fixture
def visitor(service: Service) -> Api:
    """Return a client without a key and without `Accept`, as mail programs are."""
    return service.anonymous()


def link_of(service: Service, api: Api, lead: str, **follow_up: str) -> str:
    """Send a message about a lead and return the path of its link."""
    api.post(f"{lead}/follow-up", follow_up).expect(202)
    service.dispatch()
    url = service.channels["log"].notices[-1].unsubscribe_url
    assert url
    assert url.startswith(f"{PUBLIC_URL}/unsubscribe/")
    return url.removeprefix(PUBLIC_URL)


def state(api: Api, lead: str) -> Any:
    """Return a lead with its timeline."""
    return api.get(lead).expect(200).json, api.get(f"{lead}/timeline").json["items"]


@ON_BOTH_DATABASES
def test_one_click_opts_out_once(service: Service, api: Api, visitor: Api) -> None:
    for number, (content_type, body) in enumerate(ONE_CLICKS):
        lead = api.post("/leads", {**JOHN, "email": f"{number}@example.com"}).headers["location"]
        link = link_of(service, api, lead)
        later = api.post(f"{lead}/follow-up", {"due_at": LATER}).headers["location"]
        first = visitor.post(link, body, content_type=content_type).expect(200)
        assert first.headers["content-type"] == "text/html; charset=utf-8"
        assert not first.headers.keys() & {"location", "set-cookie", "refresh"}
        stored, timeline = state(api, lead)
        assert (stored["do_not_contact"], stored["next_follow_up_at"]) == (True, None)
        assert api.get(later).json["state"] == "cancelled"
        [opted_out] = [entry for entry in timeline if entry["type"] == "lead.opted_out"]
        assert (opted_out["data"], opted_out["actor"]) == ({"way": "link"}, "unsubscribe link")

        again = visitor.post(link, body, content_type=content_type).expect(200)
        assert (again.body, state(api, lead)) == (first.body, (stored, timeline))
        api.post(f"{lead}/follow-up").expect_problem(409, "do-not-contact")


def test_opening_the_link_changes_nothing(api: Api, visitor: Api, john: str, link: str) -> None:
    before = state(api, john)
    page = visitor.get(link, accept=BROWSER).expect(200)
    assert visitor.request("HEAD", link).expect(200).body == b""
    assert visitor.request("OPTIONS", link).expect(204).headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert visitor.get(f"{link}?utm_source=mail&%FF").expect(200).body == page.body
    assert visitor.request("PUT", link, ONE_CLICK).status == 405
    assert state(api, john) == before


def test_the_button_of_the_page_opts_out(api: Api, visitor: Api, john: str, link: str) -> None:
    page = visitor.get(link, accept=BROWSER).expect(200)
    html = page.body.decode()
    [form] = re.findall("<form[^>]*>", html)
    assert form == '<form method="post">'  # to the same URL, also behind a proxy that adds a path
    assert re.findall('href="([^"]*)"', html) == ["data:,", "../docs/style.css"]
    [(name, value)] = re.findall('<button name="([^"]+)" value="([^"]+)">', html)
    assert {"script", "john", "John"} & {*re.findall(r"\w+", html)} == set()
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    expected = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}
    assert page.headers.items() >= expected.items()

    body = urlencode({name: value}).encode()
    done = visitor.post(link, body, content_type=URL_ENCODED, origin="null", accept=BROWSER).expect(200)
    assert "You get no more messages" in done.body.decode()
    assert done.headers.items() >= expected.items()
    assert api.get(john).json["do_not_contact"] is True


def test_the_link_of_a_merged_lead_opts_out_the_lead_that_replaces_it(
    service: Service, api: Api, visitor: Api, john: str, link: str
) -> None:
    jon = api.post("/leads", {**JOHN, "email": "jon@example.com"}).headers["location"]
    older = link_of(service, api, jon)
    api.post(f"{john}/merge", {"duplicate_id": jon.rpartition("/")[2]}).expect(200)
    assert link_of(service, api, john) == link != older
    visitor.get(older).expect(200)
    visitor.post(older, ONE_CLICK).expect(200)
    assert api.get(john).json["do_not_contact"] is True
    visitor.post(link, ONE_CLICK).expect(200)


@ON_BOTH_DATABASES
def test_the_links_of_an_erased_lead_are_dead(service: Service, api: Api) -> None:
    leads = [api.post("/leads", {**JOHN, "email": f"{number}@example.com"}).headers["location"] for number in (1, 2)]
    links = [link_of(service, api, lead) for lead in leads]
    api.post(f"{leads[0]}/merge", {"duplicate_id": leads[1].rpartition("/")[2]}).expect(200)
    service.client("admin").request("DELETE", leads[0]).expect(204)
    for link in links:
        service.anonymous().get(link).expect(404)
        service.anonymous().post(link, ONE_CLICK).expect(404)


def variants(link: str) -> list[str]:
    """Return paths that lead to no page, most of them with the token of one."""
    token = link.rpartition("/")[2]
    others = [token[:-1], f"{token}A", token.swapcase(), f"{token}%0A", f"%20{token}", f"{token}/x"]
    unknown = [32 * "A", "x" * 9000, "%00" * 32, "%ED%A0%80", "%C3%A9" * 32, ""]
    return [f"/unsubscribe/{text}" for text in [*others, *unknown]]


def test_only_the_whole_link_works(api: Api, visitor: Api, john: str, link: str) -> None:
    before = state(api, john)
    for path in variants(link):
        for method in ("GET", "POST"):
            visitor.request(method, path, ONE_CLICK if method == "POST" else None).expect(404)
    unknown = visitor.get("/unsubscribe/" + 32 * "A")
    assert unknown.headers["content-type"] == "text/html; charset=utf-8"
    assert "Copy the whole link" in unknown.body.decode()
    problem = visitor.get("/unsubscribe/" + 32 * "A", accept="application/json").expect_problem(404, "not-found")
    assert problem["instance"] == "/unsubscribe/"
    assert state(api, john) == before


def test_a_body_that_is_too_large_is_refused(api: Api, visitor: Api, john: str, link: str) -> None:
    visitor.post(link, b"x" * (FORM_MAX_BYTES + 1)).expect(413)
    assert api.get(john).json["do_not_contact"] is False


def test_the_token_is_never_logged_counted_or_repeated(
    start: Callable[..., Service], log: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start(public_url=PUBLIC_URL, rate_limit=RateLimit(24, 60))
    agent = service.client_with(address="192.0.2.3", x_api_key=service.new_key()[1])
    john = agent.post("/leads", JOHN).headers["location"]
    link = link_of(service, agent, john)
    token = link.rpartition("/")[2]
    visitor = service.anonymous()
    methods = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE")
    responses = [visitor.request(method, link) for method in methods]
    for accept in (BROWSER, "application/json"):
        other = service.client_with(address="192.0.2.4" if accept == BROWSER else "192.0.2.5", accept=accept)
        responses += [other.get(path) for path in variants(link)]
        responses += [other.post(link, b"x" * (FORM_MAX_BYTES + 1)), *(other.get(link) for _ in range(24))]

    def fail() -> None:
        raise RuntimeError(token)

    with monkeypatch.context() as patch:
        patch.setattr(service.clock, "now", fail)
        responses.append(visitor.post(link))
    assert {response.status for response in responses} >= {200, 204, 404, 405, 413, 429, 500}

    responses += [agent.get(path) for path in ("/metrics", john, f"{john}/timeline", "/events", "/follow-ups")]
    responses.append(service.client("admin").get(f"{john}/export"))
    assert "/unsubscribe/{token}" in agent.get("/metrics").body.decode()
    shown = [response.body.decode() + repr(response.headers) for response in responses]
    assert [text for text in [*shown, json.dumps(log, default=str)] if token in text] == []


def test_the_rate_of_requests_of_an_address_is_limited(start: Callable[..., Service]) -> None:
    service = start(public_url=PUBLIC_URL, rate_limit=RateLimit(3, 60))
    clients = [service.client_with(address=f"192.0.2.{number}") for number in (1, 2)]
    path = "/unsubscribe/" + 32 * "A"
    requests = [clients[0].post(path, ONE_CLICK), clients[0].get(path), clients[0].get("/unsubscribe/x")]
    assert [response.status for response in requests] == [404, 404, 404]
    assert "retry-after" in clients[0].post(path, ONE_CLICK).expect(429).headers
    clients[1].post(path, ONE_CLICK).expect(404)
