"""Test where the file of refused rows is written."""

import resource
import stat
from pathlib import Path

import pytest

from leads_adapters.files.formats import Format
from leads_adapters.lead_files import LeadFile, Row
from leads_app.cli.refused_file import REASONS_MAX, RefusedFile, refused_rows_path
from leads_app.cli.session import CommandFailed
from leads_domain.errors import FieldError, ValidationFailed

ROWS = [Row(2, {}, ("Ann", "1")), Row(3, {}, ("Bob", "2"))]
NO_ADDRESS = ValidationFailed([FieldError("/email", "No address.")])


def refuse(path: Path | None, times: int = 1) -> RefusedFile:
    """Refuse all rows this number of times."""
    file = RefusedFile(path, Format.CSV, LeadFile(("name", "email"), iter(ROWS)))
    for row in ROWS * times:
        file.add(row, NO_ADDRESS)
    file.close()
    return file


@pytest.fixture
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to another folder and return it."""
    folder = tmp_path / "current_folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_refused_rows_are_written_to_a_private_file_next_to_the_import(tmp_path: Path) -> None:
    path = refused_rows_path(tmp_path / "leads.tsv", Format.CSV)
    assert list(tmp_path.iterdir()) == []
    file = refuse(path)
    assert path == tmp_path / "leads.refused.csv"
    assert path.read_text() == "line,reason,name,email\n2,email: No address.,Ann,1\n3,email: No address.,Bob,2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (file.reasons, file.failure) == ([], None)


def test_an_earlier_file_stays_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "leads.refused.csv").write_text("earlier")
    (tmp_path / "leads.refused-2.csv").symlink_to(tmp_path / "target")
    path = refused_rows_path(tmp_path / "leads.csv", Format.CSV)
    refuse(path, times=0)
    assert len(list(tmp_path.iterdir())) == 2
    assert refuse(path).path == tmp_path / "leads.refused-3.csv"
    assert (tmp_path / "leads.refused-3.csv").read_text().startswith("line,reason,")
    assert (tmp_path / "leads.refused.csv").read_text() == "earlier"
    assert not (tmp_path / "target").exists()


def test_the_current_folder_is_used_if_the_folder_of_the_file_is_not_writable(
    tmp_path: Path, current_folder: Path
) -> None:
    assert refused_rows_path(tmp_path / "nowhere" / "leads.csv", Format.CSV) == Path("leads.refused.csv")
    assert list(current_folder.iterdir()) == []


def test_a_file_is_not_imported_if_its_refused_rows_cannot_be_written(tmp_path: Path, current_folder: Path) -> None:
    current_folder.rmdir()
    with pytest.raises(CommandFailed, match="Run the import in a folder that you can write to"):
        refused_rows_path(tmp_path / "nowhere" / "leads.csv", Format.CSV)


def test_reasons_are_listed_if_the_file_cannot_be_written(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        file = refuse(tmp_path / "leads.refused.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in str(file.failure)
    assert file.reasons == ["Line 2: email: No address.", "Line 3: email: No address."]


def test_without_a_file_some_reasons_are_listed_and_others_counted() -> None:
    file = refuse(None, times=REASONS_MAX)
    assert (len(file.reasons), file.unlisted) == (REASONS_MAX, REASONS_MAX)
