"""The steps of docs/write-a-notifier.md work as printed. Only the URL, room and token of the chat are replaced."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import homeserver
from e2e.environment import run
from e2e.readme import block
from e2e.service import Response, Service, Site, eventually

PAGE = "docs/write-a-notifier.md"
INSTALL = ["-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--target"]


@pytest.fixture
def site(site: Site, tmp_path: Path) -> Site:
    """Create a site with the package that the page shows."""
    package = tmp_path / "my_matrix"
    package.mkdir()
    (package / "my_matrix.py").write_text(block("class MatrixNotifier", PAGE), "utf-8")
    (package / "pyproject.toml").write_text(block("[build-system]", PAGE), "utf-8")
    run(sys.executable, *INSTALL, str(tmp_path / "packages"), str(package))
    site.configure(PYTHONPATH=str(tmp_path / "packages"))
    return site


def configure(site: Site, chat: homeserver.Homeserver) -> None:
    """Configure the channels of the page, with the URL, room and token of a chat that exists."""
    channels = block("[channels.team]", PAGE)
    printed = {
        "https://matrix.example.com": chat.url,
        "!leads:example.com": homeserver.ROOM,
        "!managers:example.com": homeserver.ROOM,
        "syt_...": homeserver.TOKEN,
    }
    for text, real in printed.items():
        assert text in channels
        channels = channels.replace(text, real)
    site.write("leads.toml", channels)


def without_version(line: str) -> str:
    return re.sub(r"leads-desk [\d.]+", "leads-desk", line)


def test_the_commands_print_what_the_page_shows(site: Site) -> None:
    site.leads("migrate").expect(0)
    outputs: list[list[str]] = []
    for line in block("$ leads channels", PAGE).splitlines():
        if line.startswith("$ leads "):
            outputs.append([])
            command = line.removeprefix("$ leads ").split()
            with homeserver.a_homeserver() as chat:
                configure(site, chat)
                printed = site.leads(*command).expect(0).out.splitlines()
        elif line == "...":
            del printed[:-1]
        else:
            outputs[-1].append(line)
            assert without_version(printed.pop(0)) == without_version(line)
    assert len(outputs) == 3
    assert printed == []


def test_follow_ups_reach_the_chat_room(site: Site) -> None:
    with homeserver.a_homeserver() as chat:
        configure(site, chat)
        with site.serve() as service:
            site.leads("channels", "test", "team").expect(0)
            sent = follow_up(service, "john@example.com")
            [_, message] = chat.sent
            chat.respond_with(homeserver.Response(413))
            refused = follow_up(service, "jane@example.com")
            chat.respond_with(homeserver.Response(503))
            delayed = follow_up(service, "jack@example.com")
    assert (sent["state"], sent["channel"]) == ("sent", "team")
    assert (message.content["body"], message.transaction) == (sent["message"], sent["id"])
    assert (refused["state"], refused["last_error"]) == ("failed", "The chat returned 413.")
    assert (delayed["state"], delayed["last_error"]) == ("scheduled", "The chat returned 503.")


def follow_up(service: Service, email: str) -> dict[str, Any]:
    """Schedule a follow-up of a new lead, and return it after the first attempt."""
    lead = service.post("/leads", {"name": "John Doe", "email": email}).expect(201)
    scheduled = service.post(f"{lead.headers['location']}/follow-up").expect(202)

    def attempted() -> Response | None:
        reply = service.get(scheduled.headers["location"]).expect(200)
        return reply if reply.json["state"] != "scheduled" or reply.json["last_error"] else None

    attempted_follow_up: dict[str, Any] = eventually(attempted).json
    return attempted_follow_up
