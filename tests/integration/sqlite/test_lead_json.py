"""Test that SQLite and Python write identical JSON pages of leads."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_lead, an_email, an_id
from databases import sqlite_database
from leads_adapters import lead_json
from leads_adapters.sql.sqlite.lead_json import read_json_page
from leads_domain.lead import VISIBLE_FIELDS, Lead, LeadId
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.ports import UnitOfWork
from strategies import leads


def store(work: UnitOfWork, several: list[Lead]) -> None:
    for lead in several:
        work.leads.add(lead)


def numbered(several: list[Lead]) -> list[Lead]:
    """Return the leads with unique ids and e-mail addresses."""
    return [replace(lead, id=LeadId(an_id(n)), email=an_email(f"{n}@x.org")) for n, lead in enumerate(several)]


@given(several=st.lists(leads(), max_size=4).map(numbered), sort=st.sampled_from(LeadSort))
def test_sqlite_writes_the_same_bytes_as_python(several: list[Lead], sort: LeadSort) -> None:
    with TemporaryDirectory() as folder, sqlite_database(Path(folder)) as database:
        database.write(store, several)
        query = LeadQuery(sort=sort, limit=3)
        page = database.read(read_json_page, query)
        assert page == database.read(lead_json.read_json_page, query)
    assert len(page.items) == min(len(several), 3)
    assert all(tuple(json.loads(each)) == VISIBLE_FIELDS for each in page.items)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("sort", LeadSort)
@pytest.mark.parametrize("statuses", [(), ("new",), ("new", "lost")])
def test_pages_from_sqlite_and_python_are_equal(
    tmp_path: Path, limit: int, sort: LeadSort, statuses: tuple[str, ...]
) -> None:
    with sqlite_database(tmp_path) as database:
        database.write(store, numbered([a_lead(status=status) for status in ("new", "lost", "won", "new", "new")]))
        query, seen, more = LeadQuery(statuses=statuses, sort=sort, limit=limit), 0, True
        while more:
            page = database.read(read_json_page, query)
            assert page == database.read(lead_json.read_json_page, query)
            seen += len(page.items)
            query, more = replace(query, after=page.next), page.next is not None
    assert seen == {(): 5, ("new",): 3, ("new", "lost"): 4}[statuses]
