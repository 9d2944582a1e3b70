"""The commands of docs/import-a-spreadsheet.md work on the file of the page, and print what it shows."""

import pytest

from e2e.readme import assert_every_block_is_listed, block
from e2e.service import BIN, CommandResult, Site

PAGE = "docs/import-a-spreadsheet.md"

FILE = "First Name;Last Name;E-Mail"
DRY_RUN = "leads import leads.csv --dry-run\n"
MAP = "--map"
OUTPUT = "This was a dry run"
IMPORT = "leads import leads.csv\n"
EDIT = "leads export"


def test_every_block_is_run() -> None:
    assert_every_block_is_listed(PAGE, [FILE, DRY_RUN, OUTPUT, MAP, IMPORT, EDIT])


@pytest.fixture
def office(site: Site) -> Site:
    """Create a folder with the file of the page."""
    site.write("leads.csv", block(FILE, PAGE))
    return site


def commands(site: Site, part: str) -> CommandResult:
    """Run a block."""
    return site.shell(block(part, PAGE), PATH=f"{BIN}:{site.environment()['PATH']}").expect(0)


def test_the_dry_run_prints_what_the_page_shows(office: Site) -> None:
    assert commands(office, DRY_RUN).out == block(OUTPUT, PAGE)
    assert not (office.folder / "leads.db").exists()


def test_a_map_changes_what_columns_mean(office: Site) -> None:
    out = commands(office, MAP).out
    assert "  Company -> (left out)\n" in out
    assert "  Stage -> source\n" in out


def test_the_import_stores_leads_which_come_back_after_an_edit(office: Site) -> None:
    commands(office, IMPORT)
    refused = (office.folder / "leads.refused.csv").read_text("utf-8")
    assert refused.splitlines()[1].startswith("5,")
    edited = commands(office, EDIT)
    exported = (office.folder / "everything.csv").read_text("utf-8")
    assert [line.split(",")[4] for line in exported.splitlines()[1:]] == ["contacted", "new"]
    assert '""status_as_given"":""Hot""' in exported
    assert "unchanged          2\n" in edited.out
