"""Asking the table `leads` for a page, or for how many there are.

If an index holds what is asked for side by side and in order, one statement reads a page and no more, whatever there
is. Any other page is found in one of three ways, as the numbers say:

- Few leads pass one of the filters: they are read, and those that pass the others are sorted.
- Many pass each filter, so that the page should soon be full: leads are read in the order of the list, for a stretch.
- If it was not full then, or could not be, the sets of those that pass each filter are made from indexes alone, and
  an index that has the order is gone through for those that are in all of them.

SQLite keeps no statistics, and chooses by rules of thumb. So what passes each filter is counted here, no further than
it matters, and SQLite is told which index to take. PostgreSQL combines indexes by itself; it is only kept from reading
on and on in the order of the list.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf, prod
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    tuple_,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import TSQUERY

from leads_adapters.sql.driver import Driver, Row
from leads_adapters.sql.tables import leads
from leads_domain.paging import LeadQuery, LeadSort

Columns = tuple[ColumnElement[Any], ...]

FEW = 7_000
"""How many leads can be read, wherever they lie, and sorted in the time that a page may take."""

SOME = 25_000
"""How many can be read and sorted in the time that it takes to go through an index of a million."""

STRETCH, STRETCH_BY_CREATION = 10_000, 30_000
"""How many leads are read in the order of a list; more if that is how they lie in the table."""

COUNTED = 50_000
"""How far is counted. Of what passes no more, sets are made; a filter that more leads pass is tried on each of them."""

PREFIX_MAX = 3
"""How long the beginnings of words are that are indexed themselves (migration 0005): a longer one is put together."""

_LONG_NUMBER = re.compile("[0-9]{6,}|[^0-9][0-9]{3,}")
"""Words of a telephone number that few leads have: without the country and the area, or the last digits."""

_SHARE_OF_MANY = 0.3
"""What part of all leads is taken to pass a filter, if it was not counted to the end."""

_SHAPES = 1_000
"""How many statements are remembered."""

_KEYS: Mapping[str, ColumnElement[Any]] = {
    "created_at": leads.c.created_at,
    "updated_at": leads.c.updated_at,
    "name": leads.c.name_key,
    "next_follow_up_at": leads.c.next_follow_up_at,
}
_INDEXES = {
    "created_from": "ix_leads_created_at_id",
    "created_to": "ix_leads_created_at_id",
    "created_between": "ix_leads_created_at_id",
    "updated_from": "ix_leads_updated_at_id",
    "due": "ix_leads_next_follow_up_at_id",
    "scheduled": "ix_leads_next_follow_up_at_id",
    "unscheduled": "ix_leads_next_follow_up_at_id",
    "status": "ix_leads_status_created_at_id",
    "source": "ix_leads_source_created_at_id",
    "owner_key": "ix_leads_owner_key_created_at_id",
}
"""The index for each filter but the words, which are in an index of their own."""

_BY_CREATION = {
    "status": "ix_leads_status_created_at_id",
    "source": "ix_leads_source_created_at_id",
    "owner_key": "ix_leads_owner_key_created_at_id",
    "due": "ix_leads_scheduled",
    "scheduled": "ix_leads_scheduled",
}
"""The index that has those who pass a filter in the order of their creation."""

_ROWID: ColumnElement[int] = literal_column("leads.rowid")
_LEAD_WORDS = table("lead_words", column("rowid"))
_WITH_WORDS = select(_LEAD_WORDS.c.rowid).where(
    literal_column("lead_words").op("MATCH")(bindparam("match", type_=Text))
)
_STORED = select(func.max(_ROWID)).select_from(leads)
_TSVECTOR: ColumnElement[Any] = literal_column("array_to_tsvector(string_to_array(ltrim(leads.words), ' '))")
_ANSWERS_QUERY: ColumnElement[bool] = _TSVECTOR.op("@@")(sql_cast(bindparam("tsquery", type_=Text), TSQUERY))


class Filter(NamedTuple):
    """A condition by its name, how many values it has, and how many choices each of these has."""

    name: str
    values: int = 1
    choices: int = 1


class Look(NamedTuple):
    """All that decides what a statement says: what leads have to pass, in which order, after a position or not."""

    filters: tuple[Filter, ...]
    sort: LeadSort
    continued: bool = False

    @property
    def keys(self) -> Columns:
        """What leads are ordered by."""
        return _KEYS[self.sort.member], leads.c.id

    @property
    def in_order(self) -> str:
        """The index in this order."""
        return f"ix_leads_{_KEYS[self.sort.member].name}_id"

    @property
    def order(self) -> list[ColumnElement[Any]]:
        """The order."""
        return [key.desc() if self.sort.descending else key for key in self.keys]

    def after(self) -> list[ColumnElement[bool]]:
        """That a lead comes after the position, if there is one."""
        here, there = self._places("after")
        return [here < there if self.sort.descending else here > there] if self.continued else []

    def until(self) -> ColumnElement[bool]:
        """That a lead comes no later than another position."""
        here, there = self._places("until")
        return here >= there if self.sort.descending else here <= there

    def _places(self, name: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """The place of a lead, and a position; of those without a time to be ordered by, only the id decides."""
        key, id = self.keys
        of_key, of_id = bindparam(f"{name}_value", type_=key.type), bindparam(f"{name}_id", type_=id.type)
        if self.sort is LeadSort.NEXT_FOLLOW_UP_FIRST and Filter("unscheduled") in self.filters:
            return id, of_id
        return tuple_(key, id), tuple_(of_key, of_id)

    def along(self) -> tuple[Filter, ...]:
        """The filters that pass an unbroken part of the order."""
        return tuple(each for each in self.filters if _INDEXES.get(each.name) == self.in_order)

    def across(self) -> tuple[Filter, ...]:
        """The other filters."""
        return tuple(each for each in self.filters if _INDEXES.get(each.name) != self.in_order)


def plain_page(columns: Columns, query: LeadQuery) -> tuple[Select[Any], dict[str, Any]]:
    """`find_page` as a statement and its parameters, for a query that `is_plain`."""
    (look,) = _looks(query)
    return cast(Select[Any], _direct(columns, look)), _parameters(query) | {"limit": query.limit + 1}


def find_page(driver: Driver, columns: Columns, query: LeadQuery) -> list[Row]:
    """`columns` of the leads that `query` asks for, and of one more, if there is one."""
    given = _parameters(query)
    found: list[Row] = []
    for look in _looks(query):
        missing = query.limit + 1 - len(found)
        if missing:
            found += _find(driver, columns, look, given | {"limit": missing})
    return found


def count_leads(driver: Driver, query: LeadQuery) -> int:
    """How many leads `query` asks for."""
    ((number,),) = driver.all(_count(_filters(query), driver.dialect), **_parameters(query))
    return int(number)


def _filters(query: LeadQuery) -> tuple[Filter, ...]:
    due = query.follow_up_due_before is not None
    created_from, created_to = query.created_from is not None, query.created_to is not None
    given = {
        "email_key": query.email_key is not None,
        "status": len(set(query.statuses)),
        "source": query.source is not None,
        "owner_key": query.owner_key is not None,
        "created_between": created_from and created_to,
        "created_from": created_from and not created_to,
        "created_to": created_to and not created_from,
        "updated_from": query.updated_from is not None,
        "due": due,
        "scheduled": query.has_follow_up is True and not due,
        "unscheduled": query.has_follow_up is False,
    }
    words = (Filter("words", len(query.words), max(map(len, query.words))),) if query.words else ()
    return (*(Filter(name, int(values)) for name, values in given.items() if values), *words)


def _parameters(query: LeadQuery) -> dict[str, Any]:
    """The value of every filter, and of the position. No word holds what any of these languages takes for a sign."""
    members = ("email_key", "source", "owner_key", "created_from", "created_to", "updated_from", "follow_up_due_before")
    given = {member: value for member in members if (value := getattr(query, member)) is not None}
    given |= {f"status_{place}": status for place, status in enumerate(dict.fromkeys(query.statuses))}
    given |= _patterns(query.words)
    given["match"] = _match(query.words)
    given["match_roughly"] = _match(map(_roughly, choice) for choice in query.words)
    given["has_rare_word"] = any(all(map(_LONG_NUMBER.fullmatch, choice)) for choice in query.words)
    given["tsquery"] = _all_of(query.words, "'{}':*", " | ", " & ")
    if query.after is not None:
        given |= {"after_value": query.after.value, "after_id": query.after.id}
    return given


def _patterns(words: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """Return the patterns for LIKE. A choice of fewer words than another one repeats its last one."""
    most = max(map(len, words), default=0)
    return {
        f"word_{place}_{number}": f"% {word}%"
        for place, choice in enumerate(words)
        for number, word in enumerate(choice + choice[-1:] * (most - len(choice)))
    }


def _roughly(word: str) -> str:
    """Return the beginning that is indexed. But many telephone numbers begin alike, and few go on alike."""
    return word if _LONG_NUMBER.fullmatch(word) else word[:PREFIX_MAX]


def _match(words: Iterable[Iterable[str]]) -> str:
    """Return the query for SQLite's index of words."""
    return _all_of(words, '"{}" *', " OR ", " AND ")


