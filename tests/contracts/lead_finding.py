"""The contract of the `LeadStore` port for queries: all filters and sort orders."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from builders import NOON, a_lead, a_phone, an_email, an_id
from contracts.lead_store import add
from contracts.stores import ON_ONE_DATABASE, StoreContract, all_pages
from databases import RunningDatabase
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadPosition, LeadQuery, LeadSort, Page
from leads_domain.ports import UnitOfWork
from leads_domain.search import lead_words, name_key, query_words
from strategies import texts

NAMES = [
    "Zoë Strauß-Ångström",
    "ZOE STRAUSS",
    "José da Conceição",
    "Łukasz Øster",
    "İpek I\u015f\u0131k",
    "Ольга Ладыженская",
    "Αλέξανδρος Παπαδόπουλος",
    "مُحَمَّد بن موسى",
    "שָׁלוֹם עליכם",
    "田中太郎",
    "田中花子",
    "王小明",
    "株式会社ACME",
    "ﾔﾏﾀﾞ・タロウ",
    "김철수",
    "रामानुजन आयंगर",
    "สมชาย ใจดี",
    "\uff2a\uff4f\uff48\uff4e Doe",
    "John O'Neill, Jr. (42)",
    "👩🏽\u200d💻",
]
HOUR = timedelta(hours=1)
TIMES = [NOON + hour * HOUR for hour in range(4)]
PHONES = ["+4930123456", "+49123456789", "+491234", "+14155552671"]
# Search texts for each number: international form, national form and last digits, with any separators.
SEARCH_TEXTS = {
    "+4930123456": [
        "+49 30 123456",
        "+49 (0)30 123456",
        "+49 (30) 12-34",
        "0049 30 123456",
        "49 30 123456",
        "4930 12",
        "030 123456",
        "(030) 12 34 56",
        "030/12",
        "123456",
        "34 56",
        "456",
        "\uff10\uff13\uff10\u00a0\uff11\uff12\uff13\uff14\uff15\uff16",
    ],
    "+14155552671": ["(415) 555-2671", "415.555", "1-415-555-2671", "+1 415", "555-2671", "2671"],
}
OWNERS = ["ann@example.com", "bob@example.com"]
SOURCES = ["fair", "Fair", "website", "見本市", "50% off_now"]
STATUSES = ["new", "contacted", "lost"]
SYNTAX = ['"', "'", "*", "(", ")", ":", "&", "|", "!", "<->", "%", "_", "\\", "^", "-", "+", " OR ", " NOT ", " NEAR "]


class Rollback(Exception):
    """An error that rolls back a unit of work."""


def lead_lists() -> SearchStrategy[list[Lead]]:
    """Generate leads with many equal fields, but unique ids and e-mail addresses."""
    lead = st.builds(
        a_lead,
        name=st.sampled_from(NAMES) | texts(min_size=1),
        phone=st.none() | st.sampled_from(PHONES).map(a_phone),
        source=st.none() | st.sampled_from(SOURCES),
        owner=st.none() | st.sampled_from(OWNERS).map(an_email),
        status=st.sampled_from(STATUSES),
        do_not_contact=st.booleans(),
        created_at=st.sampled_from(TIMES),
        updated_at=st.sampled_from(TIMES),
        next_follow_up_at=st.none() | st.sampled_from(TIMES),
    )
    return st.lists(lead, max_size=20).map(lambda leads: [_unique(lead, number) for number, lead in enumerate(leads)])


def _unique(lead: Lead, number: int) -> Lead:
    host = ("example.com", "Beispiel.example", "münchen.example")[number % 3]
    return replace(lead, id=LeadId(an_id(number * 7 % 23 + 1)), email=an_email(f"{number}.Doe+{number}@{host}"))


@st.composite
def search_texts(draw: st.DrawFn) -> str:
    """Generate search texts: parts of the fields of these leads in several spellings."""
    values = [*NAMES, *SOURCES, "Doe", "example.com", *PHONES, *SEARCH_TEXTS["+4930123456"]]
    parts = draw(st.lists(st.sampled_from(values), max_size=3))
    text = ""
    for part in parts:
        start = draw(st.integers(min_value=0, max_value=len(part)))
        rewrites: list[Callable[[str], str]] = [str, str.upper, str.lower, _decomposed, _unaccented]
        rewrite = draw(st.sampled_from(rewrites))
        text += rewrite(part[start : draw(st.integers(min_value=start, max_value=len(part)))])
        text += draw(st.sampled_from([" ", "", *SYNTAX]))
    return text + draw(st.just("") | texts(max_size=3))


def _decomposed(text: str) -> str:
    return normalize("NFD", text)


def _unaccented(text: str) -> str:
    return text.translate(str.maketrans("ëéçãåö", "eecaao"))


def queries() -> SearchStrategy[LeadQuery]:
    """Generate queries with any filters and any sort order."""
    filters: dict[str, SearchStrategy[Any]] = {
        "statuses": st.lists(st.sampled_from([*STATUSES, "unheard of"]), max_size=3).map(tuple),
        "source": st.sampled_from([*SOURCES, "nowhere"]),
        "owner_key": st.sampled_from([*OWNERS, "nobody@example.com"]),
        "email_key": st.sampled_from(["0.doe+0@example.com", "4.doe+4@beispiel.example", "nobody@example.com"]),
        "do_not_contact": st.booleans(),
        "created_from": st.sampled_from(TIMES),
        "created_to": st.sampled_from(TIMES),
        "updated_from": st.sampled_from(TIMES),
        "has_follow_up": st.booleans(),
        "follow_up_due_before": st.sampled_from(TIMES),
        "words": search_texts().map(query_words),
    }
    return st.builds(
        lambda chosen, sort: LeadQuery(**chosen, sort=sort),
        st.fixed_dictionaries({}, optional=filters),
        st.sampled_from(LeadSort),
    )


def expected(leads: Sequence[Lead], query: LeadQuery) -> list[Lead]:
    """Return the matching leads in the order of the query, computed independently of the stores."""
    found = [lead for lead in leads if all(passes(lead) for passes in _conditions(query))]
    found.sort(key=lambda lead: lead.id, reverse=query.sort.descending)
    key: Callable[[Lead], Any] = {
        "created_at": lambda lead: lead.created_at,
        "updated_at": lambda lead: lead.updated_at,
        "name": lambda lead: name_key(lead.name).encode(),
        "next_follow_up_at": lambda lead: lead.next_follow_up_at or NOON.replace(year=9999),
    }[query.sort.field]
    return sorted(found, key=key, reverse=query.sort.descending)


def _conditions(query: LeadQuery) -> list[Callable[[Lead], bool]]:
    matchers: dict[str, Callable[[Lead, Any], bool]] = {
        "source": lambda lead, source: lead.source == source,
        "owner_key": lambda lead, key: lead.owner is not None and lead.owner.key == key,
        "email_key": lambda lead, key: lead.identity == key,
        "do_not_contact": lambda lead, wanted: lead.do_not_contact == wanted,
        "created_from": lambda lead, at: lead.created_at >= at,
        "created_to": lambda lead, at: lead.created_at < at,
        "updated_from": lambda lead, at: lead.updated_at >= at,
        "has_follow_up": lambda lead, has: (lead.next_follow_up_at is not None) == has,
        "follow_up_due_before": lambda lead, at: lead.next_follow_up_at is not None and lead.next_follow_up_at < at,
        "statuses": lambda lead, statuses: not statuses or lead.status in statuses,
        "words": lambda lead, words: all(any(f" {word}" in lead_words(lead) for word in choice) for choice in words),
    }

    def condition(name: str, value: Any) -> Callable[[Lead], bool]:
        return lambda lead: matchers[name](lead, value)

    return [condition(name, value) for name in matchers if (value := getattr(query, name)) is not None]


class LeadFindingContract(StoreContract):
    """See `StoreContract`."""

    @ON_ONE_DATABASE
    @given(lead_lists(), queries(), st.integers(min_value=1, max_value=6))
    @example([a_lead(name="田中太郎")], LeadQuery(words=query_words("太郎")), 1)
    @example([a_lead()], LeadQuery(statuses=(STATUSES[0], STATUSES[0])), 1)
    def test_lists_and_counts_every_matching_lead_once_in_order_page_by_page(
        self, database: RunningDatabase, leads: list[Lead], query: LeadQuery, size: int
    ) -> None:
        limited = replace(query, limit=size)

        def check(work: UnitOfWork) -> None:
            add(work, *leads)
            assert all_pages(lambda after: _page(work, replace(limited, after=after)), size=size) == expected(
                leads, limited
            )
            assert work.leads.count(limited) == len(expected(leads, limited))
            raise Rollback

        with pytest.raises(Rollback):
            database.write(check)

    @ON_ONE_DATABASE
    @given(lead_lists(), lead_lists(), search_texts().map(query_words))
    def test_finds_leads_by_their_current_words(
        self, database: RunningDatabase, before: list[Lead], after: list[Lead], words: tuple[tuple[str, ...], ...]
    ) -> None:
        changed = [replace(now, id=lead.id, email=lead.email) for lead, now in zip(before, after, strict=False)]
        leads = [*changed, *before[len(changed) :]]

        def check(work: UnitOfWork) -> None:
            work.leads.add_many(before)
            for lead in changed:
                work.leads.save(lead)
            query = LeadQuery(words=words, limit=200)
            assert work.leads.page(query).items == expected(leads, query)
            assert work.leads.count(query) == len(expected(leads, query))
            raise Rollback

        with pytest.raises(Rollback):
            database.write(check)

    @pytest.mark.parametrize("sort", LeadSort)
    def test_continues_from_the_position_of_a_lead_that_has_changed(
        self, database: RunningDatabase, sort: LeadSort
    ) -> None:
        leads = [
            a_lead(
                id=an_id(number),
                name=f"Doe {number}",
                email=an_email(f"{number}@example.com"),
                created_at=NOON + number * HOUR,
                updated_at=NOON + number * HOUR,
                next_follow_up_at=NOON + number * HOUR if number < 3 else None,
            )
            for number in range(6)
        ]
        database.write(add, *leads)
        page = database.read(_page, LeadQuery(sort=sort, limit=4))
        last = page.items[-1]
        moved = replace(last, name="Zzz", created_at=NOON - HOUR, updated_at=NOON - HOUR, next_follow_up_at=NOON - HOUR)
        database.write(lambda work: work.leads.save(moved))

        following = database.read(_page, LeadQuery(sort=sort, after=page.next, words=(("doe",),)))
        assert following.items == expected(leads, LeadQuery(sort=sort))[4:]

    def test_finds_a_phone_number_in_every_notation(self, database: RunningDatabase) -> None:
        leads = {
            e164: a_lead(id=an_id(at), email=an_email(f"x{at}@x.org"), phone=a_phone(e164))
            for at, e164 in enumerate([*SEARCH_TEXTS, "+498977665544"])
        }
        database.write(add, *leads.values())

        for e164, spellings in SEARCH_TEXTS.items():
            for text in spellings:
                query = LeadQuery(words=query_words(text))
                assert database.read(_page, query).items == [leads[e164]], text
                assert database.read(lambda work, query: work.leads.count(query), query) == 1, text

    def test_finds_words_with_and_without_apostrophes_and_hyphens(self, database: RunningDatabase) -> None:
        search_texts_of = {
            "Mary O'Connor": ["oconnor", "o'connor", "mary oconnor", "connor"],
            "Mary O\u2019Connor": ["oconnor", "o'connor", "O\u2019Conn", "o connor"],
            "Mary OConnor": ["oconnor", "o'connor", "O\u2019Conn"],
            "Jean-Luc Roe": ["jeanluc", "jean-luc", "Jean\u2011Lu", "luc"],
            "Jean\u2010Luc Roe": ["JEANLUC roe", "jean-luc", "jean luc"],
            "Jeanluc Roe": ["jeanluc", "jean-luc"],
        }
        leads = [
            a_lead(id=an_id(at), name=name, email=an_email(f"{at}@x.org")) for at, name in enumerate(search_texts_of)
        ]
        database.write(add, *leads)

        for name, text in search_texts_of.items():
            for query in (LeadQuery(words=query_words(each)) for each in text):
                assert name in [lead.name for lead in database.read(_page, query).items], query
        assert database.read(lambda work: work.leads.count(LeadQuery(words=query_words("luc")))) == 2

    def test_the_order_of_names_does_not_depend_on_the_locale_of_the_database(self, database: RunningDatabase) -> None:
        names = ["Zoë", "zoe", "Ångström", "angstrom b", "B", "a", "Ω", "Ольга", "王", "_", "1"]
        leads = [
            a_lead(id=an_id(number), name=name, email=an_email(f"{number}@example.com"))
            for number, name in enumerate(names)
        ]
        database.write(add, *leads)

        found = [lead.name for lead in database.read(_page, LeadQuery(sort=LeadSort.BY_NAME)).items]
        assert found == ["1", "_", "a", "Ångström", "angstrom b", "B", "Zoë", "zoe", "Ω", "Ольга", "王"]

    def test_does_not_find_a_lead_by_its_old_words(self, database: RunningDatabase) -> None:
        database.write(add, a_lead(name="Jane Roe"))
        database.write(lambda work: work.leads.save(a_lead(name="Jane Doe", source="fair")))

        assert database.read(_page, LeadQuery(words=(("roe",),))).items == []
        assert database.read(_page, LeadQuery(words=(("doe",), ("fair",), ("jane", "joe")))).items

    def test_finds_the_longest_possible_words(self, database: RunningDatabase) -> None:
        longest = [
            a_lead(id=an_id(number), name=char * 200, source=char * 100, email=an_email(f"{number}@example.com"))
            for number, char in enumerate(["a", "字", "\U0002070e", "\ufdfa", "각"], 1)
        ]
        database.write(add, *longest)

        for lead in longest:
            assert database.read(_page, LeadQuery(words=query_words(lead.name))).items == [lead]


def _page(work: UnitOfWork, query: LeadQuery) -> Page[Lead, LeadPosition]:
    return work.leads.page(query)
