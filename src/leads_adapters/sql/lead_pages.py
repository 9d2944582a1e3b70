"""Ask the table `leads` for a page, or for how many there are.

A page is looked for among the next leads in the order of the list. If these do not fill it, few leads pass the
filters: then all of those are found by the indexes of the filters, and sorted
(docs/decisions/0024-leads-in-two-steps.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal_column, select, tuple_

from leads_adapters.sql.lead_filters import MATCHING, RANGES, conditions, filters, is_word, word_queries
from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import END_OF_TIME, leads
from leads_domain.paging import LeadQuery, LeadSort

Columns = Callable[[Any], Iterable[ColumnElement[Any]]]
"""What to select, of the columns of the table or of a part of it."""

STRETCH = 5_000
"""How many leads are looked at in the order of the list."""

_SHAPES = 1_000
"""How many statements are remembered."""

_KEYS = {"name": "name_key", "next_follow_up_at": "next_follow_up_key"}
"""The column that has the order of a member, if it is not the member's own."""

_TENTH = select(literal_column("max(rowid) / 10", Integer)).select_from(leads).scalar_subquery()
_ARE_RARE = select(func.count() < _TENTH).select_from(MATCHING.limit(_TENTH).subquery())


class _List(NamedTuple):
    """What decides the statements for a page: the names of the filters, the order, and whether a page came before."""

    filters: tuple[str, ...]
    sort: LeadSort
    continued: bool

    @property
    def along(self) -> list[str]:
        """The filters that pass an unbroken part of the list."""
        return [name for name in self.filters if RANGES.get(name) == self.key]

    @property
    def across(self) -> list[str]:
        """The other filters."""
        return [name for name in self.filters if RANGES.get(name) != self.key]

    @property
    def key(self) -> str:
        """The column that decides the order."""
        return _KEYS.get(self.sort.field, self.sort.field)

    def order(self, *keys: ColumnElement[Any]) -> Iterator[ColumnElement[Any]]:
        """Yield the keys of the order, each with its direction."""
        return (key.desc() if self.sort.descending else key for key in keys)

    def select(
        self, columns: Iterable[ColumnElement[Any]], *tests: ColumnElement[bool], sorts: bool = False
    ) -> Select[Any]:
        """Select what comes after the position, in order; `sorts` hides the index of the order from the database."""
        key, id = leads.c[self.key], leads.c.id
        hidden = func.coalesce(key, key) if sorts else key
        found = select(*columns).where(*conditions(self.along, leads.c), *tests)
        if self.continued:
            position = tuple_(bindparam("after_value", type_=key.type), bindparam("after_id", type_=id.type))
            here = tuple_(hidden, id)
            found = found.where(here < position if self.sort.descending else here > position)
        return found.order_by(*self.order(hidden, id))


def find_page(runner: StatementRunner, columns: Columns, query: LeadQuery) -> list[Row]:
    """Return the `columns` of the leads that `query` asks for, and of one more, if there is one."""
    given = filters(query)
    values = given | _parameters(query)
    list_ = _List(tuple(given), query.sort, query.after is not None)
    found = runner.all(_among_next(columns, list_), **values)
    if not list_.across or len(found) > query.limit or runner.first(_beyond(list_), **values) is None:
        return found
    return runner.all(_sorted(columns, list_, _word_index(runner, given, values)), **values)


def count_leads(runner: StatementRunner, query: LeadQuery) -> int:
    """Return how many leads `query` asks for."""
    given = filters(query)
    ((number,),) = runner.all(_count(tuple(given), runner.dialect), **given, **_parameters(query))
    return int(number)


def _parameters(query: LeadQuery) -> dict[str, Any]:
    given: dict[str, Any] = {"limit": query.limit + 1, "stretch": STRETCH, **word_queries(query.words)}
    if query.after is not None:
        given |= {"after_value": query.after.value or END_OF_TIME, "after_id": query.after.id}
    return given


@lru_cache(_SHAPES)
def _among_next(columns: Columns, list_: _List) -> Select[Any]:
    """Select the leads that pass among the next ones of the list."""
    if not list_.across:
        return list_.select(columns(leads.c)).limit(bindparam("limit"))
    c = list_.select(leads.c).limit(bindparam("stretch")).subquery("next").c
    found = select(*columns(c)).where(*conditions(list_.across, c))
    return found.order_by(*list_.order(c[list_.key], c.id)).limit(bindparam("limit"))


@lru_cache(_SHAPES)
def _beyond(list_: _List) -> Select[Any]:
    """Select the first lead after those."""
    return list_.select([leads.c.id]).offset(bindparam("stretch")).limit(literal_column("1"))


@lru_cache(_SHAPES)
def _sorted(columns: Columns, list_: _List, word_index: str | None) -> Select[Any]:
    """Select all leads that pass, and sort them."""
    tests = conditions(list_.across, leads.c, word_index)
    return list_.select(columns(leads.c), *tests, sorts=True).limit(bindparam("limit"))


def _word_index(runner: StatementRunner, given: Mapping[str, Any], values: Mapping[str, Any]) -> str | None:
    """Return the index to look words up in.

    SQLite does not know how many leads have a word. Words of more than a tenth of all leads are compared instead, with
    each lead that passes the other filters.
    """
    if runner.dialect == "sqlite" and len({*map(is_word, given)}) > 1:
        ((are_rare,),) = runner.all(_ARE_RARE, **values)
        return runner.dialect if are_rare else None
    return runner.dialect


@lru_cache(_SHAPES)
def _count(names: tuple[str, ...], dialect: str) -> Select[Any]:
    if dialect == "sqlite" and names and all(map(is_word, names)):
        return select(func.count()).select_from(MATCHING.subquery())
    return select(func.count()).select_from(leads).where(*conditions(names, leads.c, dialect))