def _all_of(words: Iterable[Iterable[str]], begins: str, either: str, both: str) -> str:
    return both.join(f"({either.join(map(begins.format, choice))})" for choice in words)


def _looks(query: LeadQuery) -> Iterator[Look]:
    """One look; but leads without a follow-up come after those with one, and are looked for apart."""
    filters, after = _filters(query), query.after
    if query.sort is not LeadSort.NEXT_FOLLOW_UP_FIRST:
        yield Look(filters, query.sort, after is not None)
        return
    names = {each.name for each in filters}
    if "unscheduled" not in names and (after is None or after.value is not None):
        scheduled = () if names & {"due", "scheduled"} else (Filter("scheduled"),)
        yield Look((*filters, *scheduled), query.sort, after is not None)
    if not names & {"due", "scheduled"}:
        unscheduled = () if "unscheduled" in names else (Filter("unscheduled"),)
        yield Look((*filters, *unscheduled), query.sort, after is not None and after.value is None)


_TESTS: Mapping[str, ColumnElement[bool]] = {
    "email_key": leads.c.email_key == bindparam("email_key"),
    "source": leads.c.source == bindparam("source"),
    "owner_key": leads.c.owner_key == bindparam("owner_key"),
    "created_from": leads.c.created_at >= bindparam("created_from", type_=leads.c.created_at.type),
    "created_to": leads.c.created_at < bindparam("created_to", type_=leads.c.created_at.type),
    "updated_from": leads.c.updated_at >= bindparam("updated_from", type_=leads.c.updated_at.type),
    "due": leads.c.next_follow_up_at < bindparam("follow_up_due_before", type_=leads.c.next_follow_up_at.type),
    "scheduled": leads.c.next_follow_up_at.is_not(None),
    "unscheduled": leads.c.next_follow_up_at.is_(None),
}


