"""Somebody brings the spreadsheet that they have kept for years."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.service import Finished, Site

DATA = Path(__file__).parents[1] / "data"
MESSY = "leads-messy.csv"
REFUSED = "leads-messy.refused.csv"
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


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Finished]:
    """A site where the spreadsheet has been imported, and what was said. It is only looked at."""
    site = Site(tmp_path_factory.mktemp("imported"))
    shutil.copy(DATA / MESSY, site.folder)
    return site, site.leads("import", MESSY).expect(0)


@pytest.fixture
def office(imported: tuple[Site, Finished], site: Site) -> Site:
    """A copy of that site."""
    shutil.copytree(imported[0].folder, site.folder, dirs_exist_ok=True)
    return site


@pytest.fixture(scope="module")
def moving(imported: tuple[Site, Finished], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Another copy, whose leads are to move; one of them has been through a lot."""
    site = Site(tmp_path_factory.mktemp("moving"))
    shutil.copytree(imported[0].folder, site.folder, dirs_exist_ok=True)
    site.write("past.ndjson", json.dumps(WITH_A_PAST))
    site.leads("import", "past.ndjson").expect(0)
    return site


def counts(finished: Finished) -> dict[str, int]:
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


def test_the_summary_counts_what_became_of_every_row(imported: tuple[Site, Finished]) -> None:
    assert counts(imported[1]) == ALL
    assert sum(ALL.values()) == EXPECTED["rows"]
    assert REFUSED in imported[1].out


def test_refused_rows_are_kept_with_line_and_reason(imported: tuple[Site, Finished]) -> None:
    refused = records(imported[0].folder / REFUSED)
    assert len(refused) == EXPECTED["refused"] == 186
    lines = [int(row["line"]) for row in refused]
    assert lines == sorted(set(lines))
    assert all(row["reason"].strip() for row in refused)
    original = by_line(DATA / MESSY)
    for row in refused:
        cells = [cell.removeprefix("'") for cell in list(row.values())[2:]]
        assert cells == [cell.removeprefix("'") for cell in original[int(row["line"])]]


def by_line(path: Path) -> dict[int, list[str]]:
    """The rows of the spreadsheet by the line on which each starts."""
    found, line = {}, 1
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter=";", skipinitialspace=True)
        for cells in reader:
            found[line], line = cells, reader.line_num + 1
    return found


def test_a_dry_run_counts_the_same_and_keeps_nothing(site: Site) -> None:
    shutil.copy(DATA / MESSY, site.folder)
    rehearsed = site.leads("import", MESSY, "--dry-run").expect(0)
    assert counts(rehearsed) == ALL
    assert len(site.leads("export").expect(0).out.splitlines()) == 1


def test_a_second_import_creates_nothing(office: Site) -> None:
    again = office.leads("import", MESSY).expect(0)
    assert counts(again) == counted(duplicates=ALL["created"] + ALL["duplicates"], refused=ALL["refused"])
    assert len(leads(office)) == ALL["created"]


def test_the_corrected_file_of_refused_rows_can_be_imported(office: Site) -> None:
    rows = records(office.folder / REFUSED)
    for number, row in enumerate(rows):
        row |= {"name": "Ann Example", "email": f"corrected-{number}@example.com", "phone": ""}
    with (office.folder / REFUSED).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    corrected = office.leads("import", REFUSED).expect(0)
    assert counts(corrected) == counted(created=EXPECTED["refused"])
    lead = next(lead for lead in leads(office) if "corrected-0@" in lead["email"])
    assert lead["attributes"].keys() <= {"company"}


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_an_export_gives_the_same_leads_wherever_it_is_imported(suffix: str, moving: Site, site: Site) -> None:
    moving.leads("export", f"leads.{suffix}").expect(0)
    shutil.copy(moving.folder / f"leads.{suffix}", site.folder)
    assert counts(site.leads("import", f"leads.{suffix}").expect(0)) == counted(created=ALL["created"] + 1)
    here, there = kept(moving), kept(site)
    assert here == there
    assert here[WITH_A_PAST["email"]] == {
        member: value for member, value in WITH_A_PAST.items() if member not in GIVEN_ANEW
    }


def leads(site: Site) -> list[dict[str, Any]]:
    """All leads, exported."""
    exported = site.leads("export", "--format", "ndjson").expect(0)
    return [json.loads(line) for line in io.StringIO(exported.out)]


def kept(site: Site) -> dict[object, dict[str, Any]]:
    """By address, what should be the same wherever a lead is kept."""
    found = leads(site)
    by_email = {
        lead["email"]: {member: value for member, value in lead.items() if member not in GIVEN_ANEW} for lead in found
    }
    assert len(by_email) == len(found)
    return by_email
