"""Test the page of an unsubscribe link as people see it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.service import Site
from e2e.test_unsubscribing import PUBLIC_URL, configure, send_message
from mail_provider import one_click_url
from mail_server import a_mail_server

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_a_person_opts_out_with_the_button(
    tmp_path: Path, open_page: Callable[..., Page], screenshot: Callable[[Page], None], width: int, scheme: str
) -> None:
    site = Site(tmp_path)
    with a_mail_server(auth_require_tls=False) as server:
        configure(site, server)
        with site.serve(LEADS_PUBLIC_URL=PUBLIC_URL) as service:
            path, mail = send_message(service, server, "jane")
            link = one_click_url(mail.message).replace(PUBLIC_URL, service.url)
            viewport = {"width": width, "height": 480}
            page = open_page(link, viewport=viewport, color_scheme=scheme, java_script_enabled=False)
            screenshot(page)
            button = page.get_by_role("button", name="Send me no more messages")
            box = button.bounding_box()
            assert box
            assert box["x"] + box["width"] <= width
            assert box["height"] >= 44  # a finger
            page.keyboard.press("Tab")
            expect(button).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading")).to_have_text("You get no more messages")
            assert page.context.cookies() == []
            assert service.get(path).json["do_not_contact"] is True
