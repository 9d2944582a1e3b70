"""The documentation that the service itself serves."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from leads_adapters.http.problems import PROBLEMS
from rest import Reply, Service

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".json": "application/json",
}
ADDRESS = re.compile(r"""url\(\s*(?P<quote>["']?)(?P<quoted>.*?)(?P=quote)\s*\)|@import\s+["'](?P<imported>[^"']+)""")


class References(HTMLParser):
    """Everything that a page loads, and the code that stands in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []
        self._in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]
        self.inline += [name for name, _ in attrs if name.startswith("on")]
        self._in_script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)


@pytest.fixture
def page(lasting: Service) -> Reply:
    """The interactive page."""
    return lasting.stranger().get("/docs").expect(200)


def test_the_front_door_leads_to_the_documentation(lasting: Service) -> None:
    assert lasting.stranger().get("/").expect(307).headers["location"] == "/docs"


def test_the_page_is_html_in_utf_8(page: Reply) -> None:
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.body.startswith(b"<!doctype html>")


def test_the_page_loads_everything_from_the_service_itself(lasting: Service, page: Reply) -> None:
    references = References(page.body.decode()).found
    assert {urlsplit(reference).path.rpartition(".")[2] for reference in references} == {"css", "js", "png"}
    for reference in references:
        target = urlsplit(urljoin("http://leads.example/docs", reference))
        assert target.netloc == "leads.example"
        answer = lasting.stranger().get(target.path).expect(200)
        assert answer.headers["content-type"] == MEDIA_TYPES["." + target.path.rpartition(".")[2]]
        assert len(answer.body) > 100


def test_the_page_names_no_other_place(page: Reply) -> None:
    assert not re.search(r"https?:|[\"']//", page.body.decode())


def test_the_style_sheet_brings_its_pictures_along(lasting: Service) -> None:
    style = lasting.stranger().get("/docs/swagger-ui.css").body.decode()
    addresses = [match["quoted"] or match["imported"] for match in ADDRESS.finditer(style)]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)


def test_the_page_starts_with_the_document_of_the_service_and_asks_nobody_to_validate_it(lasting: Service) -> None:
    start = lasting.stranger().get("/docs/start.js").body.decode()
    addresses = re.findall(r'url: "([^"]*)"', start)
    assert addresses == ["/openapi.json"]
    lasting.stranger().get(addresses[0]).expect(200)
    assert "validatorUrl: null" in start
    assert "http" not in start


def test_the_page_runs_under_its_own_security_policy(page: Reply) -> None:
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert References(page.body.decode()).inline == []


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "LICENSE", "index.css", "..", "%2e%2e%2fLICENSE", "../../../pyproject.toml", "start.js%00", "%00"],
)
def test_no_other_file_is_served(lasting: Service, name: str) -> None:
    lasting.stranger().get(f"/docs/{name}").refuse(404, "not-found")


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_type_of_problem_has_a_page_for_people(lasting: Service, name: str) -> None:
    page = lasting.stranger().get(f"/problems/{name}").expect(200)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    assert f"<code>{name}</code>" in text
    assert str(PROBLEMS[name].status_code) in text
    for reference in References(text).found:
        lasting.stranger().get(reference).expect(200)


def test_a_type_of_problem_that_there_is_not_is_answered_with_those_that_there_are(lasting: Service) -> None:
    detail = lasting.stranger().get("/problems/bad-luck").refuse(404, "not-found")["detail"]
    assert all(name in detail for name in PROBLEMS)
