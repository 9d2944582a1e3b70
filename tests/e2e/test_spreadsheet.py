"""Import a messy spreadsheet at the terminal, correct the refused rows, and export the leads again."""

import csv
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.service import CommandResult, Site

DATA = Path(__file__).parents[1] / "data"
MESSY = "leads-messy.csv"
REFUSED = "leads-messy.refused.csv"
CORRECTED = "corrected.csv"
EXPECTED = json.loads((DATA / "leads-messy.expected.json").read_text("utf-8"))
ASSIGNED_BY_IMPORT = ("id", "updated_at", "version", "next_follow_up_at")
"""Fields that an import does not read from the file."""

WITH_HISTORY = {
    "id": "01900000-0000-7000-8000-000000000001",
    "name": "=HYPERLINK(1)",
    "email": "jörg@müller-example.de",
    "phone": "+493012345678",
    "status": "lost",
    "status_reason": "-too dear, said 'Jörg';\n\"no\" 🙂",
    "source": "@fair",
    "owner": "sales@example.com",
    "do_not_contact": False,
    "attributes": {"company": "ACME", "size": 5, "ratio": 0.5, "vip": True, "note": None, "zip": "01067", "email": "x"},
    "created_at": "2019-12-31T23:59:59.999999Z",
    "updated_at": "2020-02-29T12:00:00.000000Z",
    "contacted_at": "2020-01-01T00:00:00.000000Z",
    "next_follow_up_at": None,
    "version": 7,
}


@dataclass(frozen=True)
class Migration:
    """The results of the commands in their order, the folder with the files, and the exported leads."""

    folder: Path
    dry_run: CommandResult
    imported: CommandResult
    again: CommandResult
    corrected: CommandResult
    past: CommandResult
    leads: list[dict[str, Any]]


@pytest.fixture(scope="module")
def migration(tmp_path_factory: pytest.TempPathFactory) -> Migration:
    """Run the spreadsheet through a dry run and two imports, and import the corrected rows."""
    site = Site(tmp_path_factory.mktemp("office"))
    shutil.copy(DATA / MESSY, site.folder)
    dry_run = site.leads("import", MESSY, "--dry-run").expect(0)
    imported = site.leads("import", MESSY).expect(0)
    again = site.leads("import", MESSY).expect(0)
    correct(site.folder / REFUSED, site.folder / CORRECTED)
    corrected = site.leads("import", CORRECTED).expect(0)
    site.write("past.ndjson", json.dumps(WITH_HISTORY))
    past = site.leads("import", "past.ndjson").expect(0)
    site.leads("export", "leads.csv").expect(0)
    site.leads("export", "leads.ndjson").expect(0)
    return Migration(
        site.folder,
        dry_run,
        imported,
        again,
        corrected,
        past,
        leads((site.folder / "leads.ndjson").read_text("utf-8")),
    )


def correct(refused: Path, corrected: Path) -> None:
    """Correct each refused row as a person would."""
    rows = records(refused)
    for number, row in enumerate(rows):
        row |= {"name": "Ann Example", "email": f"corrected-{number}@example.com", "phone": ""}
    with corrected.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def counts(finished: CommandResult) -> dict[str, int]:
    """Return the numbers that an import printed."""
    lines = [line.split() for line in finished.out.splitlines()]
    return {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdecimal()}


def counted(**rows: int) -> dict[str, int]:
    """Return the expected numbers: those given, and 0 for the others."""
    return dict.fromkeys(("created", "updated", "unchanged", "duplicates", "refused"), 0) | rows


ALL = counted(**{outcome: EXPECTED[outcome] for outcome in ("created", "duplicates", "refused")})


def records(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_dry_run_counts_the_outcome_of_every_row(migration: Migration) -> None:
    assert counts(migration.dry_run) == ALL
    assert "nothing was stored" in migration.dry_run.out


def test_a_dry_run_stores_nothing(migration: Migration) -> None:
    assert counts(migration.imported) == ALL
    assert sum(ALL.values()) == EXPECTED["rows"]
    assert REFUSED in migration.imported.out


def test_refused_rows_are_written_with_line_and_reason(migration: Migration) -> None:
    refused = records(migration.folder / REFUSED)
    assert len(refused) == EXPECTED["refused"] == 181
    lines = [int(row["line"]) for row in refused]
    assert lines == sorted(set(lines))
    assert all(row["reason"].strip() for row in refused)
    original = by_line(DATA / MESSY)
    for row in refused:
        cells = [cell.removeprefix("'") for cell in list(row.values())[2:]]
        assert cells == original[int(row["line"])]


def by_line(path: Path) -> dict[int, list[str]]:
    """Return the rows of the spreadsheet by the line on which each starts."""
    found, line = {}, 1
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter=";", skipinitialspace=True)
        for cells in reader:
            found[line], line = cells, reader.line_num + 1
    return found