def _test(each: Filter) -> list[ColumnElement[bool]]:
    """What a lead has to pass, tried on the lead itself."""
    places = range(each.values)
    if each.name == "status":
        return [leads.c.status.in_([bindparam(f"status_{place}") for place in places])]
    if each.name == "words":
        return [
            or_(*(leads.c.words.like(bindparam(f"word_{place}_{number}")) for number in range(each.choices)))
            for place in places
        ]
    if each.name == "created_between":
        return [_TESTS["created_from"], _TESTS["created_to"]]
    return [_TESTS[each.name]]


def _tests(filters: Iterable[Filter]) -> list[ColumnElement[bool]]:
    return [test for each in filters for test in _test(each)]


def _from_index(statement: Select[Any], index: str | None) -> Select[Any]:
    """The statement, with the only index that SQLite may use for it; None: it goes by the numbers of rows."""
    return statement.with_hint(leads, f"INDEXED BY {index}" if index else "NOT INDEXED", "sqlite")


def _page(columns: Columns, look: Look, *tests: ColumnElement[bool]) -> Select[Any]:
    found = select(*columns).select_from(leads).where(*look.after(), *tests)
    return found.order_by(*look.order).limit(bindparam("limit"))


@lru_cache(_SHAPES)
def _direct(columns: Columns, look: Look) -> Select[Any] | None:
    """The page in one statement that reads no more than a page; None if there is no such statement."""
    along, across = look.along(), look.across()
    if any(each.name == "email_key" for each in across):
        return _page(columns, look, *_tests(look.filters))
    if not across:
        return _from_index(_page(columns, look, *_tests(along)), look.in_order)
    if look.sort.member != "created_at" or len(across) > 1 or across[0].name not in _BY_CREATION:
        return None
    (only,) = across
    if only.values == 1:
        return _from_index(_page(columns, look, *_tests(look.filters)), _BY_CREATION[only.name])
    keys = [key.label(f"key_{place}") for place, key in enumerate(look.keys)]
    each_status = [leads.c.status == bindparam(f"status_{place}") for place in range(only.values)]
    pages = [_page((*columns, *keys), look, status, *_tests(along)) for status in each_status]
    both = union_all(*(select(_from_index(page, _BY_CREATION["status"]).subquery()) for page in pages)).subquery()
    order = [both.c[key.name].desc() if look.sort.descending else both.c[key.name] for key in keys]
    return select(*(both.c[each.name] for each in columns)).order_by(*order).limit(bindparam("limit"))


