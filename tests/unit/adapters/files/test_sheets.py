"""Test how spreadsheets become rows of leads."""

import io
import resource
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from leads_adapters.files.lines import LINE_MAX, TOO_LONG
from leads_adapters.files.sheet_process import SECONDS_MAX, limit_resources, text_of
from leads_adapters.files.tables import read_table
from leads_adapters.lead_files import FileRefused, ReadOptions
from leads_domain.errors import ValidationFailed

SHEETS = Path(__file__).parents[3] / "data" / "spreadsheets"
CHILD = """
import os, time
from leads_adapters.files.sheet_process import end_with_parent

end_with_parent()
os.write(1, b"ready")
time.sleep(20)
os.write(2, b", still there")
"""
PARENT = f"""
import os, subprocess, sys

child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE, stderr=1)
os.write(1, child.stdout.read(5))
os._exit(0)
"""
XLSX = (SHEETS / "leads.xlsx").read_bytes()


def changed(old: bytes, new: bytes) -> bytes:
    """Return the spreadsheet with a change in its first sheet."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(XLSX)) as source, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part.replace(old, new) if name.endswith("sheet1.xml") else part)
    return content.getvalue()


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_the_first_sheet_is_read_as_it_is_shown(suffix: str) -> None:
    with (SHEETS / f"leads.{suffix}").open("rb") as stream:
        lead_file = read_table(stream)
        first, second = lead_file.rows
    assert (first.line, first.given) == (
        2,
        {
            "name": "Ada Muster",
            "email": "ada@example.com",
            "phone": "+49 30 123456",
            "attributes": {
                "Since": "2026-11-28",
                "Seen": "2026-11-28T12:39:05",
                "Score": "0.3",
                "Customer": "4930123456",
                "VIP": "TRUE",
                "At": "08:30:00",
            },
        },
    )
    assert not isinstance(second.given, ValidationFailed)
    assert second.given["attributes"] == {"Score": "12.5", "Customer": "5", "VIP": "FALSE"}
    assert lead_file.encoding() is None


def test_a_sheet_is_chosen_by_its_name() -> None:
    (row,) = read_table(io.BytesIO(XLSX), ReadOptions(sheet="Other")).rows
    assert row.given == {"name": "Cy", "phone": "+49 30 123458"}


@pytest.mark.parametrize(
    ("content", "sheet", "message"),
    [
        (XLSX, "Nope", r'^There is no sheet "Nope"\. The spreadsheet has: "Leads", "Other"\.$'),
        (XLSX[:1000], None, "^The spreadsheet cannot be read: "),
        (b"PK\x03\x04", None, "^The spreadsheet cannot be read: "),
        (b"\xd0\xcf\x11\xe0" + bytes(600), None, "^The spreadsheet cannot be read: "),
    ],
)
def test_a_spreadsheet_that_cannot_be_read_is_refused(content: bytes, sheet: str | None, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        read_table(io.BytesIO(content), ReadOptions(sheet=sheet))


def test_modules_in_the_current_folder_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert len(list(read_table(io.BytesIO(XLSX)).rows)) == 2


def test_limits_that_a_system_does_not_support_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[int, tuple[int, int]] = {}

    def setrlimit(kind: int, limit: tuple[int, int]) -> None:
        if kind == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        limits[kind] = limit

    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    limit_resources()
    assert limits == {resource.RLIMIT_CPU: (SECONDS_MAX, SECONDS_MAX), resource.RLIMIT_CORE: (0, 0)}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems end the process by its limits only")
def test_the_process_ends_with_its_parent() -> None:
    printed = subprocess.run([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, check=True).stdout
    assert printed == b"ready"  # all that both have printed until both have ended


def test_a_small_spreadsheet_that_needs_too_much_memory_is_refused() -> None:
    with pytest.raises(FileRefused, match=r"^The spreadsheet is too large, or damaged\."):
        read_table(io.BytesIO(changed(b'r="A3"', b'r="XFD1048576"')))


def test_a_row_that_is_too_long_is_refused_alone() -> None:
    first, second = read_table(io.BytesIO(changed(b"<t>Ada</t>", b"<t>" + b"Ada" * 350_000 + b"</t>"))).rows
    assert (first.line, str(first.given)) == (2, TOO_LONG)
    assert len("".join(first.cells)) < LINE_MAX
    assert not isinstance(second.given, ValidationFailed)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "Ada"),
        ("", ""),
        (True, "TRUE"),
        (5.0, "5"),
        (4915112345678.0, "4915112345678"),
        (1e20, "100000000000000000000"),
        (0.1 + 0.2, "0.3"),
        (-1.5, "-1.5"),
        (0.0000001, "0.0000001"),
        (date(2026, 11, 28), "2026-11-28"),
        (datetime(2026, 11, 28, 12, 39), "2026-11-28T12:39:00"),  # noqa: DTZ001 - cells have no time zone
        (time(8, 30), "08:30:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
    ],
)
def test_a_cell_is_read_as_it_is_shown(value: object, text: str) -> None:
    assert text_of(value) == text
