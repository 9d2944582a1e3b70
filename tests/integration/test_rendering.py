"""What SQLite renders is what the service renders itself."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_lead, an_email, an_id
from databases import sqlite_database
from leads_adapters.http.leads import rendered_lead, rendered_leads
from leads_adapters.sql.rendering import lead_from_sqlite, leads_from_sqlite
from leads_domain.errors import NotFound
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.ports import UnitOfWork
from strategies import leads


def keep(work: UnitOfWork, several: list[Lead]) -> None:
    for lead in several:
        work.leads.add(lead)


def numbered(several: list[Lead]) -> list[Lead]:
    """The same leads, each with an id and an address of its own."""
    return [
        Lead(
            **{
                **{name: getattr(lead, name) for name in Lead.__slots__},
                "id": an_id(n),
                "email": an_email(f"{n}@x.org"),
            }
        )
        for n, lead in enumerate(several)
    ]


@given(several=st.lists(leads(), max_size=4).map(numbered), sort=st.sampled_from(LeadSort))
def test_both_ways_to_render_leads_give_the_same_bytes(several: list[Lead], sort: LeadSort) -> None:
    with TemporaryDirectory() as folder, sqlite_database(Path(folder)) as database:
        database.write(keep, several)
        query = LeadQuery(sort=sort, limit=3)
        page = database.read(leads_from_sqlite, query)
        assert page == database.read(rendered_leads, query)
        for lead in several:
            assert database.read(lead_from_sqlite, lead.id) == database.read(rendered_lead, lead.id)
    assert len(json.loads(f"[{page[0]}]")) == min(len(several), 3)


@given(lead=leads(), changed=leads())
def test_a_lead_that_is_changed_is_rendered_as_it_is_now(lead: Lead, changed: Lead) -> None:
    with TemporaryDirectory() as folder, sqlite_database(Path(folder)) as database:
        database.write(keep, [lead])
        database.write(lambda work: work.leads.save(replace(changed, id=lead.id)))
        rendered, version = database.read(lead_from_sqlite, lead.id)
        assert (rendered, version) == database.read(rendered_lead, lead.id)
    assert (json.loads(rendered)["name"], version) == (changed.name, changed.version)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("sort", LeadSort)
@pytest.mark.parametrize("statuses", [(), ("new",), ("new", "lost")])
def test_both_ways_to_render_pages_go_through_all_leads_alike(
    tmp_path: Path, limit: int, sort: LeadSort, statuses: tuple[str, ...]
) -> None:
    with sqlite_database(tmp_path) as database:
        database.write(keep, numbered([a_lead(status=status) for status in ("new", "lost", "won", "new", "new")]))
        query, seen, more = LeadQuery(statuses=statuses, sort=sort, limit=limit), 0, True
        while more:
            lines, following = database.read(leads_from_sqlite, query)
            assert (lines, following) == database.read(rendered_leads, query)
            seen += len(json.loads(f"[{lines}]"))
            query, more = replace(query, after=following), following is not None
    assert seen == {(): 5, ("new",): 3, ("new", "lost"): 4}[statuses]


@pytest.mark.parametrize("render", [lead_from_sqlite, rendered_lead])
def test_a_lead_that_is_not_there_is_not_found(
    tmp_path: Path, render: Callable[[UnitOfWork, LeadId], tuple[str, int]]
) -> None:
    with sqlite_database(tmp_path) as database, pytest.raises(NotFound):
        database.read(render, LeadId(an_id(1)))