def _find(driver: Driver, columns: Columns, look: Look, given: Mapping[str, Any]) -> Sequence[Row]:
    direct = _direct(columns, look)
    if direct is not None:
        return driver.all(direct, **given)
    if driver.dialect == "sqlite":
        return _find_by_numbers(driver, columns, look, given)
    if not given["has_rare_word"]:
        rows, done = _walk(driver, columns, look, None, _stretch(look), given)
        if done:
            return rows
    return driver.all(_searched_by_planner(columns, look), **given)


def _find_by_numbers(driver: Driver, columns: Columns, look: Look, given: Mapping[str, Any]) -> Sequence[Row]:
    numbers = {each: _number_of(driver, each, given, roughly=True) for each in look.across()}
    stretch = _stretch(look)
    if min(numbers.values()) > FEW and _expected(driver, numbers, given["limit"]) <= stretch:
        of = min(numbers, key=lambda each: numbers[each] if each.name in _BY_CREATION else inf)
        in_order = look.sort.member == "created_at" and of.name in _BY_CREATION and of.values == 1
        rows, done = _walk(driver, columns, look, of if in_order else None, stretch, given)
        if done:
            return rows
    numbers = {each: _number_of(driver, each, given) if each.name == "words" else n for each, n in numbers.items()}
    least = min(numbers, key=lambda each: numbers[each])
    few = numbers[least] <= FEW
    sets = tuple(each for each, number in numbers.items() if each != least and number < COUNTED and not few)
    return driver.all(_searched(columns, look, least, sets, numbers[least] > SOME), **given)


def _stretch(look: Look) -> int:
    return STRETCH_BY_CREATION if look.sort.member == "created_at" else STRETCH


def _number_of(driver: Driver, each: Filter, given: Mapping[str, Any], *, roughly: bool = False) -> int:
    """How many leads pass a filter, as far as it matters; roughly, there may be less."""
    match = given["match_roughly"] if roughly else given["match"]
    ((number,),) = driver.all(_number(each), **{**given, "match": match, "counted": COUNTED})
    return int(number)


def _expected(driver: Driver, numbers: Mapping[Filter, int], limit: int) -> float:
    """How many leads have to be read in order until so many were found, if those who pass a filter are anywhere."""
    ((stored,),) = driver.all(_STORED)
    shares = (number / stored if number < COUNTED else _SHARE_OF_MANY for number in numbers.values())
    return float(limit / prod(shares))


