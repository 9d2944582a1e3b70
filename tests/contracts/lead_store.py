"""The contract of the `LeadStore` port."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import NOON, a_lead, a_phone, an_email, an_id
from contracts.stores import LARGE, ON_ONE_DATABASE, SMALL, StoreContract, all_pages, assert_pages_end_by_size, text_of
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
    " \u00a0 the domain stores only the middle \u3000 ",
]
SIMILAR_VALUES = {
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


def unique(lead: Lead) -> Lead:
    """Return the lead with a unique id and e-mail key."""
    number = next(NUMBERS)
    id = LeadId(an_id(number))
    if lead.email is None:
        return replace(lead, id=id, phone=a_phone(f"+1202555{number}", lead.phone.extension if lead.phone else None))
    return replace(lead, id=id, email=EmailAddress(lead.email.address, f"{number}@example.com"))


def exactly(lead: Lead) -> str:
    """Return a text that differs for 1, 1.0 and True, and for different time zones: Python treats them as equal."""
    return repr(lead).replace(", fold=1", "")


def add(work: UnitOfWork, *leads: Lead) -> None:
    """Add leads."""
    for lead in leads:
        work.leads.add(lead)


def add_many(work: UnitOfWork, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
    """Add leads without duplicates; return the ids of the leads with their e-mail addresses."""
    return list(work.leads.add_many(leads))


def get(work: UnitOfWork, id: str) -> Lead:
    """Return a lead."""
    return work.leads.get(LeadId(id))


def save(work: UnitOfWork, lead: Lead) -> None:
    """Lock a lead, and store it."""
    work.leads.get_for_update(lead.id)
    work.leads.save(lead)


def get_for_update(work: UnitOfWork, id: str) -> Lead:
    """Lock a lead, and return it."""
    return work.leads.get_for_update(LeadId(id))


def redirect(work: UnitOfWork, *pairs: tuple[Lead, Lead]) -> None:
    """Redirect the id of the first lead of each pair to the second."""
    for lead, into in pairs:
        for each in (lead, into):
            work.leads.get_for_update(each.id)
        work.leads.redirect(lead.id, into.id)


def redirected_to(work: UnitOfWork, id: LeadId) -> list[LeadId]:
    """Return the ids that are redirected to a lead."""
    return list(work.leads.redirected_to(id))


def find_person(work: UnitOfWork, identity: str) -> LeadId | None:
    """Return the lead with this identity, or the one that has replaced it."""
    return work.leads.find_person(identity)


def erase(work: UnitOfWork, lead: Lead) -> None:
    """Erase a lead."""
    work.leads.get_for_update(lead.id)
    work.leads.erase(lead.id)


def target_of(database: RunningDatabase, id: LeadId) -> str:
    """Return the id of the lead with this id, or of the target that this id is redirected to."""
    try:
        return database.read(get, id).id
    except Merged as merged:
        return database.read(get, merged.into).id


def listed(work: UnitOfWork, query: LeadQuery) -> Page[Lead, LeadPosition]:
    """Return a page of leads."""
    return work.leads.page(query)


def all_leads(database: RunningDatabase) -> Sequence[Lead]:
    """Return all leads, oldest first."""
    return database.read(listed, LeadQuery(sort=LeadSort.OLDEST_FIRST)).items


def some_leads(size: int) -> list[Lead]:
    """Return leads by id. Three leads share each creation time, and the statuses alternate."""
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

    def test_returns_a_lead_as_it_was_added(self, database: RunningDatabase) -> None:
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
            email_bounced=True,
        )
        database.write(add, lead)

        assert database.read(get, lead.id) == lead

    @ON_ONE_DATABASE
    @given(leads())
    @example(a_lead(attributes=SIMILAR_VALUES))
    @example(a_lead(attributes={text: text for text in SCRIPTS}))
    def test_returns_every_character_type_and_microsecond_of_a_lead(
        self, database: RunningDatabase, lead: Lead
    ) -> None:
        lead = unique(lead)
        database.write(add, lead)

        assert exactly(database.read(get, lead.id)) == exactly(lead)

    @pytest.mark.parametrize("text", SCRIPTS)
    def test_stores_text_in_any_script(self, database: RunningDatabase, text: str) -> None:
        lead = a_lead(name=text, source=text, status_reason=text, owner=EmailAddress(text, text))
        database.write(add, lead)

        assert database.read(get, lead.id) == lead

    @ON_ONE_DATABASE
    @given(leads(), leads())
    @example(a_lead(attributes={"a": 1}), a_lead(attributes={"a": True}))
    def test_returns_a_lead_as_it_was_saved(self, database: RunningDatabase, before: Lead, after: Lead) -> None:
        before = unique(before)
        after = replace(unique(after), id=before.id)
        database.write(add, before)
        database.write(save, after)

        assert exactly(database.read(get, before.id)) == exactly(after)

    def test_does_not_find_an_unknown_lead(self, database: RunningDatabase) -> None:
        database.write(add, a_lead(id=an_id(1)))

        with pytest.raises(NotFound) as missing:
            database.read(get, an_id(2))
        assert (missing.value.kind, missing.value.id) == ("lead", an_id(2))
        with pytest.raises(NotFound, match=f"No lead has the id {an_id(2)}."):
            database.write(lambda work: work.leads.get_for_update(LeadId(an_id(2))))

    def test_gets_several_leads_and_skips_unknown_ids(self, database: RunningDatabase) -> None:
        existing = [unique(a_lead(name=name)) for name in SCRIPTS]
        database.write(add_many, [*existing, unique(a_lead())])
        wanted = [LeadId(an_id(9_999_999)), *(lead.id for lead in existing), existing[0].id]

        found = database.read(lambda work: list(work.leads.get_many(wanted)))
        assert sorted(found, key=lambda lead: lead.id) == sorted(existing, key=lambda lead: lead.id)
        assert database.read(lambda work: list(work.leads.get_many([]))) == []

    def test_locks_a_lead_and_returns_it_unchanged(self, database: RunningDatabase) -> None:
        database.write(add, a_lead())

        assert database.write(lambda work: work.leads.get_for_update(a_lead().id)) == a_lead()

    def test_finds_a_lead_only_by_its_exact_email_key(self, database: RunningDatabase) -> None:
        database.write(add, a_lead(email=EmailAddress("John@Example.com", "john@example.com")))

        assert database.read(lambda work: work.leads.find_by_identity("john@example.com")) == a_lead().id
        assert database.read(lambda work: work.leads.find_by_identity("John@Example.com")) is None
        assert database.read(lambda work: work.leads.find_by_identity("john@example")) is None

    @pytest.mark.parametrize("extension", [None, "12"])
    def test_stores_a_lead_without_an_email_address(self, database: RunningDatabase, extension: str | None) -> None:
        lead = a_lead(email=None, phone=a_phone(extension=extension))
        database.write(add, lead)

        assert database.read(get, lead.id) == lead
        assert database.read(lambda work: work.leads.find_by_identity(str(lead.phone))) == lead.id
        assert all_leads(database) == [lead]

    def test_the_phone_number_is_unique_only_without_an_email_address(self, database: RunningDatabase) -> None:
        by_phone = a_lead(email=None, phone=a_phone())
        extension = a_lead(id=an_id(2), email=None, phone=a_phone(extension="1"))
        by_email = a_lead(id=an_id(3), phone=a_phone())
        duplicate = a_lead(id=an_id(4), email=None, phone=a_phone())
        database.write(add, by_phone, extension, by_email)

        with pytest.raises(DuplicateLead) as caught:
            database.write(add, duplicate)
        assert caught.value.existing_id == by_phone.id
        assert database.write(add_many, [duplicate]) == [by_phone.id]
        with pytest.raises(DuplicateLead) as caught:
            database.write(save, replace(by_email, email=None))
        assert caught.value.existing_id == by_phone.id
        assert all_leads(database) == [by_phone, extension, by_email]

    def test_a_lead_changes_its_identity(self, database: RunningDatabase) -> None:
        by_phone = a_lead(email=None, phone=a_phone())
        by_email = replace(by_phone, email=an_email())
        database.write(add, by_phone)
        database.write(save, by_email)
        again = replace(by_phone, id=LeadId(an_id(2)))
        database.write(add, again)

        assert database.read(lambda work: work.leads.find_by_identity(by_email.identity)) == by_email.id
        assert database.read(lambda work: work.leads.find_by_identity(again.identity)) == again.id
        with pytest.raises(DuplicateLead):
            database.write(save, by_phone)

    def test_a_unit_of_work_sees_its_own_changes(self, database: RunningDatabase) -> None:
        changed = a_lead(name="Jane Roe", email=an_email("jane@example.com"), version=2)

        def work_on(work: UnitOfWork) -> None:
            work.leads.add(a_lead())
            assert work.leads.get(a_lead().id) == a_lead()
            assert work.leads.find_by_identity("john@example.com") == a_lead().id
            work.leads.save(changed)
            assert work.leads.get_for_update(a_lead().id) == changed
            assert work.leads.find_by_identity("john@example.com") is None
            assert work.leads.page(LeadQuery()).items == [changed]

        database.write(work_on)

    def test_refuses_a_duplicate_with_the_id_of_the_existing_lead(self, database: RunningDatabase) -> None:
        first, second = a_lead(id=an_id(1)), a_lead(id=an_id(2), name="Jane Roe")
        database.write(add, first)

        with pytest.raises(DuplicateLead) as caught:
            database.write(add, second)
        assert caught.value.existing_id == first.id
        assert all_leads(database) == [first]

    def test_a_unit_of_work_continues_after_a_duplicate(self, database: RunningDatabase) -> None:
        first, second, third = a_lead(id=an_id(1)), a_lead(id=an_id(2)), some_leads(4)[3]

        def add_all(work: UnitOfWork) -> None:
            work.leads.add(first)
            with pytest.raises(DuplicateLead):
                work.leads.add(second)
            with pytest.raises(NotFound):
                work.leads.get(second.id)
            work.leads.add(third)

        database.write(add_all)
        assert all_leads(database) == [first, third]

    def test_adds_many_leads_unchanged(self, database: RunningDatabase) -> None:
        leads = [a_lead(id=an_id(9), phone=a_phone(), attributes=SIMILAR_VALUES, owner=an_email("ann@example.com"))]
        leads += some_leads(5)

        assert database.write(add_many, leads) == [lead.id for lead in leads]
        assert [exactly(database.read(get, lead.id)) for lead in leads] == [exactly(lead) for lead in leads]

    def test_adds_the_first_of_many_with_the_same_email_and_returns_its_id(self, database: RunningDatabase) -> None:
        existing, first, new, duplicate = some_leads(4)
        first = replace(first, email=existing.email)
        duplicate = replace(duplicate, email=new.email)
        database.write(add, existing)

        assert database.write(add_many, [first, new, duplicate]) == [existing.id, new.id, new.id]
        assert all_leads(database) == [existing, new]

    def test_rolls_back_many_leads_if_the_unit_of_work_fails(self, database: RunningDatabase) -> None:
        def fail(work: UnitOfWork) -> None:
            work.leads.add_many(some_leads(3))
            raise NotFound("lead", an_id(9))

        with pytest.raises(NotFound):
            database.write(fail)
        assert all_leads(database) == []

    def test_adds_an_empty_list(self, database: RunningDatabase) -> None:
        assert database.write(add_many, []) == []
        assert all_leads(database) == []

    def test_refuses_to_save_the_email_address_of_another_lead(self, database: RunningDatabase) -> None:
        first, second = a_lead(id=an_id(1)), a_lead(id=an_id(2), email=an_email("jane@example.com"))
        database.write(add, first, second)

        with pytest.raises(DuplicateLead) as caught:
            database.write(save, replace(second, email=first.email, version=2))
        assert caught.value.existing_id == first.id
        assert all_leads(database) == [first, second]

    def test_a_unit_of_work_continues_after_a_refused_save(self, database: RunningDatabase) -> None:
        first, second = a_lead(id=an_id(1)), a_lead(id=an_id(2), email=an_email("jane@example.com"))
        database.write(add, first, second)

        def save_both(work: UnitOfWork) -> None:
            with pytest.raises(DuplicateLead):
                work.leads.save(replace(second, email=first.email))
            work.leads.save(replace(second, name="Jane Roe"))

        database.write(save_both)
        assert all_leads(database) == [first, replace(second, name="Jane Roe")]

    def test_saves_another_spelling_of_the_same_email_address(self, database: RunningDatabase) -> None:
        other_spelling = a_lead(email=EmailAddress("John@EXAMPLE.com", "john@example.com"))
        database.write(add, a_lead())
        database.write(save, other_spelling)

        assert all_leads(database) == [other_spelling]

    def test_a_former_email_address_is_available_for_another_lead(self, database: RunningDatabase) -> None:
        changed, new = a_lead(email=an_email("jane@example.com")), a_lead(id=an_id(2))
        database.write(add, a_lead())
        database.write(save, changed)
        database.write(add, new)

        assert all_leads(database) == [changed, new]

    def test_saves_only_the_given_lead(self, database: RunningDatabase) -> None:
        leads = some_leads(4)
        database.write(add, *leads)
        database.write(save, replace(leads[2], name="Jane Roe"))

        assert all_leads(database) == [leads[0], leads[1], replace(leads[2], name="Jane Roe"), leads[3]]

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_lists_leads_by_time_and_then_by_id(self, database: RunningDatabase, sort: LeadSort) -> None:
        leads = some_leads(10)
        database.write(add, *leads[::3], *leads[2::3], *leads[1::3])

        page = database.read(listed, LeadQuery(sort=sort))
        assert page.items == (leads if sort is LeadSort.OLDEST_FIRST else leads[::-1])
        assert page.next is None

    def test_lists_leads_in_the_order_of_their_times(self, database: RunningDatabase) -> None:
        times = [
            NOON.replace(year=999),
            NOON - MICROSECOND,
            NOON,
            NOON + MICROSECOND,
            NOON + timedelta(milliseconds=100),
            NOON + timedelta(seconds=1),
            NOON.replace(year=9999),
        ]
        leads = [replace(lead, created_at=at) for lead, at in zip(some_leads(7)[::-1], times, strict=True)]
        database.write(add, *leads)

        assert [lead.created_at for lead in all_leads(database)] == times

    @pytest.mark.parametrize("sort", BY_CREATION)
    @pytest.mark.parametrize("statuses", [(), ("new",), ("new", "lost"), ("lost", "new"), ("unknown",)])
    @pytest.mark.parametrize("size", [1, 2, 5, 200])
    def test_lists_every_matching_lead_on_exactly_one_page(
        self, database: RunningDatabase, sort: LeadSort, statuses: tuple[str, ...], size: int
    ) -> None:
        leads = some_leads(20)
        database.write(add, *leads)
        query = LeadQuery(statuses=statuses, sort=sort, limit=size)
        paged = all_pages(lambda after: database.read(listed, replace(query, after=after)), size=size)

        expected = [lead for lead in leads if not statuses or lead.status in statuses]
        assert paged == (expected if sort is LeadSort.OLDEST_FIRST else expected[::-1])

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_announces_no_page_after_a_full_last_page(self, database: RunningDatabase, sort: LeadSort) -> None:
        database.write(add, *some_leads(6))

        assert database.read(listed, LeadQuery(sort=sort, limit=6)).next is None
        assert database.read(listed, LeadQuery(sort=sort, limit=5)).next is not None

    @pytest.mark.parametrize(
        "query", [*(LeadQuery(sort=sort) for sort in LeadSort), LeadQuery(statuses=("new", "lost"))]
    )
    def test_pages_end_by_the_size_of_the_leads(self, database: RunningDatabase, query: LeadQuery) -> None:
        sizes = {lead.id: (LARGE, SMALL, SMALL)[number % 3] for number, lead in enumerate(some_leads(12))}
        leads = [replace(lead, attributes={"a": text_of(sizes[lead.id])}) for lead in some_leads(12)]
        database.write(add, *leads)
        expected = database.read(listed, query).items

        def page_of(after: LeadPosition | None, limit: int, bytes_max: int) -> Page[Lead, LeadPosition]:
            return database.read(listed, replace(query, after=after, limit=limit, bytes_max=bytes_max))

        assert_pages_end_by_size(page_of, expected, [sizes[lead.id] for lead in expected])

    def test_an_empty_store_has_an_empty_page(self, database: RunningDatabase) -> None:
        assert database.read(listed, LeadQuery()) == Page([], None)

    def test_lists_by_email_key(self, database: RunningDatabase) -> None:
        leads = some_leads(5)
        database.write(add, *leads)

        assert database.read(listed, LeadQuery(email_key="3@example.com")) == Page([leads[3]], None)
        assert database.read(listed, LeadQuery(email_key="nobody@example.com")) == Page([], None)
        assert database.read(listed, LeadQuery(email_key="3@example.com", statuses=(leads[3].status,))).items
        assert not database.read(listed, LeadQuery(email_key="3@example.com", statuses=("unknown",))).items

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_continues_from_the_position_of_a_lead_that_no_longer_matches(
        self, database: RunningDatabase, sort: LeadSort
    ) -> None:
        leads = some_leads(8)
        database.write(add, *leads)
        query = LeadQuery(statuses=("new", "lost"), sort=sort, limit=2)
        page = database.read(listed, query)
        assert page.next is not None
        database.write(save, replace(page.items[-1], status="qualified"))

        rest = database.read(listed, replace(query, after=page.next, limit=200)).items
        expected = [lead for lead in leads if lead.status in query.statuses]
        assert [*page.items, *rest] == (expected if sort is LeadSort.OLDEST_FIRST else expected[::-1])

    @pytest.mark.parametrize("sort", BY_CREATION)
    def test_lists_no_lead_twice_when_leads_are_added_between_two_pages(
        self, database: RunningDatabase, sort: LeadSort
    ) -> None:
        leads = some_leads(9)
        early = a_lead(id=an_id(98), email=an_email("early@example.com"), created_at=NOON - MICROSECOND)
        late = a_lead(id=an_id(99), email=an_email("late@example.com"), created_at=NOON + timedelta(days=1))
        database.write(add, *leads)
        page = database.read(listed, LeadQuery(sort=sort, limit=4))
        database.write(add, early, late)

        rest = database.read(listed, LeadQuery(sort=sort, after=page.next, limit=200)).items
        seen = [lead.id for lead in (*page.items, *rest)]
        assert len(seen) == len(set(seen))
        assert set(seen) >= {lead.id for lead in leads}

    def test_distinguishes_times_that_differ_by_a_microsecond(self, database: RunningDatabase) -> None:
        one, other = some_leads(4)[2:]
        database.write(add, one, other)

        def after(at: datetime, id: str) -> Sequence[Lead]:
            query = LeadQuery(sort=LeadSort.OLDEST_FIRST, after=LeadPosition(at, id))
            return database.read(listed, query).items

        assert after(one.created_at, one.id) == [other]
        assert after(one.created_at, an_id(0)) == [one, other]
        assert after(other.created_at, other.id) == []

    def test_redirects_the_id_of_a_merged_lead_to_its_target(self, database: RunningDatabase) -> None:
        one, other = some_leads(2)
        database.write(add, one, other)
        database.write(redirect, (other, one))

        for read in (get, get_for_update):
            with pytest.raises(Merged) as merged:
                database.write(read, other.id)
            assert (merged.value.id, merged.value.into) == (other.id, one.id)
        assert all_leads(database) == [one]
        assert database.read(lambda work: list(work.leads.get_many([one.id, other.id]))) == [one]
        assert database.read(lambda work: work.leads.find_by_identity(other.identity)) is None
        database.write(add, replace(other, id=LeadId(an_id(99))))

    def test_leads_from_the_identity_of_a_redirected_lead_to_the_other(self, database: RunningDatabase) -> None:
        one, other, third, fourth = some_leads(4)
        caller = a_lead(id=an_id(5), email=None, phone=a_phone())
        database.write(add, one, other, third, fourth, caller)
        database.write(redirect, (caller, other), (other, one))

        identities = {each.identity: database.read(find_person, each.identity) for each in (one, other, third, caller)}
        assert identities == {
            one.identity: one.id,
            other.identity: one.id,
            third.identity: third.id,
            "+12025550123": one.id,
        }
        again = replace(other, id=LeadId(an_id(6)))
        database.write(add, again)
        assert database.read(find_person, other.identity) == again.id
        database.write(redirect, (again, third))
        assert database.read(find_person, other.identity) == third.id
        database.write(erase, third)
        assert database.read(find_person, other.identity) == one.id
        database.write(erase, one)
        assert [database.read(find_person, each.identity) for each in (other, caller)] == [None, None]

    @ON_ONE_DATABASE
    @given(st.data())
    def test_every_redirected_id_leads_to_an_existing_lead(
        self, database: RunningDatabase, data: st.DataObject
    ) -> None:
        leads = [unique(lead) for lead in some_leads(data.draw(st.integers(1, 6)))]
        database.write(add, *leads)
        remaining, into = list(leads), {lead.id: lead.id for lead in leads}
        for _ in range(data.draw(st.integers(0, len(leads) - 1))):
            target, duplicate = data.draw(st.permutations(remaining))[:2]
            database.write(redirect, (duplicate, target))
            remaining.remove(duplicate)
            into = {id: target.id if to == duplicate.id else to for id, to in into.items()}

        assert {lead.id: target_of(database, lead.id) for lead in leads} == into
        for lead in remaining:
            merged = sorted(id for id, to in into.items() if to == lead.id != id)
            assert database.read(redirected_to, lead.id) == merged

    def test_erases_a_lead_and_all_ids_that_are_redirected_to_it(self, database: RunningDatabase) -> None:
        one, other, third, fourth = some_leads(4)
        database.write(add, one, other, third, fourth)
        database.write(redirect, (other, one), (fourth, third))
        database.write(erase, one)

        for erased in (one, other):
            with pytest.raises(NotFound) as missing:
                database.read(get, erased.id)
            assert type(missing.value) is NotFound
        assert all_leads(database) == [third]
        assert target_of(database, fourth.id) == third.id
        database.write(add, one)
        assert database.read(get, one.id) == one
