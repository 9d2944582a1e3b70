"""Test that the exports of other programs are imported as they come.

The files have the documented headers of these programs, and invented people. The expected leads are written by hand.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from rest import Api, Service

EXPORTS = sorted((Path(__file__).parents[1] / "data" / "exports").glob("*.csv"))
MEMBERS = ("name", "email", "phone", "status", "source", "owner", "attributes")


@pytest.fixture
def admin(service: Service) -> Api:
    return service.client("admin")


def send(api: Api, file: Path, query: str = "") -> dict[str, Any]:
    """Import a file and return the summary."""
    headers = {"content-type": "text/csv"}
    summary: dict[str, Any] = (
        api.request("POST", f"/leads/import{query}", file.read_bytes(), headers=headers).expect(200).json
    )
    return summary


def leads(api: Api) -> list[dict[str, Any]]:
    """Return what an import stores of each lead."""
    found = api.get("/leads?sort=created_at").json["items"]
    return [{name: lead[name] for name in (*MEMBERS, *["do_not_contact"] * lead["do_not_contact"])} for lead in found]


def test_there_is_an_export_of_each_program() -> None:
    assert len(EXPORTS) == 10


@pytest.mark.parametrize("file", EXPORTS, ids=lambda file: file.stem)
def test_every_person_in_an_export_becomes_a_lead_and_a_second_import_changes_nothing(admin: Api, file: Path) -> None:
    expected = json.loads(file.with_suffix(".expected.json").read_text("utf-8"))

    dry_run = send(admin, file, "?dry_run=true")
    assert leads(admin) == []
    imported = send(admin, file)
    assert imported == dry_run
    assert {name: value for name, value in imported.items() if value and name in expected["summary"]} == {
        name: value for name, value in expected["summary"].items() if value
    }
    assert imported["errors"] == expected["refused"]
    assert leads(admin) == expected["leads"]

    again = send(admin, file, "?on_duplicate=update")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, len(expected["leads"]))
    assert leads(admin) == expected["leads"]
