"""Test that an export imported into another installation gives identical leads."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from sqlalchemy import delete

from databases import database_url
from leads_adapters.files.lead_fields import FIELDS
from leads_adapters.sql.tables import leads, timeline
from leads_domain.control_characters import on_one_line, remove_controls
from leads_domain.details import REASON_MAX, SOURCE_MAX
from leads_domain.events import rfc3339
from rest import Api, Service, a_service
from strategies import trimmed_texts, utc_times
from unit.adapters.files.special_texts import scalars, texts

CSV = "text/csv"
NDJSON = "application/x-ndjson"
NOT_IMPORTED = ("id", "updated_at", "next_follow_up_at", "version")
"""Fields that an import does not take over."""


class Pair(NamedTuple):
    """Two installations, with an administrator of each."""

    services: tuple[Service, Service]
    one: Api
    other: Api

    def empty(self) -> None:
        for service in self.services:
            with service.container.engine().begin() as connection:
                connection.execute(delete(timeline))
                connection.execute(delete(leads))


@pytest.fixture(scope="module")
def pair(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as running:

        def start(name: str) -> Service:
            folder = tmp_path_factory.mktemp(name)
            return running.enter_context(a_service(running.enter_context(database_url(store, folder))))

        one, other = start("one"), start("other")
        yield Pair((one, other), one.client("admin"), other.client("admin"))


def hard_texts(most: int) -> SearchStrategy[str]:
    """Draw text of several lines with characters that are difficult in files."""
    return texts().map(remove_controls).map(str.strip).filter(bool) | trimmed_texts(most)


def hard_lines(most: int) -> SearchStrategy[str]:
    """Draw text of one line with characters that are difficult in files."""
    return hard_texts(most).map(on_one_line).map(str.strip).filter(bool)


def contacts(number: int) -> SearchStrategy[dict[str, str | None]]:
    """Draw an e-mail address, a phone number or both, with an identity of this number."""
    emails = st.sampled_from(["+", "=cmd", "-", "ö", "'", "a"]).map(lambda local: f"{local}{number}@Example.com")
    phones = st.sampled_from([None, "+4915123456789", "+12025550123;ext=12"])
    by_email: SearchStrategy[dict[str, str | None]] = st.fixed_dictionaries({"email": emails, "phone": phones})
    return by_email | st.just({"email": None, "phone": f"+4915123456{number:03};ext=12"})


@st.composite
def lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Leads with a status and times, as an export has them."""
    number = draw(st.integers(0, 5))
    return [
        {
            **dict.fromkeys(FIELDS),
            "name": draw(hard_lines(200)),
            **draw(contacts(at)),
            "status": draw(st.sampled_from(["new", "contacted", "qualified", "converted", "lost"])),
            "status_reason": draw(st.none() | hard_texts(REASON_MAX)),
            "source": draw(st.none() | hard_lines(SOURCE_MAX)),
            "owner": draw(st.sampled_from([None, "sales@example.com", "=x@example.com"])),
            "do_not_contact": draw(st.booleans()),
            "attributes": {
                name: remove_controls(value) if isinstance(value, str) else value
                for name, value in draw(st.dictionaries(hard_lines(64), scalars(), max_size=4)).items()
            },
            "created_at": rfc3339(draw(utc_times())),
            "contacted_at": draw(st.none() | utc_times().map(rfc3339)),
        }
        for at in range(number)
    ]


def import_file(api: Api, body: bytes, media_type: str, number: int) -> None:
    summary = api.request("POST", "/leads/import", body, headers={"content-type": media_type}).expect(200).json
    expected = {"created": number, "statuses_set": number} if number else {}
    understood = ("encoding", "columns")
    assert {name: value for name, value in summary.items() if value and name not in understood} == expected


def export_file(api: Api, media_type: str) -> bytes:
    return api.get("/leads/export", accept=media_type).expect(200).body


def comparable(body: bytes, media_type: str) -> list[str]:
    """Return each lead as JSON text without `NOT_IMPORTED`: as text, because 1, 1.0 and True are equal in Python."""
    if media_type == NDJSON:
        rows = [json.loads(line) for line in body.decode().split("\n") if line]
    else:
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    return sorted(json.dumps({name: row[name] for name in row if name not in NOT_IMPORTED}) for row in rows)


@pytest.mark.parametrize("media_type", [CSV, NDJSON])
@given(leads=lines())
def test_importing_an_export_gives_the_same_leads(pair: Pair, media_type: str, leads: list[dict[str, Any]]) -> None:
    pair.empty()
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in leads).encode()
    import_file(pair.one, body, NDJSON, len(leads))
    exported = export_file(pair.one, media_type)
    import_file(pair.other, exported, media_type, len(leads))

    for each in (CSV, NDJSON):
        assert comparable(export_file(pair.other, each), each) == comparable(export_file(pair.one, each), each)
    imported = comparable(export_file(pair.other, NDJSON), NDJSON)
    assert imported == sorted(
        json.dumps({name: line[name] for name in line if name not in NOT_IMPORTED}) for line in leads
    )


