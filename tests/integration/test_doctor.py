"""Test that `leads doctor` reports the most serious error of a database, in one line."""

import sys
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner

from builders import a_digest, a_submission, an_id
from contracts.mail_source import a_message
from databases import DATABASES, sqlite_file
from imap_server import an_imap_server
from leads_adapters.clock import SystemClock
from leads_adapters.mail.maildir import Maildir
from leads_app.cli import leads
from leads_domain.digest import DigestState
from leads_domain.ports import UnitOfWork
from leads_domain.submission import SubmissionState

PAGE = 4096
SECRET = "wr0ng"


def database_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return doctor_line("database", folder, monkeypatch)


def doctor_line(check: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the line of a check, without a secret."""
    monkeypatch.chdir(folder)
    output = CliRunner().invoke(leads, ["doctor"]).output
    assert SECRET not in output
    [line] = [line for line in output.splitlines() if f" {check}: " in line]
    return line


def test_damage_is_reported_before_the_mode_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sqlite_file(tmp_path)
    tmp_path.chmod(0o755)
    file.chmod(0o644)
    assert "every user of this machine can read it" in database_line(tmp_path, monkeypatch)

    pages = bytearray(file.read_bytes())
    pages[PAGE * 8 :] = bytes(len(pages) - PAGE * 8)
    file.write_bytes(pages)
    line = database_line(tmp_path, monkeypatch)
    assert line.startswith("ERROR  database: the file is damaged. Restore a backup.")
    assert len(line) < 300


def test_failed_digests_are_named_with_their_last_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = SystemClock().now()
    failed: dict[str, Any] = {"state": DigestState.FAILED, "next_attempt_at": None}
    digests = [
        a_digest(
            id=an_id(number), planned_at=now - number * timedelta(days=1), last_error=f"Refused {number}.", **failed
        )
        for number in (1, 2, 8)
    ]

    def plan(work: UnitOfWork) -> None:
        work.digests.planned_at_for_update()
        work.digests.plan(now, digests)

    with DATABASES["sqlite"](tmp_path) as database:
        database.write(plan)
        line = database_line(tmp_path, monkeypatch)
    assert line.endswith(", 2 failed digests in 7 days, the last one because: Refused 1.")


def test_submissions_that_need_a_review_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DATABASES["sqlite"](tmp_path) as database:
        assert database_line(tmp_path, monkeypatch).endswith(", 0 submissions need a review")
        waiting = a_submission(state=SubmissionState.NEEDS_REVIEW)
        database.write(lambda work: work.submissions.add(waiting, repeated_within=None))
        assert database_line(tmp_path, monkeypatch).endswith(", 1 submission needs a review")


def test_mailboxes_are_checked_without_reading_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def configure(url: str) -> None:
        tables = f'[mailboxes.sales]\nurl = "{url}"\n[mailboxes.shop]\n'
        (tmp_path / "leads.toml").write_text(tables, "utf-8")

    with an_imap_server() as server:
        user = server.user()
        user.add(a_message(1))
        configure(user.url())
        assert doctor_line("mailboxes", tmp_path, monkeypatch) == (
            "ok     mailboxes: sales (imap), shop (leads receive)"
        )
        assert user.flags() == [set()]
        configure(user.url(password=SECRET))
        assert doctor_line("mailboxes", tmp_path, monkeypatch) == (
            "ERROR  mailboxes: The mailbox sales cannot be read: The mail server refused the login with "
            "AUTHENTICATIONFAILED."
        )


def test_a_mailbox_that_hangs_does_not_stop_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leads.toml").write_text('[mailboxes.sales]\nurl = "maildir:///srv/mail"\n', "utf-8")
    monkeypatch.setattr(sys.modules["leads_app.cli.doctor"], "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(Maildir, "check", lambda _: Event().wait(1))
    line = doctor_line("mailboxes", tmp_path, monkeypatch)
    assert line == "ERROR  mailboxes: The mailbox sales did not respond within 0 s."


def test_a_public_url_without_https_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def line(url: str) -> str:
        monkeypatch.setenv("LEADS_PUBLIC_URL", url)
        return doctor_line("configuration", tmp_path, monkeypatch)

    healthy = line("https://leads.example.com")
    assert healthy == "ok     configuration: 5 statuses, default channel log"
    for url in ("http://localhost:8000/desk", "http://LOCALHOST", "http://127.0.0.1", "http://[::1]:8000"):
        assert line(url) == healthy
    for url in ("http://leads.example.com", "http://127.0.0.1.example.com/"):
        assert line(url) == (
            f"{healthy}. public_url starts with http://: mail providers offer one-click unsubscribe only for https "
            "(RFC 8058)."
        )
