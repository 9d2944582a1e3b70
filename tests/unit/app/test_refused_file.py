"""Where refused rows go."""

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
    """Refuse the same rows several times."""
    file = RefusedFile(path, Format.CSV, LeadFile(("name", "email"), iter(ROWS)))
    for row in ROWS * times:
        file.add(row, NO_ADDRESS)
    file.close()
    return file


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_refused_rows_are_written_beside_the_file_into_a_private_file(tmp_path: Path) -> None:
    path = refused_rows_path(tmp_path / "leads.tsv", Format.CSV)
    assert list(tmp_path.iterdir()) == []
    file = refuse(path)
    assert path == tmp_path / "leads.refused.csv"
    assert path.read_text() == "line,reason,name,email\n2,email: No address.,Ann,1\n3,email: No address.,Bob,2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (file.reasons, file.failure) == ([], None)


def test_a_file_of_earlier_refused_rows_stays_until_there_are_others(tmp_path: Path) -> None:
    (tmp_path / "leads.refused.csv").write_text("earlier")
    path = refused_rows_path(tmp_path / "leads.csv", Format.CSV)
    refuse(path, times=0)
    assert path.read_text() == "earlier"
    refuse(path)
    assert path.read_text().startswith("line,reason,")


def test_they_go_to_the_current_folder_if_that_of_the_file_cannot_be_written_to(
    tmp_path: Path, elsewhere: Path
) -> None:
    (tmp_path / "leads.refused.csv").mkdir()
    assert refused_rows_path(tmp_path / "leads.csv", Format.CSV) == Path("leads.refused.csv")
    assert list(elsewhere.iterdir()) == []


def test_a_file_is_not_imported_if_its_refused_rows_cannot_be_written(tmp_path: Path, elsewhere: Path) -> None:
    for folder in (tmp_path, elsewhere):
        (folder / "leads.refused.csv").mkdir()
    with pytest.raises(CommandFailed, match="Run the import in a folder that you can write to"):
        refused_rows_path(tmp_path / "leads.csv", Format.CSV)


def test_reasons_are_listed_when_the_file_cannot_be_written_after_all() -> None:
    file = refuse(Path("/dev/full"))
    assert "No space left" in str(file.failure)
    assert file.reasons == ["Line 2: email: No address.", "Line 3: email: No address."]


def test_without_a_file_so_many_reasons_are_listed_and_the_others_counted() -> None:
    file = refuse(None, times=REASONS_MAX)
    assert (len(file.reasons), file.unlisted) == (REASONS_MAX, REASONS_MAX)
