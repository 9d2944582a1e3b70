"""Test the documentation pages of the service."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from leads_adapters.http.problem_pages import problem_list_page, problem_page
from leads_adapters.http.problems import PROBLEMS, Problem
from rest import Response, Service

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".json": "application/json",
}
ADDRESS = re.compile(r"""url\(\s*(?P<quote>["']?)(?P<quoted>.*?)(?P=quote)\s*\)|@import\s+["'](?P<imported>[^"']+)""")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
VOID = {"link", "meta"}


class Page(HTMLParser):
    """A parser that collects a page's references, links and inline code. Elements must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.inline: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        addresses = self.links if tag == "a" else self.loaded
        addresses += [value for name, value in attrs if name in ("src", "href") and value]
        self.inline += [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open[-1:] == ["script"]:
            self.inline.append(data)


@pytest.fixture
def page(shared_service: Service) -> Response:
    """Return the page with the interactive documentation."""
    return shared_service.anonymous().get("/docs").expect(200)


def test_the_root_redirects_to_the_documentation(shared_service: Service) -> None:
    assert shared_service.anonymous().get("/").expect(307).headers["location"] == "/docs"


def test_the_page_is_html_in_utf_8(page: Response) -> None:
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.body.startswith(b"<!doctype html>")


def test_the_page_loads_everything_from_the_service_itself(shared_service: Service, page: Response) -> None:
    references = Page(page.body.decode()).loaded
    assert {urlsplit(reference).path.rpartition(".")[2] for reference in references} == {"css", "js", "png"}
    for reference in references:
        target = urlsplit(urljoin("http://leads.example/docs", reference))
        assert target.netloc == "leads.example"
        response = shared_service.anonymous().get(target.path).expect(200)
        assert response.headers["content-type"] == MEDIA_TYPES["." + target.path.rpartition(".")[2]]
        assert len(response.body) > 100


def test_the_page_refers_to_no_other_host(page: Response) -> None:
    assert not re.search(r"https?:|[\"']//", page.body.decode())


def test_the_style_sheet_embeds_its_images(shared_service: Service) -> None:
    style = shared_service.anonymous().get("/docs/swagger-ui/swagger-ui.css").body.decode()
    addresses = [match["quoted"] or match["imported"] for match in ADDRESS.finditer(style)]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)


def test_the_page_loads_the_document_of_the_service_and_no_validator(
    shared_service: Service,
) -> None:
    start = shared_service.anonymous().get("/docs/start.js").body.decode()
    addresses = re.findall(r'url: "([^"]*)"', start)
    assert addresses == ["/openapi.json"]
    shared_service.anonymous().get(addresses[0]).expect(200)
    assert "validatorUrl: null" in start
    assert "http" not in start


def test_the_page_obeys_its_content_security_policy(page: Response) -> None:
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert Page(page.body.decode()).inline == []


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "LICENSE", "index.css", "..", "%2e%2e%2fLICENSE", "../../../pyproject.toml", "start.js%00", "%00"],
)
def test_no_other_file_is_served(shared_service: Service, name: str) -> None:
    shared_service.anonymous().get(f"/docs/{name}").expect_problem(404, "not-found")


@pytest.mark.parametrize("path", ["/problems", *(f"/problems/{name}" for name in PROBLEMS)])
def test_the_pages_of_problems_link_only_to_the_service_itself(shared_service: Service, path: str) -> None:
    response = shared_service.anonymous().get(path).expect(200)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(response.body.decode())
    assert page.inline == []
    assert "/docs/style.css" in page.loaded
    assert {"/docs", "/problems"} <= set(page.links)
    for reference in page.loaded + page.links:
        shared_service.anonymous().get(reference).expect(200)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_type_has_a_page(shared_service: Service, name: str) -> None:
    problem = PROBLEMS[name]
    text = Page(shared_service.anonymous().get(f"/problems/{name}").body.decode()).text
    for part in (name, str(problem.status_code), problem.title, problem.advice, problem.example):
        assert part.replace("`", "") in text
    assert "`" not in text


def test_one_page_lists_all_problem_types(shared_service: Service) -> None:
    page = Page(shared_service.anonymous().get("/problems").body.decode())
    assert [link for link in page.links if link.startswith("/problems/")] == [f"/problems/{name}" for name in PROBLEMS]
    assert all(problem.title in page.text for problem in PROBLEMS.values())


def test_pages_escape_their_text() -> None:
    class Odd(Problem, status=400, example="<script>&amp;</script>"):
        """<script>&amp;</script>.

        <script>&amp;</script>
        """

    for page in (problem_page(Odd), problem_list_page([Odd])):
        assert "<script>&" not in page
        assert "<script>&amp;</script>" in Page(page).text


def test_the_style_sheet_supports_dark_mode_and_is_cacheable(shared_service: Service) -> None:
    response = shared_service.anonymous().get("/docs/style.css").expect(200)
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert "color-scheme: light dark" in response.body.decode()
    assert "url(" not in response.body.decode()


@pytest.mark.parametrize("path", ["/problems/<b>", "/docs/nothing.js"])
def test_a_browser_gets_a_page_for_a_path_of_the_documentation_that_does_not_exist(
    shared_service: Service, path: str
) -> None:
    response = shared_service.anonymous().get(path, accept=BROWSER).expect(404)
    assert (response.headers["content-type"], response.headers["vary"]) == ("text/html; charset=utf-8", "accept")
    page = Page(response.body.decode())
    assert page.links == ["/docs", "/problems"]
    response = shared_service.anonymous().get(path)
    assert response.expect_problem(404, "not-found")["detail"] in page.text
    assert response.headers["vary"] == "accept"


@pytest.mark.parametrize(("path", "status", "name"), [("/leads", 401, "unauthorized"), ("/nowhere", 404, "not-found")])
def test_a_browser_gets_problems_from_all_other_paths(
    shared_service: Service, path: str, status: int, name: str
) -> None:
    shared_service.anonymous().get(path, accept=BROWSER).expect_problem(status, name)


def test_an_unknown_problem_type_is_not_found_and_links_to_all(shared_service: Service) -> None:
    detail = shared_service.anonymous().get("/problems/bad-luck").expect_problem(404, "not-found")["detail"]
    assert all(name in detail for name in PROBLEMS)