@pytest.mark.parametrize("media_type", [CSV, NDJSON])
@given(leads=lines())
def test_reimporting_an_export_has_no_effect(pair: Pair, media_type: str, leads: list[dict[str, Any]]) -> None:
    pair.empty()
    body = "".join(json.dumps(line) + "\n" for line in leads).encode()
    import_file(pair.one, body, NDJSON, len(leads))
    exported = export_file(pair.one, media_type)
    headers = {"content-type": media_type}
    again = pair.one.request("POST", "/leads/import?on_duplicate=update", exported, headers=headers).expect(200).json

    assert (again["unchanged"], again["refused"]) == (len(leads), 0)
    assert export_file(pair.one, media_type) == exported


_SEPARATE = {"contacted_at", "next_follow_up_at", "version", "attributes"}
"""Columns that distinguish an export: with one of them, a column "Status Reason" is the field."""


@st.composite
def edits(draw: st.DrawFn, exported: bytes) -> tuple[bytes, set[str]]:
    """Remove, add, reorder and rename columns as users do; return the file and the remaining columns."""
    rows = list(csv.DictReader(io.StringIO(exported.decode(), newline="")))
    removed = draw(st.sets(st.sampled_from([member for member in FIELDS if member not in ("name", "email", "phone")])))
    kept_columns = [member for member in FIELDS if member not in removed]
    added = draw(st.sets(st.sampled_from(["Shoe size", "Full Name", "Company Phone", "Created On"])))
    order = draw(st.permutations([*kept_columns, *added]))
    case = draw(st.sampled_from([str.lower, str.upper, str.title, str.swapcase]))
    separator = draw(st.sampled_from("_ -")) if _SEPARATE & set(kept_columns) else "_"
    saved = io.StringIO()
    sheet = csv.writer(saved, delimiter=draw(st.sampled_from(",;\t")))
    sheet.writerow([case(name).replace("_", separator) if name in kept_columns else name for name in order])
    sheet.writerows([row.get(name, ADDED) for name in order] for row in rows)
    return saved.getvalue().encode(), set(kept_columns)


@given(leads=lines(), data=st.data())
def test_reimporting_an_edited_export_adds_only_the_new_columns(
    pair: Pair, leads: list[dict[str, Any]], data: st.DataObject
) -> None:
    pair.empty()
    import_file(pair.one, "".join(json.dumps(line) + "\n" for line in leads).encode(), NDJSON, len(leads))
    before = by_identity(export_file(pair.one, NDJSON))
    body, kept_columns = data.draw(edits(export_file(pair.one, CSV)))
    headers = {"content-type": CSV}
    pair.one.request("POST", "/leads/import?on_duplicate=update", body, headers=headers).expect(200)
    pair.other.request("POST", "/leads/import", body, headers=headers).expect(200)
    after, created = by_identity(export_file(pair.one, NDJSON)), by_identity(export_file(pair.other, NDJSON))

    assert json.dumps(after) == json.dumps(before)
    assert created.keys() == before.keys()
    for identity, lead in before.items():
        assert_taken_over(lead, created[identity], kept_columns)


ADDED = "added in a spreadsheet"


def by_identity(body: bytes) -> dict[str, dict[str, Any]]:
    """Return leads by e-mail address or else phone number, without added attributes, `updated_at` and `version`."""
    leads = [json.loads(line) for line in body.decode().split("\n")[:-1]]
    for lead in leads:
        lead["attributes"] = {name: value for name, value in lead["attributes"].items() if value != ADDED}
        del lead["updated_at"], lead["version"]
    return {lead["email"] or lead["phone"]: lead for lead in leads}


def assert_taken_over(lead: dict[str, Any], created: dict[str, Any], kept_columns: set[str]) -> None:
    """Check that the new lead has exactly the values of the remaining columns."""
    for member in kept_columns & {"name", "phone", "source", "owner", "do_not_contact", "created_at", "contacted_at"}:
        assert created[member] == lead[member]
    assert created["status"] == (lead["status"] if "status" in kept_columns else "new")
    assert created["status_reason"] == (lead["status_reason"] if kept_columns >= {"status", "status_reason"} else None)
    assert json.dumps(created["attributes"]) == (
        json.dumps(lead["attributes"]) if "attributes" in kept_columns else "{}"
    )
