"""Mail comes in through a folder that the service reads, and through the pipe of a mail server."""

import signal
import time
from pathlib import Path

import pytest

from e2e.service import Site, eventually

MESSAGE = """\
From: Ada Muster <ada@example.com>
Date: Sun, 29 Nov 2026 08:00:00 +0000
Message-ID: <{number}@mail.example.com>
Subject: Offer {number}

Do you deliver?
"""


@pytest.fixture
def maildir(site: Site) -> Path:
    folder = site.folder / "mail"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    site.write(
        "leads.toml",
        f'[mailboxes.sales]\nurl = "maildir://{folder}"\nevery = "10s"\n[mailboxes.away]\nurl = "maildir:///nowhere"\n',
    )
    return folder


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_fetches_mail_and_stops_promptly(site: Site, maildir: Path, workers: str) -> None:
    (maildir / "new" / "1.host").write_text(MESSAGE.format(number=1), "utf-8")
    with site.serve("--workers", workers) as service:
        [item] = eventually(lambda: service.get("/submissions?state=accepted").json["items"])
        assert (item["origin"], item["content"]["subject"]) == ("mailbox:sales", "Offer 1")
        assert [file.name for file in (maildir / "cur").iterdir()] == ["1.host:2,S"]
        lead = service.get(f"/leads/{item['lead_id']}").json
        assert (lead["name"], lead["email"], lead["source"]) == ("Ada Muster", "ada@example.com", "email")
        assert service.err.count('"mailbox_unavailable"') == 1  # of two workers, one fetches
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
        assert time.monotonic() - begun < 8
    assert service.err.count('"mail_fetched"') == 1


def test_another_process_can_fetch_and_a_pipe_brings_more(site: Site, maildir: Path) -> None:
    (maildir / "new" / "1.host").write_text(MESSAGE.format(number=1), "utf-8")
    site.write("message", MESSAGE.format(number=2))
    with site.serve("--no-fetch") as service:
        site.shell(f"{site.command} receive --mailbox sales < message").expect(0)
        assert site.leads("fetch", "--once").expect(1).out.startswith("sales: fetched 1 message")
        items = eventually(
            lambda: len(found := service.get("/submissions?state=accepted").json["items"]) == 2 and found
        )
        assert {each["content"]["subject"] for each in items} == {"Offer 1", "Offer 2"}


def test_fetching_runs_until_it_is_stopped(site: Site, maildir: Path) -> None:
    site.leads("migrate").expect(0)
    (maildir / "new" / "1.host").write_text(MESSAGE.format(number=1), "utf-8")
    with site.running("fetch") as running:
        eventually(lambda: [*(maildir / "cur").iterdir()])
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
