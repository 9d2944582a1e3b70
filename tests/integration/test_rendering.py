"""What SQLite renders is what the service renders itself."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from builders import an_email, an_id
from databases import sqlite_database
from leads_adapters.http.leads import rendered_leads
from leads_adapters.sql.rendering import rendered_by_sqlite
from leads_domain.lead import Lead
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
def test_both_ways_to_render_a_page_give_the_same_json(several: list[Lead], sort: LeadSort) -> None:
    with TemporaryDirectory() as folder, sqlite_database(Path(folder)) as database:
        database.write(keep, several)
        query = LeadQuery(sort=sort, limit=3)
        fast, slow = database.read(rendered_by_sqlite, query), database.read(rendered_leads, query)
    assert fast.next == slow.next
    assert len(fast.items) == min(len(several), 3)
    for one, other in zip(fast.items, slow.items, strict=True):
        assert list(json.loads(one).items()) == list(json.loads(other).items())
        assert repr(json.loads(one)) == repr(json.loads(other))  # 1 is not 1.0 and not true
