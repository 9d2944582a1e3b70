"""Somebody brings the spreadsheet that they have kept for years."""

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
GIVEN_ANEW = ("id", "updated_at", "version", "next_follow_up_at")
"""What an import does not take over."""

WITH_A_PAST = {
    "id": "01900000-0000-7000-8000-000000000001",
    "name": "=HYPERLINK(1)",
    "email": "jörg@müller-example.de",
    "phone": "+493012345678",
    "status": "lost",
    "status_reason": "-too dear, said 'Jörg';\n\"no\" 🙂",
    "source": "@fair",
    "owner": "sales@example.com",
    "attributes": {"company": "ACME", "size": 5, "ratio": 0.5, "vip": True, "note": None, "zip": "01067", "email": "x"},
    "created_at": "2019-12-31T23:59:59.999999Z",
    "updated_at": "2020-02-29T12:00:00.000000Z",
    "contacted_at": "2020-01-01T00:00:00.000000Z",
    "next_follow_up_at": None,
    "version": 7,
}


@dataclass(frozen=True)
class Move:
    """What was said, in the order of the commands, and the folder with the files."""

    folder: Path
    dry_run: CommandResult
    imported: CommandResult
    again: CommandResult
    corrected: CommandResult
    past: CommandResult
    leads: list[dict[str, Any]]


@pytest.fixture(scope="module")
def move(tmp_path_factory: pytest.TempPathFactory) -> Move:
    """The spreadsheet is tried, imported, by mistake imported again, and corrected."""
    site = Site(tmp_path_factory.mktemp("office"))
    shutil.copy(DATA / MESSY, site.folder)
    dry_run = site.leads("import", MESSY, "--dry-run").expect(0)
    imported = site.leads("import", MESSY).expect(0)
    again = site.leads("import", MESSY).expect(0)
    correct(site.folder / REFUSED, site.folder / CORRECTED)
    corrected = site.leads("import", CORRECTED).expect(0)
    site.write("past.ndjson", json.dumps(WITH_A_PAST))
    past = site.leads("import", "past.ndjson").expect(0)
    site.leads("export", "leads.csv").expect(0)
    site.leads("export", "leads.ndjson").expect(0)
    return Move(
        site.folder,
        dry_run,
        imported,
        again,
        corrected,
        past,
        leads((site.folder / "leads.ndjson").read_text("utf-8")),
    )


def correct(refused: Path, corrected: Path) -> None:
    """Do what a person does who goes through the refused rows."""
    rows = records(refused)
    for number, row in enumerate(rows):
        row |= {"name": "Ann Example", "email": f"corrected-{number}@example.com", "phone": ""}
    with corrected.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def counts(finished: CommandResult) -> dict[str, int]:
    """The summary of an import."""
    lines = [line.split() for line in finished.out.splitlines()]
    return {line[0]: int(line[1]) for line in lines if len(line) == 2}


def counted(**rows: int) -> dict[str, int]:
    """The same as it should be; what is not named is 0."""
    return dict.fromkeys(("created", "updated", "unchanged", "duplicates", "refused"), 0) | rows


ALL = counted(**{outcome: EXPECTED[outcome] for outcome in ("created", "duplicates", "refused")})


def records(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_dry_run_counts_what_would_become_of_every_row(move: Move) -> None:
    assert counts(move.dry_run) == ALL
    assert "nothing was stored" in move.dry_run.out


def test_after_the_dry_run_every_row_is_as_new_as_it_was(move: Move) -> None:
    assert counts(move.imported) == ALL
    assert sum(ALL.values()) == EXPECTED["rows"]
    assert REFUSED in move.imported.out


def test_refused_rows_are_kept_with_line_and_reason(move: Move) -> None:
    refused = records(move.folder / REFUSED)
    assert len(refused) == EXPECTED["refused"] == 186
    lines = [int(row["line"]) for row in refused]
    assert lines == sorted(set(lines))
    assert all(row["reason"].strip() for row in refused)
    original = by_line(DATA / MESSY)
    for row in refused:
        cells = [cell.removeprefix("'") for cell in list(row.values())[2:]]
        assert cells == original[int(row["line"])]


def by_line(path: Path) -> dict[int, list[str]]:
    """The rows of the spreadsheet by the line on which each starts."""
    found, line = {}, 1
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter=";", skipinitialspace=True)
        for cells in reader:
            found[line], line = cells, reader.line_num + 1
    return found


def test_a_second_import_creates_nothing(move: Move) -> None:
    assert counts(move.again) == counted(duplicates=ALL["created"] + ALL["duplicates"], refused=ALL["refused"])


def test_the_corrected_file_of_refused_rows_can_be_imported(move: Move) -> None:
    assert counts(move.corrected) == counted(created=EXPECTED["refused"])
    corrected = [lead for lead in move.leads if lead["email"].startswith("corrected-")]
    assert len(corrected) == EXPECTED["refused"]
    assert all(lead["attributes"].keys() <= {"company"} for lead in corrected)


def test_the_only_status_in_a_file_is_counted_in_the_singular(move: Move) -> None:
    assert "1 lead has its status from the file.\n" in move.past.out


def test_the_export_has_every_lead(move: Move) -> None:
    assert len(move.leads) == EXPECTED["created"] + EXPECTED["refused"] + 1


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_an_export_gives_the_same_leads_wherever_it_is_imported(suffix: str, move: Move, site: Site) -> None:
    shutil.copy(move.folder / f"leads.{suffix}", site.folder)
    assert counts(site.leads("import", f"leads.{suffix}").expect(0)) == counted(created=len(move.leads))
    here, there = kept(move.leads), kept(leads(site.leads("export", "--format", "ndjson").expect(0).out))
    assert here == there
    assert here[WITH_A_PAST["email"]] == {
        member: value for member, value in WITH_A_PAST.items() if member not in GIVEN_ANEW
    }


def leads(ndjson: str) -> list[dict[str, Any]]:
    """The leads in an export."""
    return [json.loads(line) for line in io.StringIO(ndjson)]


def kept(leads: list[dict[str, Any]]) -> dict[object, dict[str, Any]]:
    """By address, what should be the same wherever a lead is kept."""
    return {lead["email"]: {member: lead[member] for member in lead if member not in GIVEN_ANEW} for lead in leads}
