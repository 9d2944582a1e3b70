"""Test that `leads doctor` reports the most serious error of a database, in one line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import a_submission
from databases import DATABASES, sqlite_file
from leads_app.cli import leads
from leads_domain.submission import SubmissionState

PAGE = 4096


def database_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    output = CliRunner().invoke(leads, ["doctor"]).output
    [line] = [line for line in output.splitlines() if " database: " in line]
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


def test_submissions_that_need_a_review_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DATABASES["sqlite"](tmp_path) as database:
        assert database_line(tmp_path, monkeypatch).endswith(", 0 submissions need a review")
        waiting = a_submission(state=SubmissionState.NEEDS_REVIEW)
        database.write(lambda work: work.submissions.add(waiting, repeated_within=None))
        assert database_line(tmp_path, monkeypatch).endswith(", 1 submission needs a review")
