"""What SQLite renders is what the service renders itself."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_lead, an_email, an_id
from databases import RunningDatabase, sqlite_database
from leads_adapters.http.rendering import RenderedByPython
from leads_adapters.sql.rendering import RenderedBySqlite
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


Renderings = tuple[RenderedBySqlite, RenderedByPython]


def both(database: RunningDatabase) -> Renderings:
    return RenderedBySqlite(database.database), RenderedByPython(database.database)


@given(several=st.lists(leads(), max_size=4).map(numbered), sort=st.sampled_from(LeadSort))
def test_both_ways_to_render_leads_give_the_same_bytes(several: list[Lead], sort: LeadSort) -> None:
    with TemporaryDirectory() as folder, sqlite_database(Path(folder)) as database:
        database.write(keep, several)
        by_sqlite, by_python = both(database)
        query = LeadQuery(sort=sort, limit=3)
        page = database.run(by_sqlite.page(query))
        assert page == database.run(by_python.page(query))
        for lead in several:
            assert database.run(by_sqlite.lead(lead.id)) == database.run(by_python.lead(lead.id))
    assert len(json.loads(page[0])) == min(len(several), 3)


@given(lead=leads(), changed=leads())
def test_a_lead_that_is_changed_is_rendered_as_it_is_now(lead: Lead, changed: Lead) -> None:
    with TemporaryDirectory() as folder, sqlite_database(Path(folder)) as database:
        database.write(keep, [lead])
        database.write(lambda work: work.leads.save(replace(changed, id=lead.id)))
        by_sqlite, by_python = both(database)
        rendered, version = database.run(by_sqlite.lead(lead.id))
        assert (rendered, version) == database.run(by_python.lead(lead.id))
    assert (json.loads(rendered)["name"], version) == (changed.name, changed.version)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("sort", LeadSort)
@pytest.mark.parametrize("statuses", [(), ("new",), ("new", "lost")])
def test_both_ways_to_render_pages_go_through_all_leads_alike(
    tmp_path: Path, limit: int, sort: LeadSort, statuses: tuple[str, ...]
) -> None:
    with sqlite_database(tmp_path) as database:
        database.write(keep, numbered([a_lead(status=status) for status in ("new", "lost", "won", "new", "new")]))
        by_sqlite, by_python = both(database)
        query, seen, more = LeadQuery(statuses=statuses, sort=sort, limit=limit), 0, True
        while more:
            items, following = database.run(by_sqlite.page(query))
            assert (items, following) == database.run(by_python.page(query))
            seen += len(json.loads(items))
            query, more = replace(query, after=following), following is not None
    assert seen == {(): 5, ("new",): 3, ("new", "lost"): 4}[statuses]


@pytest.mark.parametrize("way", [0, 1])
def test_a_lead_that_is_not_there_is_not_found(tmp_path: Path, way: int) -> None:
    with sqlite_database(tmp_path) as database, pytest.raises(NotFound):
        database.run(both(database)[way].lead(LeadId(an_id(1))))


def test_what_is_asked_at_the_same_time_gets_each_its_own_answer(tmp_path: Path) -> None:
    several = numbered([a_lead(name=f"Lead {number}\u2028\x85 {{ , }}") for number in range(5)])

    async def ask(rendering: RenderedBySqlite) -> list[object]:
        ids = [*(lead.id for lead in several), LeadId(an_id(9)), several[0].id]
        answers = asyncio.gather(*map(rendering.lead, ids), return_exceptions=True)
        pages = asyncio.gather(*(rendering.page(LeadQuery(limit=limit)) for limit in (1, 2, 2)))
        return [*(await answers), *(len(json.loads(items)) for items, _ in await pages)]

    with sqlite_database(tmp_path) as database:
        database.write(keep, several)
        *found, nobody, again, one, two, three = database.run(ask(both(database)[0]))
        assert found == [database.run(both(database)[1].lead(lead.id)) for lead in several]
    assert isinstance(nobody, NotFound)
    assert (again, one, two, three) == (found[0], 1, 2, 2)
