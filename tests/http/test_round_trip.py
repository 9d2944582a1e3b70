"""What is exported from one installation and imported into another is the same there, to the last character."""

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
from leads_domain.details import REASON_MAX, SOURCE_MAX
from leads_domain.events import rfc3339
from rest import Api, Service, a_service
from strategies import trimmed_texts, utc_times
from unit.adapters.files.troublesome import scalars, texts

CSV = "text/csv"
NDJSON = "application/x-ndjson"
GIVEN_ANEW = ("id", "updated_at", "next_follow_up_at", "version")
"""What an import does not take over."""


class Pair(NamedTuple):
    """Two installations, and an administrator of each."""

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


def storable(text: str) -> str:
    """A text without the one character that no database keeps."""
    return text.replace("\0", "\ufeff")


def hard_texts(most: int) -> SearchStrategy[str]:
    """Text that is hard on files, as it is kept."""
    return texts().map(storable).map(str.strip).filter(bool) | trimmed_texts(most)


@st.composite
def lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Leads with a past, as an export tells them."""
    number = draw(st.integers(0, 5))
    return [
        {
            **dict.fromkeys(FIELDS),
            "name": draw(hard_texts(200)),
            "email": draw(st.sampled_from(["+", "=cmd", "-", "ö", "'", "a"])) + f"{at}@Example.com",
            "phone": draw(st.sampled_from([None, "+4915123456789", "+12025550123;ext=12"])),
            "status": draw(st.sampled_from(["new", "contacted", "qualified", "converted", "lost"])),
            "status_reason": draw(st.none() | hard_texts(REASON_MAX)),
            "source": draw(st.none() | hard_texts(SOURCE_MAX)),
            "owner": draw(st.sampled_from([None, "sales@example.com", "=x@example.com"])),
            "attributes": {
                storable(name): storable(value) if isinstance(value, str) else value
                for name, value in draw(st.dictionaries(texts().filter(bool), scalars(), max_size=4)).items()
            },
            "created_at": rfc3339(draw(utc_times())),
            "contacted_at": draw(st.none() | utc_times().map(rfc3339)),
        }
        for at in range(number)
    ]


def take_in(api: Api, body: bytes, media_type: str, number: int) -> None:
    told = api.request("POST", "/leads/import", body, headers={"content-type": media_type}).expect(200).json
    expected = {"created": number, "statuses_set": number} if number else {}
    assert {name: value for name, value in told.items() if value} == expected


def hand_out(api: Api, media_type: str) -> bytes:
    return api.get("/leads/export", accept=media_type).expect(200).body


def taken_over(body: bytes, media_type: str) -> list[str]:
    """What is said of each lead, without what is given anew: as text, for 1, 1.0 and true are equal to Python."""
    if media_type == NDJSON:
        rows = [json.loads(line) for line in body.decode().split("\n") if line]
    else:
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    return sorted(json.dumps({name: row[name] for name in row if name not in GIVEN_ANEW}) for row in rows)


@pytest.mark.parametrize("media_type", [CSV, NDJSON])
@given(told=lines())
def test_an_import_of_an_export_gives_the_same_leads(pair: Pair, media_type: str, told: list[dict[str, Any]]) -> None:
    pair.empty()
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in told).encode()
    take_in(pair.one, body, NDJSON, len(told))
    exported = hand_out(pair.one, media_type)
    take_in(pair.other, exported, media_type, len(told))

    for each in (CSV, NDJSON):
        assert taken_over(hand_out(pair.other, each), each) == taken_over(hand_out(pair.one, each), each)
    there = taken_over(hand_out(pair.other, NDJSON), NDJSON)
    assert there == sorted(json.dumps({name: line[name] for name in line if name not in GIVEN_ANEW}) for line in told)


@pytest.mark.parametrize("media_type", [CSV, NDJSON])
@given(told=lines())
def test_an_export_that_comes_back_changes_nothing(pair: Pair, media_type: str, told: list[dict[str, Any]]) -> None:
    pair.empty()
    body = "".join(json.dumps(line) + "\n" for line in told).encode()
    take_in(pair.one, body, NDJSON, len(told))
    exported = hand_out(pair.one, media_type)
    headers = {"content-type": media_type}
    again = pair.one.request("POST", "/leads/import?on_duplicate=update", exported, headers=headers).expect(200).json

    assert (again["unchanged"], again["refused"]) == (len(told), 0)
    assert hand_out(pair.one, media_type) == exported


_TOLD_APART = {"contacted_at", "next_follow_up_at", "version", "attributes"}
"""Beside one of these, a column "Status Reason" comes from an export."""


@st.composite
def edits(draw: st.DrawFn, exported: bytes) -> tuple[bytes, set[str]]:
    """Remove, add, reorder and rename columns as people do in a spreadsheet; return the members that are kept, too."""
    rows = list(csv.DictReader(io.StringIO(exported.decode(), newline="")))
    removed = draw(st.sets(st.sampled_from([member for member in FIELDS if member not in ("name", "email")])))
    kept = [member for member in FIELDS if member not in removed]
    added = draw(st.sets(st.sampled_from(["Shoe size", "Full Name", "E-Mail Address", "Created On"])))
    order = draw(st.permutations([*kept, *added]))
    case = draw(st.sampled_from([str.lower, str.upper, str.title, str.swapcase]))
    separator = draw(st.sampled_from("_ -")) if _TOLD_APART & set(kept) else "_"
    saved = io.StringIO()
    sheet = csv.writer(saved, delimiter=draw(st.sampled_from(",;\t")))
    sheet.writerow([case(name).replace("_", separator) if name in kept else name for name in order])
    sheet.writerows([row.get(name, ADDED) for name in order] for row in rows)
    return saved.getvalue().encode(), set(kept)


@given(told=lines(), data=st.data())
def test_an_export_that_was_edited_changes_nothing_but_what_was_added(
    pair: Pair, told: list[dict[str, Any]], data: st.DataObject
) -> None:
    pair.empty()
    take_in(pair.one, "".join(json.dumps(line) + "\n" for line in told).encode(), NDJSON, len(told))
    before = by_email(hand_out(pair.one, NDJSON))
    body, kept = data.draw(edits(hand_out(pair.one, CSV)))
    headers = {"content-type": CSV}
    pair.one.request("POST", "/leads/import?on_duplicate=update", body, headers=headers).expect(200)
    pair.other.request("POST", "/leads/import", body, headers=headers).expect(200)
    after, created = by_email(hand_out(pair.one, NDJSON)), by_email(hand_out(pair.other, NDJSON))

    assert json.dumps(after) == json.dumps(before)
    assert created.keys() == before.keys()
    for email, lead in before.items():
        assert_taken_over(lead, created[email], kept)


ADDED = "added in a spreadsheet"


def by_email(body: bytes) -> dict[str, dict[str, Any]]:
    """Return leads without added attributes, and without what every change changes."""
    leads = [json.loads(line) for line in body.decode().split("\n")[:-1]]
    for lead in leads:
        lead["attributes"] = {name: value for name, value in lead["attributes"].items() if value != ADDED}
        del lead["updated_at"], lead["version"]
    return {lead["email"]: lead for lead in leads}


def assert_taken_over(lead: dict[str, Any], created: dict[str, Any], kept: set[str]) -> None:
    """Check that a lead has all that the kept columns have, and no more."""
    for member in kept & {"name", "phone", "source", "owner", "created_at", "contacted_at"}:
        assert created[member] == lead[member]
    assert created["status"] == (lead["status"] if "status" in kept else "new")
    assert created["status_reason"] == (lead["status_reason"] if kept >= {"status", "status_reason"} else None)
    assert json.dumps(created["attributes"]) == (json.dumps(lead["attributes"]) if "attributes" in kept else "{}")
