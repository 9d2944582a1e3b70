"""Visitors send the forms of `leads forms snippet` from a website of another origin, in Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import OpenPage, Website, a_website
from e2e.service import Service

pytestmark = pytest.mark.browser

Screenshot = Callable[[Page], None]
ADA = {"Name": "Ada Muster", "E-mail": "ada@example.com", "Phone (optional)": "", "Message": "Do you deliver?"}


def fill_in(page: Page, **changes: str) -> None:
    """Fill in the form with the keyboard, and send it."""
    for text in {**ADA, **changes}.values():
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")


def heading(page: Page, text: str) -> None:
    """Check the heading of the page that the browser shows."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def submission(service: Service) -> Any:
    """Return the only submission, processed."""
    service.finish_processing()
    [found] = service.items("/submissions")
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [("form-contact", {}), ("form-contact", {"java_script_enabled": False}), ("strict-contact", {})],
    ids=["with a script", "without scripts", "where scripts are forbidden"],
)
def test_a_visitor_sends_the_form_with_the_keyboard(
    service: Service,
    website: Website,
    open_page: OpenPage,
    screenshot: Screenshot,
    name: str,
    options: dict[str, Any],
) -> None:
    page = open_page(f"{website.origin}/{name}.html", **options)
    fill_in(page)
    heading(page, "Thank you")
    screenshot(page)
    sent = submission(service)
    assert sent["state"] == "accepted"
    assert (float(sent["content"]["leads_seconds"] or 0) > 0) == (name == "form-contact" and not options)
    [lead] = service.items("/leads")
    assert (lead["name"], lead["email"], lead["source"]) == ("Ada Muster", "ada@example.com", "website")


def test_a_visitor_returns_to_the_website(
    service: Service, website: Website, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = open_page(f"{website.origin}/form-thanks.html")
    screenshot(page)
    fill_in(page)
    heading(page, "See you soon")
    assert page.url == f"{website.origin}/thanks.html"
    assert submission(service)["state"] == "accepted"


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_visitor_corrects_the_form_and_sends_it_again(
    service: Service, website: Website, open_page: OpenPage, screenshot: Screenshot, java_script_enabled: bool
) -> None:
    page = open_page(f"{website.origin}/form-contact.html", java_script_enabled=java_script_enabled)
    fill_in(page, **{"E-mail": "ada@example", "Message": "<b>Do you deliver?</b>"})
    heading(page, "Please correct your message")
    expect(page.get_by_role("listitem")).to_contain_text("E-mail: You wrote ada@example")
    screenshot(page)
    page.go_back()
    expect(page.get_by_label("Message")).to_have_value("<b>Do you deliver?</b>")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.keyboard.press("Enter")
    heading(page, "Thank you")
    service.finish_processing()
    assert [each["state"] for each in service.items("/submissions")] == ["accepted", "needs_review"]


def test_the_browser_asks_for_what_is_required(service: Service, website: Website, open_page: OpenPage) -> None:
    page = open_page(f"{website.origin}/form-contact.html")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Message").fill("Hi")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_label("E-mail")).to_be_focused()
    assert service.items("/submissions") == []


def test_a_screen_reader_reads_labels_and_no_honeypot(service: Service, website: Website, open_page: OpenPage) -> None:
    page = open_page(f"{website.origin}/form-contact.html")
    labels = [f'- textbox "{label}"' for label in ADA]
    read = page.locator("form").aria_snapshot()
    assert [line.strip() for line in read.splitlines() if "textbox" in line] == labels
    assert '- button "Send"' in read
    assert "Leave this field empty" not in read
    assert service.items("/submissions") == []


def test_spam_looks_like_any_other_form(service: Service, website: Website, open_page: OpenPage) -> None:
    page = open_page(f"{website.origin}/form-slow.html")
    fill_in(page)
    heading(page, "Thank you")
    assert submission(service)["state"] == "spam"


def test_a_form_on_another_website_is_refused(
    service: Service, website: Website, open_page: OpenPage, screenshot: Screenshot, tmp_path: Path
) -> None:
    with a_website(tmp_path / "other") as other:
        copy = (website.folder / "form-contact.html").read_text("utf-8")
        (other.folder / "form-contact.html").write_text(copy, "utf-8")
        page = open_page(f"{other.origin}/form-contact.html")
        fill_in(page)
        heading(page, "The form could not be sent")
        screenshot(page)
    assert service.items("/submissions") == []


SEND = """async (url) => {
  const headers = {"Content-Type": "application/json"};
  const body = JSON.stringify({name: "Ada Muster", email: "ada@example.com", message: "Do you deliver?"});
  const response = await fetch(url, {method: "POST", headers, body});
  return [response.status, await response.json()];
}"""


def test_a_script_of_the_website_sends_the_form(service: Service, website: Website, open_page: OpenPage) -> None:
    page = open_page(f"{website.origin}/thanks.html")
    assert page.evaluate(SEND, f"{service.url}/forms/contact") == [202, {"accepted": True}]
    assert submission(service)["state"] == "accepted"


def test_a_script_of_another_website_is_refused(service: Service, tmp_path: Path, open_page: OpenPage) -> None:
    with a_website(tmp_path / "other") as other:
        (other.folder / "strict-page.html").write_text("", "utf-8")
        page = open_page(f"{other.origin}/strict-page.html")
        refused = page.evaluate(f"(url) => ({SEND})(url).catch((error) => error.name)", f"{service.url}/forms/contact")
    assert refused == "TypeError"
    assert service.items("/submissions") == []
