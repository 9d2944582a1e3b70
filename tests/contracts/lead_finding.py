"""What every adapter of the `LeadStore` port promises to whoever looks for leads: all filters, all orders."""

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
# However it is spaced: the international form, the national one, and the last digits.
TYPED = {
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


class Undo(Exception):
    """Ends a unit of work without a trace."""


def crowds() -> SearchStrategy[list[Lead]]:
    """Some leads that have much in common; no two have an id or an address in common."""
    lead = st.builds(
        a_lead,
        name=st.sampled_from(NAMES) | texts(min_size=1),
        phone=st.none() | st.sampled_from(PHONES).map(a_phone),
        source=st.none() | st.sampled_from(SOURCES),
        owner=st.none() | st.sampled_from(OWNERS).map(an_email),
        status=st.sampled_from(STATUSES),
        created_at=st.sampled_from(TIMES),
        updated_at=st.sampled_from(TIMES),
        next_follow_up_at=st.none() | st.sampled_from(TIMES),
    )
    return st.lists(lead, max_size=20).map(lambda crowd: [_apart(lead, number) for number, lead in enumerate(crowd)])


def _apart(lead: Lead, number: int) -> Lead:
    host = ("example.com", "Beispiel.example", "münchen.example")[number % 3]
    return replace(lead, id=LeadId(an_id(number * 7 % 23 + 1)), email=an_email(f"{number}.Doe+{number}@{host}"))


@st.composite
def said(draw: st.DrawFn) -> str:
    """What somebody may type who looks for one of these leads: parts of what it has, however they are written."""
    told = [*NAMES, *SOURCES, "Doe", "example.com", *PHONES, *TYPED["+4930123456"]]
    parts = draw(st.lists(st.sampled_from(told), max_size=3))
    typed = ""
    for part in parts:
        start = draw(st.integers(min_value=0, max_value=len(part)))
        rewrites: list[Callable[[str], str]] = [str, str.upper, str.lower, _decomposed, _unaccented]
        rewrite = draw(st.sampled_from(rewrites))
        typed += rewrite(part[start : draw(st.integers(min_value=start, max_value=len(part)))])
        typed += draw(st.sampled_from([" ", "", *SYNTAX]))
    return typed + draw(st.just("") | texts(max_size=3))


def _decomposed(text: str) -> str:
    return normalize("NFD", text)


def _unaccented(text: str) -> str:
    return text.translate(str.maketrans("ëéçãåö", "eecaao"))


def queries() -> SearchStrategy[LeadQuery]:
    """Any filters in any order."""
    filters: dict[str, SearchStrategy[Any]] = {
        "statuses": st.lists(st.sampled_from([*STATUSES, "unheard of"]), max_size=3).map(tuple),
        "source": st.sampled_from([*SOURCES, "nowhere"]),
        "owner_key": st.sampled_from([*OWNERS, "nobody@example.com"]),
        "email_key": st.sampled_from(["0.doe+0@example.com", "4.doe+4@beispiel.example", "nobody@example.com"]),
        "created_from": st.sampled_from(TIMES),
        "created_to": st.sampled_from(TIMES),
        "updated_from": st.sampled_from(TIMES),
        "has_follow_up": st.booleans(),
        "follow_up_due_before": st.sampled_from(TIMES),
        "words": said().map(query_words),
    }
    return st.builds(
        lambda chosen, sort: LeadQuery(**chosen, sort=sort),
        st.fixed_dictionaries({}, optional=filters),
        st.sampled_from(LeadSort),
    )


def expected(crowd: Sequence[Lead], query: LeadQuery) -> list[Lead]:
    """The leads of a crowd that a query asks for, in its order; by other means than those of any store."""
    found = [lead for lead in crowd if all(passes(lead) for passes in _conditions(query))]
    found.sort(key=lambda lead: lead.id, reverse=query.sort.descending)
    key: Callable[[Lead], Any] = {
        "created_at": lambda lead: lead.created_at,
        "updated_at": lambda lead: lead.updated_at,
        "name": lambda lead: name_key(lead.name).encode(),
        "next_follow_up_at": lambda lead: lead.next_follow_up_at or NOON.replace(year=9999),
    }[query.sort.field]
    return sorted(found, key=key, reverse=query.sort.descending)


def _conditions(query: LeadQuery) -> list[Callable[[Lead], bool]]:
    asked: dict[str, Callable[[Lead, Any], bool]] = {
        "source": lambda lead, source: lead.source == source,
        "owner_key": lambda lead, key: lead.owner is not None and lead.owner.key == key,
        "email_key": lambda lead, key: lead.email.key == key,
        "created_from": lambda lead, at: lead.created_at >= at,
        "created_to": lambda lead, at: lead.created_at < at,
        "updated_from": lambda lead, at: lead.updated_at >= at,
        "has_follow_up": lambda lead, has: (lead.next_follow_up_at is not None) == has,
        "follow_up_due_before": lambda lead, at: lead.next_follow_up_at is not None and lead.next_follow_up_at < at,
        "statuses": lambda lead, statuses: not statuses or lead.status in statuses,
        "words": lambda lead, words: all(any(f" {word}" in lead_words(lead) for word in choice) for choice in words),
    }

    def condition(name: str, value: Any) -> Callable[[Lead], bool]:
        return lambda lead: asked[name](lead, value)

    return [condition(name, value) for name in asked if (value := getattr(query, name)) is not None]


class LeadFindingContract(StoreContract):
    """See `StoreContract`."""

    @ON_ONE_DATABASE
    @given(crowds(), queries(), st.integers(min_value=1, max_value=6))
    @example([a_lead(name="田中太郎")], LeadQuery(words=query_words("太郎")), 1)
    @example([a_lead()], LeadQuery(statuses=(STATUSES[0], STATUSES[0])), 1)
    def test_shows_every_lead_that_is_asked_for_once_in_order_page_by_page_and_counts_them(
        self, database: RunningDatabase, crowd: list[Lead], query: LeadQuery, size: int
    ) -> None:
        asked = replace(query, limit=size)

        def look(work: UnitOfWork) -> None:
            add(work, *crowd)
            assert all_pages(lambda after: _page(work, replace(asked, after=after)), size=size) == expected(
                crowd, asked
            )
            assert work.leads.count(asked) == len(expected(crowd, asked))
            raise Undo

        with pytest.raises(Undo):
            database.write(look)

    @ON_ONE_DATABASE
    @given(crowds(), crowds(), said().map(query_words))
    def test_finds_leads_by_the_words_that_they_have_now(
        self, database: RunningDatabase, before: list[Lead], after: list[Lead], words: tuple[tuple[str, ...], ...]
    ) -> None:
        changed = [replace(now, id=lead.id, email=lead.email) for lead, now in zip(before, after, strict=False)]
        crowd = [*changed, *before[len(changed) :]]

        def look(work: UnitOfWork) -> None:
            work.leads.add_many(before)
            for lead in changed:
                work.leads.save(lead)
            query = LeadQuery(words=words, limit=200)
            assert work.leads.page(query).items == expected(crowd, query)
            assert work.leads.count(query) == len(expected(crowd, query))
            raise Undo

        with pytest.raises(Undo):
            database.write(look)

    @pytest.mark.parametrize("sort", LeadSort)
    def test_goes_on_from_a_position_whose_lead_has_moved(self, database: RunningDatabase, sort: LeadSort) -> None:
        crowd = [
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
        database.write(add, *crowd)
        page = database.read(_page, LeadQuery(sort=sort, limit=4))
        last = page.items[-1]
        gone = replace(last, name="Zzz", created_at=NOON - HOUR, updated_at=NOON - HOUR, next_follow_up_at=NOON - HOUR)
        database.write(lambda work: work.leads.save(gone))

        following = database.read(_page, LeadQuery(sort=sort, after=page.next, words=(("doe",),)))
        assert following.items == expected(crowd, LeadQuery(sort=sort))[4:]

    def test_finds_a_phone_however_it_is_typed(self, database: RunningDatabase) -> None:
        crowd = {
            e164: a_lead(id=an_id(at), email=an_email(f"x{at}@x.org"), phone=a_phone(e164))
            for at, e164 in enumerate([*TYPED, "+498977665544"])
        }
        database.write(add, *crowd.values())

        for e164, spellings in TYPED.items():
            for typed in spellings:
                query = LeadQuery(words=query_words(typed))
                assert database.read(_page, query).items == [crowd[e164]], typed
                assert database.read(lambda work, query: work.leads.count(query), query) == 1, typed

    def test_finds_words_with_and_without_apostrophes_and_hyphens(self, database: RunningDatabase) -> None:
        named = {
            "Mary O'Connor": ["oconnor", "o'connor", "mary oconnor", "connor"],
            "Mary O\u2019Connor": ["oconnor", "o'connor", "O\u2019Conn", "o connor"],
            "Mary OConnor": ["oconnor", "o'connor", "O\u2019Conn"],
            "Jean-Luc Roe": ["jeanluc", "jean-luc", "Jean\u2011Lu", "luc"],
            "Jean\u2010Luc Roe": ["JEANLUC roe", "jean-luc", "jean luc"],
            "Jeanluc Roe": ["jeanluc", "jean-luc"],
        }
        crowd = [a_lead(id=an_id(at), name=name, email=an_email(f"{at}@x.org")) for at, name in enumerate(named)]
        database.write(add, *crowd)

        for name, typed in named.items():
            for query in (LeadQuery(words=query_words(each)) for each in typed):
                assert name in [lead.name for lead in database.read(_page, query).items], query
        assert database.read(lambda work: work.leads.count(LeadQuery(words=query_words("luc")))) == 2

    def test_orders_names_by_their_letters_and_not_by_the_language_of_the_database(
        self, database: RunningDatabase
    ) -> None:
        names = ["Zoë", "zoe", "Ångström", "angstrom b", "B", "a", "Ω", "Ольга", "王", "_", "1"]
        crowd = [
            a_lead(id=an_id(number), name=name, email=an_email(f"{number}@example.com"))
            for number, name in enumerate(names)
        ]
        database.write(add, *crowd)

        found = [lead.name for lead in database.read(_page, LeadQuery(sort=LeadSort.BY_NAME)).items]
        assert found == ["1", "_", "a", "Ångström", "angstrom b", "B", "Zoë", "zoe", "Ω", "Ольга", "王"]

    def test_finds_nobody_by_words_that_somebody_had_before(self, database: RunningDatabase) -> None:
        database.write(add, a_lead(name="Jane Roe"))
        database.write(lambda work: work.leads.save(a_lead(name="Jane Doe", source="fair")))

        assert database.read(_page, LeadQuery(words=(("roe",),))).items == []
        assert database.read(_page, LeadQuery(words=(("doe",), ("fair",), ("jane", "joe")))).items

    def test_keeps_the_longest_words_that_there_are(self, database: RunningDatabase) -> None:
        longest = [
            a_lead(id=an_id(number), name=char * 200, source=char * 100, email=an_email(f"{number}@example.com"))
            for number, char in enumerate(["a", "字", "\U0002070e", "\ufdfa", "각"], 1)
        ]
        database.write(add, *longest)

        for lead in longest:
            assert database.read(_page, LeadQuery(words=query_words(lead.name))).items == [lead]


def _page(work: UnitOfWork, query: LeadQuery) -> Page[Lead, LeadPosition]:
    return work.leads.page(query)