def test_rows_with_a_phone_number_and_no_email_address_are_leads(migration: Migration) -> None:
    by_phone = [lead["phone"] for lead in migration.leads if lead["email"] is None]
    assert sorted(by_phone) == ["+12015550123", "+306912345678", "+48512345678", "+4915123456789", "+819012345678"]


def test_a_second_import_creates_nothing(migration: Migration) -> None:
    assert counts(migration.again) == counted(duplicates=ALL["created"] + ALL["duplicates"], refused=ALL["refused"])


def test_the_corrected_file_of_refused_rows_can_be_imported(migration: Migration) -> None:
    assert counts(migration.corrected) == counted(created=EXPECTED["refused"])
    corrected = [lead for lead in migration.leads if (lead["email"] or "").startswith("corrected-")]
    assert len(corrected) == EXPECTED["refused"]
    assert all(lead["attributes"].keys() <= {"company"} for lead in corrected)


def test_the_only_status_in_a_file_is_counted_in_the_singular(migration: Migration) -> None:
    assert "1 lead has its status from the file.\n" in migration.past.out


def test_the_export_has_every_lead(migration: Migration) -> None:
    assert len(migration.leads) == EXPECTED["created"] + EXPECTED["refused"] + 1


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_an_export_imports_as_the_same_leads_elsewhere(suffix: str, migration: Migration, site: Site) -> None:
    shutil.copy(migration.folder / f"leads.{suffix}", site.folder)
    assert counts(site.leads("import", f"leads.{suffix}").expect(0)) == counted(created=len(migration.leads))
    here, there = stored(migration.leads), stored(leads(site.leads("export", "--format", "ndjson").expect(0).out))
    assert here == there
    assert here[WITH_HISTORY["email"]] == {
        field: value for field, value in WITH_HISTORY.items() if field not in ASSIGNED_BY_IMPORT
    }


def leads(ndjson: str) -> list[dict[str, Any]]:
    """Return the leads in an export."""
    return [json.loads(line) for line in io.StringIO(ndjson)]


def stored(leads: list[dict[str, Any]]) -> dict[object, dict[str, Any]]:
    """Return the fields that an import preserves, by e-mail address, or by phone number without one."""
    return {
        lead["email"] or lead["phone"]: {field: lead[field] for field in lead if field not in ASSIGNED_BY_IMPORT}
        for lead in leads
    }


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_a_spreadsheet_is_imported_and_its_refused_rows_are_written_as_csv(suffix: str, site: Site) -> None:
    shutil.copy(DATA / "spreadsheets" / f"leads.{suffix}", site.folder / f"people.{suffix}")
    strict = site.leads("import", f"people.{suffix}", "--map", "Score=phone").expect(1)
    assert counts(strict) == counted(refused=2)
    refused = records(site.folder / "people.refused.csv")
    assert [(row["line"], row["E-Mail"]) for row in refused] == [("2", "ada@example.com"), ("3", "bo@example.com")]

    done = site.leads("import", f"people.{suffix}", "--map", "Score=phone", "--lenient").expect(0)
    assert counts(done) == counted(created=2)
    assert "2 values were kept as an attribute, or left out.\n" in done.out
    exported = leads(site.leads("export", "--format", "ndjson").expect(0).out)
    assert [lead["attributes"]["phone_as_given"] for lead in exported] == ["0.3", "12.5"]


def test_a_sheet_is_chosen_by_its_name(site: Site) -> None:
    shutil.copy(DATA / "spreadsheets" / "leads.xlsx", site.folder)
    assert counts(site.leads("import", "leads.xlsx", "--sheet", "Other").expect(0)) == counted(created=1)
    failed = site.leads("import", "leads.xlsx", "--sheet", "Nope").expect(1)
    assert 'There is no sheet "Nope"' in failed.err
