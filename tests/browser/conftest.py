"""Provide a website with forms, the service that receives them, and a browser for its visitors."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from e2e.service import HOST, Service, Site

SCREENSHOTS = Path(__file__).parents[2] / "build" / "browser"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTINGS = """
[forms.contact]
source = "website"
origins = ["{origin}"]
honeypot = "website"
minimum_seconds = 0.05
rate_limit = "off"

[forms.thanks]
origins = ["{origin}"]
redirect = "{origin}/thanks.html"

[forms.slow]
minimum_seconds = 60

[forms.contact.fields]
"your-name" = "name"
"""
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Example Ltd</title></head>
<body><main><h1>{title}</h1>
{body}</main></body>
</html>
"""


class Website(NamedTuple):
    """A static website with its own origin. It has a page for each form."""

    origin: str
    folder: Path


class _Handler(SimpleHTTPRequestHandler):
    """Serves files. The pages in `strict` forbid all scripts and styles."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def end_headers(self) -> None:
        """Add the policy of strict pages."""
        if "strict" in self.path:
            self.send_header("content-security-policy", "default-src 'none'; form-action http://127.0.0.1:*")
        super().end_headers()


@contextmanager
def a_website(folder: Path) -> Iterator[Website]:
    """Serve the files of a folder."""
    folder.mkdir(exist_ok=True)
    with ThreadingHTTPServer((HOST, 0), partial(_Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Website(f"http://{HOST}:{server.server_port}", folder)
        server.shutdown()
        thread.join()


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    """Serve the website that the forms belong to."""
    with a_website(tmp_path / "website") as website:
        yield website


@pytest.fixture
def service(website: Website, tmp_path: Path) -> Iterator[Service]:
    """Run the service, and paste its forms into the website."""
    site = Site(tmp_path)
    site.write("leads.toml", SETTINGS.format(origin=website.origin))
    with site.serve() as service:
        for form in ("contact", "thanks", "slow"):
            snippet = site.leads("forms", "snippet", form, "--url", service.url).expect(0).out
            page = PAGE.format(title="Contact us", body=snippet)
            (website.folder / f"form-{form}.html").write_text(page, "utf-8")
            (website.folder / f"strict-{form}.html").write_text(page, "utf-8")
        (website.folder / "thanks.html").write_text(PAGE.format(title="See you soon", body=""), "utf-8")
        yield service


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium: the one of the system, or that of `playwright install chromium`."""
    installed = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Return a function that opens a page. Fail if a page reports an error on its console."""
    contexts, messages = [], []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: messages.append(f"{page.url}: {message.text}"))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in messages if not re.search("strict-|status of 4", text)] == []


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[[Page], None]:
    """Return a function that stores a picture of a page in `build/browser`, to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", request.node.name).strip("-")

    def screenshot(page: Page) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return screenshot
