"""Test commands in a folder without a database, for example a wrong folder."""

import tempfile
from pathlib import Path

import pytest

from terminal import Terminal

KEY = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal in a folder with a CSV file and no database."""
    (tmp_path / "a.csv").write_text("name,email\nJohn,john@example.com\nAnn,nobody\n", "utf-8")
    return Terminal(tmp_path, monkeypatch, capsys)


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("command", ["export", "export b.csv", "keys list", f"keys revoke {KEY}", "dispatch --once"])
def test_a_command_that_reads_data_refuses_and_creates_no_database(terminal: Terminal, command: str) -> None:
    refused = terminal.leads(*command.split()).expect(1)
    assert refused.err == (
        f"leads: There is no database {terminal.folder}/leads.db. "
        "Run the command in the folder of the service, or set LEADS_DATABASE_URL."
    )
    assert refused.out == ""
    assert names_in(terminal.folder) == ["a.csv"]


def test_a_dry_run_without_a_database_reports_and_creates_no_file(
    terminal: Terminal, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    dry_run = terminal.leads("import", "a.csv", "--dry-run").expect(0)
    counts = [line.split() for line in dry_run.out.splitlines() if line.startswith(("created", "refused"))]
    assert counts == [["created", "1"], ["refused", "1"]]
    assert f"Database: {terminal.folder}/leads.db (does not exist; the import would create it)" in dry_run.err
    assert (names_in(terminal.folder), names_in(temporary)) == (["a.csv"], [])


def test_a_dry_run_reports_why_an_import_could_not_create_the_database(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADS_DATABASE_URL", "sqlite:///nowhere/leads.db")
    assert "there is no folder" in terminal.leads("import", "a.csv", "--dry-run").expect(1).err