def _walk(
    driver: Driver, columns: Columns, look: Look, of: Filter | None, stretch: int, given: Mapping[str, Any]
) -> tuple[Sequence[Row], bool]:
    """What is found in a stretch of the list, or of that part of it that passes one filter; and whether that is all."""
    end = driver.first(_end_of_stretch(look, of), **given, stretch=stretch)
    until = {} if end is None else {"until_value": end[0], "until_id": end[1]}
    rows = driver.all(_walked(columns, look, of, end is not None), **given, **until)
    return rows, end is None or len(rows) == given["limit"]


@lru_cache(_SHAPES)
def _end_of_stretch(look: Look, of: Filter | None) -> Select[Any]:
    tests = _tests([*look.along(), *([of] if of else [])])
    statement = select(*look.keys).where(*look.after(), *tests).order_by(*look.order)
    return _from_index(statement.limit(literal_column("1")).offset(bindparam("stretch")), _index_of(look, of))


@lru_cache(_SHAPES)
def _walked(columns: Columns, look: Look, of: Filter | None, ends: bool) -> Select[Any]:
    until = [look.until()] if ends else []
    return _from_index(_page(columns, look, *_tests(look.filters), *until), _index_of(look, of))


def _index_of(look: Look, of: Filter | None) -> str:
    return _BY_CREATION[of.name] if of else look.in_order


@lru_cache(_SHAPES)
def _number(each: Filter) -> Select[Any]:
    """How many leads pass a filter, as far as it matters."""
    return select(func.count()).select_from(_rowids(each).limit(bindparam("counted")).subquery())


def _rowids(each: Filter) -> Select[Any]:
    if each.name == "words":
        return _WITH_WORDS
    return _from_index(select(_ROWID.label("number")).select_from(leads).where(*_test(each)), _INDEXES[each.name])


@lru_cache(_SHAPES)
def _searched(columns: Columns, look: Look, of: Filter, sets: tuple[Filter, ...], in_order: bool) -> Select[Any]:
    """Of the leads that pass one filter, those that are in all sets are read; of these, those that pass the rest.

    They are sorted; or, `in_order`, looked for in the order of the list.
    """
    rest = _tests(each for each in look.filters if each not in (of, *sets))
    if in_order or of.name == "words":
        index, sets = look.in_order if in_order else None, (of, *sets)
    else:
        index, rest = _INDEXES[of.name], [*_test(of), *rest]
    within = [_ROWID.in_(_rowids(each).correlate(None)) for each in sets]
    return _from_index(_page(columns, look, *within, *rest), index)


@lru_cache(_SHAPES)
def _searched_by_planner(columns: Columns, look: Look) -> Select[Any]:
    """All that pass, sorted by expressions that no index has: none can be read on and on, in hope of a full page."""
    tests = [*look.after(), *_tests_on_postgresql(look.filters)]
    order = [func.coalesce(key, key) for key in look.keys]
    ordered = [key.desc() if look.sort.descending else key for key in order]
    return select(*columns).select_from(leads).where(*tests).order_by(*ordered).limit(bindparam("limit"))


@lru_cache(_SHAPES)
def _count(filters: tuple[Filter, ...], dialect: str) -> Select[Any]:
    if dialect == "postgresql":
        return select(func.count()).select_from(leads).where(*_tests_on_postgresql(filters))
    if [each.name for each in filters] == ["words"]:
        return select(func.count()).select_from(_WITH_WORDS.subquery())
    words = [_ROWID.in_(_WITH_WORDS) for each in filters if each.name == "words"]
    others = _tests(each for each in filters if each.name != "words")
    return select(func.count()).select_from(leads).where(*words, *others)


def _tests_on_postgresql(filters: Iterable[Filter]) -> list[ColumnElement[bool]]:
    words = [_ANSWERS_QUERY for each in filters if each.name == "words"]
    return [*words, *_tests(each for each in filters if each.name != "words")]
