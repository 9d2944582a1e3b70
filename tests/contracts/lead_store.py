"""What every adapter of the `LeadStore` port promises."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import NOON, a_lead, a_phone, an_email, an_id
from contracts.stores import ON_ONE_DATABASE, StoreContract, all_pages
from databases import RunningDatabase
from leads_domain.contact import EmailAddress
from leads_domain.errors import DuplicateLead, Merged, NotFound
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadPosition, LeadQuery, LeadSort, Page
from leads_domain.ports import UnitOfWork
from strategies import leads

MICROSECOND = timedelta(microseconds=1)
BY_CREATION = (LeadSort.OLDEST_FIRST, LeadSort.NEWEST_FIRST)
SCRIPTS = [
    "Ada Lovelace",
    "Ольга Ладыженская",
    "محمد بن موسى",
    "祖冲之",
    "รามานุจัน",
    "Zoë Strauß-Ångström, née O'Neill",
    "e\u0301 is not \u00e9",
    "👩🏽\u200d💻 🏳️\u200d🌈 🇺🇳",
    'she said "\\"no\\"" -- \'; DROP TABLE leads; {"a": [1]}',
    "line one\nline two\ttab\r\n\u2028\ufeff\uffff\U0010ffff",
    " \u00a0 only the middle is kept by the domain \u3000 ",
]
LOOKALIKES = {
    "integer": 1,
    "number": 1.0,
    "true": True,
    "text": "1",
    "zero": 0,
    "nought": 0.0,
    "false": False,
    "null": None,
    "empty": "",
    "word": "null",
    'quoted "name"': '{"nested": "\\"quotes\\""}',
    "~/1": "pointer",
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "exact": 0.1,
    "least": -(2**63),
    "greatest": 2**63 - 1,
    "beyond a double": 2**53 + 1,
}
NUMBERS = count(1)


def numbered(lead: Lead) -> Lead:
    """The same lead with an id and an e-mail key that no other lead has."""
    number = next(NUMBERS)
    return replace(lead, id=LeadId(an_id(number)), email=EmailAddress(lead.email.address, f"{number}@example.com"))


def exactly(lead: Lead) -> str:
    """A lead told so that 1, 1.0 and True differ, and UTC and another zone, all of which Python takes for equal."""
    return repr(lead).replace(", fold=1", "")


def add(work: UnitOfWork, *added: Lead) -> None:
    """Keep new leads."""
    for lead in added:
        work.leads.add(lead)


def add_many(work: UnitOfWork, added: Sequence[Lead]) -> Sequence[LeadId | None]:
    """Keep new leads, as many as can be; who has their addresses."""
    return list(work.leads.add_many(added))


def get(work: UnitOfWork, id: str) -> Lead:
    """One lead."""
    return work.leads.get(LeadId(id))


def save(work: UnitOfWork, lead: Lead) -> None:
    """Get a lead for a change, and change it."""
    work.leads.get_for_update(lead.id)
    work.leads.save(lead)


def get_for_update(work: UnitOfWork, id: str) -> Lead:
    """One lead, to change it."""
    return work.leads.get_for_update(LeadId(id))


def redirect(work: UnitOfWork, *pairs: tuple[Lead, Lead]) -> None:
    """Have the id of the first of each pair lead to the second."""
    for lead, into in pairs:
        for each in (lead, into):
            work.leads.get_for_update(each.id)
        work.leads.redirect(lead.id, into.id)


def redirected_to(work: UnitOfWork, id: LeadId) -> list[LeadId]:
    """What leads to a lead."""
    return list(work.leads.redirected_to(id))


def forget(work: UnitOfWork, lead: Lead) -> None:
    """Remove a lead."""
    work.leads.get_for_update(lead.id)
    work.leads.erase(lead.id)


def went(database: RunningDatabase, id: LeadId) -> str:
    """Which lead is found under this id, or under the one that it leads to."""
    try:
        return database.read(get, id).id
    except Merged as merged:
        return database.read(get, merged.into).id


def listed(work: UnitOfWork, query: LeadQuery) -> Page[Lead, LeadPosition]:
    """A page of leads."""
    return work.leads.page(query)


def everything(database: RunningDatabase) -> Sequence[Lead]:
    """All leads, oldest first."""
    return database.read(listed, LeadQuery(sort=LeadSort.OLDEST_FIRST)).items


def a_crowd(size: int) -> list[Lead]:
    """Leads in the order of their ids; threes share a time, and their statuses take turns."""
    return [
        a_lead(
            id=an_id(number),
            email=an_email(f"{number}@example.com"),
            status=("new", "contacted", "lost", "converted")[number % 4],
            created_at=NOON + number // 3 * MICROSECOND,
        )
        for number in range(size)
    ]


class LeadStoreContract(StoreContract):
    """See `StoreContract`."""

    def test_gives_back_a_lead_as_it_was_added(self, database: RunningDatabase) -> None:
        lead = a_lead(
            phone=a_phone(extension="012"),
            source="fair",
            owner=an_email("Ann@Example.com"),
            status="lost",
            status_reason="No budget",
            attributes={"employees": 12},
            updated_at=NOON + MICROSECOND,
            contacted_at=NOON + 2 * MICROSECOND,
            next_follow_up_at=NOON + 3 * MICROSECOND,
            version=7,
        )
        database.write(add, lead)

        assert database.read(get, lead.id) == lead

    @ON_ONE_DATABASE
    @given(leads())
    @example(a_lead(attributes=LOOKALIKES))
    @example(a_lead(attributes={text: text for text in SCRIPTS}))
    def test_gives_back_every_lead_to_the_last_character_type_and_microsecond(
        self, database: RunningDatabase, lead: Lead
    ) -> None:
        lead = numbered(lead)
        database.write(add, lead)

        assert exactly(database.read(get, lead.id)) == exactly(lead)

    @pytest.mark.parametrize("text", SCRIPTS)
    def test_keeps_text_in_any_script(self, database: RunningDatabase, text: str) -> None:
        lead = a_lead(name=text, source=text, status_reason=text, owner=EmailAddress(text, text))
        database.write(add, lead)

        assert database.read(get, lead.id) == lead

    @ON_ONE_DATABASE
    @given(leads(), leads())
    @example(a_lead(attributes={"a": 1}), a_lead(attributes={"a": True}))
    def test_gives_back_a_lead_as_it_was_saved(self, database: RunningDatabase, before: Lead, after: Lead) -> None:
        before = numbered(before)
        after = replace(numbered(after), id=before.id)
        database.write(add, before)
        database.write(save, after)

        assert exactly(database.read(get, before.id)) == exactly(after)

    def test_knows_no_lead_that_was_never_added(self, database: RunningDatabase) -> None:
        database.write(add, a_lead(id=an_id(1)))

        with pytest.raises(NotFound) as missing:
            database.read(get, an_id(2))
        assert (missing.value.kind, missing.value.id) == ("lead", an_id(2))
        with pytest.raises(NotFound, match=f"No lead has the id {an_id(2)}."):
            database.write(lambda work: work.leads.get_for_update(LeadId(an_id(2))))

    def test_gets_several_leads_and_passes_over_those_that_are_not_there(self, database: RunningDatabase) -> None:
        there = [numbered(a_lead(name=name)) for name in SCRIPTS]
        database.write(add_many, [*there, numbered(a_lead())])
        asked = [LeadId(an_id(9_999_999)), *(lead.id for lead in there), there[0].id]

        found = database.read(lambda work: list(work.leads.get_many(asked)))
        assert sorted(found, key=lambda lead: lead.id) == sorted(there, key=lambda lead: lead.id)
        assert database.read(lambda work: list(work.leads.get_many([]))) == []

    def test_gets_a_lead_for_a_change_as_it_is_kept(self, database: RunningDatabase) -> None:
        database.write(add, a_lead())

        assert database.write(lambda work: work.leads.get_for_update(a_lead().id)) == a_lead()

    def test_finds_a_lead_by_its_email_key_alone(self, database: RunningDatabase) -> None:
        database.write(add, a_lead(email=EmailAddress("John@Example.com", "john@example.com")))

        assert database.read(lambda work: work.leads.find_by_email("john@example.com")) == a_lead().id
        assert database.read(lambda work: work.leads.find_by_email("John@Example.com")) is None
        assert database.read(lambda work: work.leads.find_by_email("john@example")) is None

    def test_sees_at_once_what_the_same_unit_of_work_did(self, database: RunningDatabase) -> None:
        changed = a_lead(name="Jane Roe", email=an_email("jane@example.com"), version=2)

        def work_on(work: UnitOfWork) -> None:
            work.leads.add(a_lead())
            assert work.leads.get(a_lead().id) == a_lead()
            assert work.leads.find_by_email("john@example.com") == a_lead().id
            work.leads.save(changed)
            assert work.leads.get_for_update(a_lead().id) == changed
            assert work.leads.find_by_email("john@example.com") is None
            assert work.leads.page(LeadQuery()).items == [changed]

        database.write(work_on)

    def test_names_the_lead_that_has_the_email_address_already_and_changes_nothing(
        self, database: RunningDatabase
    ) -> None:
        first, second = a_lead(id=an_id(1)), a_lead(id=an_id(2), name="Jane Roe")
        database.write(add, first)

        with pytest.raises(DuplicateLead) as refusal:
            database.write(add, second)
        assert refusal.value.existing_id == first.id
        assert everything(database) == [first]

    def test_goes_on_after_a_duplicate_within_the_same_unit_of_work(self, database: RunningDatabase) -> None:
        first, second, third = a_lead(id=an_id(1)), a_lead(id=an_id(2)), a_crowd(4)[3]

        def add_what_can_be_added(work: UnitOfWork) -> None:
            work.leads.add(first)
            with pytest.raises(DuplicateLead):
                work.leads.add(second)
            with pytest.raises(NotFound):
                work.leads.get(second.id)
            work.leads.add(third)

        database.write(add_what_can_be_added)
        assert everything(database) == [first, third]

    def test_keeps_many_at_once_as_they_were_added(self, database: RunningDatabase) -> None:
        crowd = [a_lead(id=an_id(9), phone=a_phone(), attributes=LOOKALIKES, owner=an_email("ann@example.com"))]
        crowd += a_crowd(5)

        assert database.write(add_many, crowd) == [lead.id for lead in crowd]
        assert [exactly(database.read(get, lead.id)) for lead in crowd] == [exactly(lead) for lead in crowd]

    def test_keeps_the_first_of_many_with_one_email_address_and_tells_who_has_it(
        self, database: RunningDatabase
    ) -> None:
        there, first, new, again = a_crowd(4)
        first = replace(first, email=there.email)
        again = replace(again, email=new.email)
        database.write(add, there)

        assert database.write(add_many, [first, new, again]) == [there.id, new.id, new.id]
        assert everything(database) == [there, new]

    def test_keeps_none_of_many_if_the_unit_of_work_fails(self, database: RunningDatabase) -> None:
        def fail(work: UnitOfWork) -> None:
            work.leads.add_many(a_crowd(3))
            raise NotFound("lead", an_id(9))

        with pytest.raises(NotFound):
            database.write(fail)
        assert everything(database) == []

    def test_keeps_nothing_if_there_is_nothing_to_keep(self, database: RunningDatabase) -> None:
        assert database.write(add_many, []) == []
        assert everything(database) == []

    def test_refuses_to_save_an_email_address_that_another_lead_has(self, database: RunningDatabase) -> None:
        first, second = a_lead(id=an_id(1)), a_lead(id=an_id(2), email=an_email("jane@example.com"))
        database.write(add, first, second)

        with pytest.raises(DuplicateLead) as refusal:
            database.write(save, replace(second, email=first.email, version=2))
        assert refusal.value.existing_id == first.id
        assert everything(database) == [first, second]

    def test_goes_on_after_it_refused_to_save_within_the_same_unit_of_work(self, database: RunningDatabase) -> None:
        first, second = a_lead(id=an_id(1)), a_lead(id=an_id(2), email=an_email("jane@example.com"))
        database.write(add, first, second)

        def save_what_can_be_saved(work: UnitOfWork) -> None:
            with pytest.raises(DuplicateLead):
                work.leads.save(replace(second, email=first.email))
            work.leads.save(replace(second, name="Jane Roe"))

        database.write(save_what_can_be_saved)
        assert everything(database) == [first, replace(second, name="Jane Roe")]

    def test_lets_a_lead_change_the_spelling_of_its_own_email_address(self, database: RunningDatabase) -> None:
        respelt = a_lead(email=EmailAddress("John@EXAMPLE.com", "john@example.com"))
        database.write(add, a_lead())
        database.write(save, respelt)

        assert everything(database) == [respelt]

    def test_gives_an_email_address_that_was_let_go_to_another_lead(self, database: RunningDatabase) -> None:
        moved_on, newcomer = a_lead(email=an_email("jane@example.com")), a_lead(id=an_id(2))
        database.write(add, a_lead())
        database.write(save, moved_on)
        database.write(add, newcomer)

        assert everything(database) == [moved_on, newcomer]

    def test_changes_no_other_lead_when_it_saves_one(self, database: RunningDatabase) -> None:
        crowd = a_crowd(4)
        database.write(add, *crowd)
        database.write(save, replace(crowd[2], name="Jane Roe"))

        assert everything(database) == [crowd[0], crowd[1], replace(crowd[2], name="Jane Roe"), crowd[3]]

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_lists_leads_by_time_and_those_of_one_time_by_id(self, database: RunningDatabase, sort: LeadSort) -> None:
        crowd = a_crowd(10)
        database.write(add, *crowd[::3], *crowd[2::3], *crowd[1::3])

        page = database.read(listed, LeadQuery(sort=sort))
        assert page.items == (crowd if sort is LeadSort.OLDEST_FIRST else crowd[::-1])
        assert page.next is None

    def test_orders_times_as_time_goes_however_they_are_written(self, database: RunningDatabase) -> None:
        times = [
            NOON.replace(year=999),
            NOON - MICROSECOND,
            NOON,
            NOON + MICROSECOND,
            NOON + timedelta(milliseconds=100),
            NOON + timedelta(seconds=1),
            NOON.replace(year=9999),
        ]
        crowd = [replace(lead, created_at=at) for lead, at in zip(a_crowd(7)[::-1], times, strict=True)]
        database.write(add, *crowd)

        assert [lead.created_at for lead in everything(database)] == times

    @pytest.mark.parametrize("sort", BY_CREATION)
    @pytest.mark.parametrize("statuses", [(), ("new",), ("new", "lost"), ("lost", "new"), ("unheard of",)])
    @pytest.mark.parametrize("size", [1, 2, 5, 200])
    def test_shows_every_lead_that_was_asked_for_on_exactly_one_page(
        self, database: RunningDatabase, sort: LeadSort, statuses: tuple[str, ...], size: int
    ) -> None:
        crowd = a_crowd(20)
        database.write(add, *crowd)
        asked = LeadQuery(statuses=statuses, sort=sort, limit=size)
        paged = all_pages(lambda after: database.read(listed, replace(asked, after=after)), size=size)

        expected = [lead for lead in crowd if not statuses or lead.status in statuses]
        assert paged == (expected if sort is LeadSort.OLDEST_FIRST else expected[::-1])

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_announces_no_page_after_one_that_was_just_filled(self, database: RunningDatabase, sort: LeadSort) -> None:
        database.write(add, *a_crowd(6))

        assert database.read(listed, LeadQuery(sort=sort, limit=6)).next is None
        assert database.read(listed, LeadQuery(sort=sort, limit=5)).next is not None

    def test_lists_nothing_where_there_is_nothing(self, database: RunningDatabase) -> None:
        assert database.read(listed, LeadQuery()) == Page([], None)

    def test_lists_by_email_key(self, database: RunningDatabase) -> None:
        crowd = a_crowd(5)
        database.write(add, *crowd)

        assert database.read(listed, LeadQuery(email_key="3@example.com")) == Page([crowd[3]], None)
        assert database.read(listed, LeadQuery(email_key="nobody@example.com")) == Page([], None)
        assert database.read(listed, LeadQuery(email_key="3@example.com", statuses=(crowd[3].status,))).items
        assert not database.read(listed, LeadQuery(email_key="3@example.com", statuses=("unheard of",))).items

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_goes_on_from_a_position_whose_lead_is_not_listed_any_more(
        self, database: RunningDatabase, sort: LeadSort
    ) -> None:
        crowd = a_crowd(8)
        database.write(add, *crowd)
        asked = LeadQuery(statuses=("new", "lost"), sort=sort, limit=2)
        page = database.read(listed, asked)
        assert page.next is not None
        database.write(save, replace(page.items[-1], status="qualified"))

        rest = database.read(listed, replace(asked, after=page.next, limit=200)).items
        expected = [lead for lead in crowd if lead.status in asked.statuses]
        assert [*page.items, *rest] == (expected if sort is LeadSort.OLDEST_FIRST else expected[::-1])

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_shows_nobody_twice_when_leads_come_in_between_two_pages(
        self, database: RunningDatabase, sort: LeadSort
    ) -> None:
        crowd = a_crowd(9)
        early = a_lead(id=an_id(98), email=an_email("early@example.com"), created_at=NOON - MICROSECOND)
        late = a_lead(id=an_id(99), email=an_email("late@example.com"), created_at=NOON + timedelta(days=1))
        database.write(add, *crowd)
        page = database.read(listed, LeadQuery(sort=sort, limit=4))
        database.write(add, early, late)

        rest = database.read(listed, LeadQuery(sort=sort, after=page.next, limit=200)).items
        seen = [lead.id for lead in (*page.items, *rest)]
        assert len(seen) == len(set(seen))
        assert set(seen) >= {lead.id for lead in crowd}

    def test_keeps_two_moments_apart_that_are_a_microsecond_apart(self, database: RunningDatabase) -> None:
        one, other = a_crowd(4)[2:]
        database.write(add, one, other)

        def after(at: datetime, id: str) -> Sequence[Lead]:
            query = LeadQuery(sort=LeadSort.OLDEST_FIRST, after=LeadPosition(at, id))
            return database.read(listed, query).items

        assert after(one.created_at, one.id) == [other]
        assert after(one.created_at, an_id(0)) == [one, other]
        assert after(other.created_at, other.id) == []

    def test_leads_from_the_id_of_a_redirected_lead_to_the_other(self, database: RunningDatabase) -> None:
        one, other = a_crowd(2)
        database.write(add, one, other)
        database.write(redirect, (other, one))

        for ask in (get, get_for_update):
            with pytest.raises(Merged) as merged:
                database.write(ask, other.id)
            assert (merged.value.id, merged.value.into) == (other.id, one.id)
        assert everything(database) == [one]
        assert database.read(lambda work: list(work.leads.get_many([one.id, other.id]))) == [one]
        assert database.read(lambda work: work.leads.find_by_email(other.email.key)) is None
        database.write(add, replace(other, id=LeadId(an_id(99))))

    @ON_ONE_DATABASE
    @given(st.data())
    def test_every_redirected_id_leads_to_a_lead_that_is_there(
        self, database: RunningDatabase, data: st.DataObject
    ) -> None:
        crowd = [numbered(lead) for lead in a_crowd(data.draw(st.integers(1, 6)))]
        database.write(add, *crowd)
        left, into = list(crowd), {lead.id: lead.id for lead in crowd}
        for _ in range(data.draw(st.integers(0, len(crowd) - 1))):
            survivor, duplicate = data.draw(st.permutations(left))[:2]
            database.write(redirect, (duplicate, survivor))
            left.remove(duplicate)
            into = {id: survivor.id if to == duplicate.id else to for id, to in into.items()}

        assert {lead.id: went(database, lead.id) for lead in crowd} == into
        for lead in left:
            merged = sorted(id for id, to in into.items() if to == lead.id != id)
            assert database.read(redirected_to, lead.id) == merged

    def test_forgets_a_lead_and_all_that_leads_to_it(self, database: RunningDatabase) -> None:
        one, other, third, fourth = a_crowd(4)
        database.write(add, one, other, third, fourth)
        database.write(redirect, (other, one), (fourth, third))
        database.write(forget, one)

        for gone in (one, other):
            with pytest.raises(NotFound) as missing:
                database.read(get, gone.id)
            assert type(missing.value) is NotFound
        assert everything(database) == [third]
        assert went(database, fourth.id) == third.id
        database.write(add, one)
        assert database.read(get, one.id) == one
