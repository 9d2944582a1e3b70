"""Query the table `leads` for a page, or count leads.

The first statement filters the next leads in the order of the list. If they do not fill the page, few leads pass the
filters: a second statement then finds all of them with the indexes of the filters, and sorts them. See
docs/decisions/0024-leads-in-two-steps.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal_column, select, tuple_

from leads_adapters.sql.lead_filters import MATCHING, RANGES, conditions, filters, is_word, word_queries
from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import END_OF_TIME, leads
from leads_domain.paging import Cut, LeadQuery, LeadSort

Columns = Callable[[Any], Iterable[ColumnElement[Any]]]
"""A function that selects some columns of the table or of a subquery."""

STRETCH = 5_000
"""The number of leads that the first statement reads in the order of the list."""

_STATEMENTS_MAX = 1_000
"""The maximum number of statements in each cache."""

_ORDER_COLUMNS = {"name": "name_key", "next_follow_up_at": "next_follow_up_key"}
"""The columns that order the list by a field, for fields that have a separate one."""

_TENTH_OF_LEADS = select(literal_column("max(rowid) / 10", Integer)).select_from(leads).scalar_subquery()
_MATCHES_ARE_RARE = select(func.count() < _TENTH_OF_LEADS).select_from(MATCHING.limit(_TENTH_OF_LEADS).subquery())


class _ListShape(NamedTuple):
    """The key of a cached statement: the names of the filters, the order, and whether the page follows another."""

    filters: tuple[str, ...]
    sort: LeadSort
    continued: bool

    @property
    def range_filters(self) -> list[str]:
        """The filters that select a contiguous part of the list."""
        return [name for name in self.filters if RANGES.get(name) == self.key]

    @property
    def other_filters(self) -> list[str]:
        """The other filters."""
        return [name for name in self.filters if RANGES.get(name) != self.key]

    @property
    def key(self) -> str:
        """The column that orders the list."""
        return _ORDER_COLUMNS.get(self.sort.field, self.sort.field)

    def order(self, *keys: ColumnElement[Any]) -> Iterator[ColumnElement[Any]]:
        """Yield the sort keys, each with the direction of the list."""
        return (key.desc() if self.sort.descending else key for key in keys)

    def select(
        self, columns: Iterable[ColumnElement[Any]], *tests: ColumnElement[bool], hide_index: bool = False
    ) -> Select[Any]:
        """Select the leads after the position, in order.

        `hide_index` keeps the database from reading along the index of the order.
        """
        key, id = leads.c[self.key], leads.c.id
        order_key = func.coalesce(key, key) if hide_index else key
        found = select(*columns).where(*conditions(self.range_filters, leads.c), *tests)
        if self.continued:
            position = tuple_(bindparam("after_value", type_=key.type), bindparam("after_id", type_=id.type))
            row_position = tuple_(order_key, id)
            found = found.where(row_position < position if self.sort.descending else row_position > position)
        return found.order_by(*self.order(order_key, id))


def find_page(runner: StatementRunner, columns: Columns, query: LeadQuery, *, large: int) -> Cut[Row]:
    """Return the `columns` of a page of leads. `large` is the column that counts for the size of the page."""
    filter_values = filters(query)
    values = filter_values | _parameters(query)
    shape = _ListShape(tuple(filter_values), query.sort, query.after is not None)
    read = partial(runner.page, large=large, limit=query.limit, bytes_max=query.bytes_max)
    found = read(_page_from_stretch(columns, shape), values)
    if not shape.other_filters or found.has_more or runner.first(_lead_after_stretch(shape), **values) is None:
        return found
    return read(_page_from_filters(columns, shape, _word_index(runner, filter_values, values)), values)


def count_leads(runner: StatementRunner, query: LeadQuery) -> int:
    """Return the number of leads that match `query`."""
    filter_values = filters(query)
    ((number,),) = runner.all(_count(tuple(filter_values), runner.dialect), **filter_values, **_parameters(query))
    return int(number)


def _parameters(query: LeadQuery) -> dict[str, Any]:
    parameters: dict[str, Any] = {"stretch": STRETCH, **word_queries(query.words)}
    if query.after is not None:
        parameters |= {"after_value": query.after.value or END_OF_TIME, "after_id": query.after.id}
    return parameters


@lru_cache(_STATEMENTS_MAX)
def _page_from_stretch(columns: Columns, shape: _ListShape) -> Select[Any]:
    """Select the leads that pass the filters among the next `STRETCH` ones of the list."""
    if not shape.other_filters:
        return shape.select(columns(leads.c)).limit(bindparam("limit"))
    c = shape.select(leads.c).limit(bindparam("stretch")).subquery("next").c
    found = select(*columns(c)).where(*conditions(shape.other_filters, c))
    return found.order_by(*shape.order(c[shape.key], c.id)).limit(bindparam("limit"))


@lru_cache(_STATEMENTS_MAX)
def _lead_after_stretch(shape: _ListShape) -> Select[Any]:
    """Select the first lead after this stretch of the list."""
    return shape.select([leads.c.id]).offset(bindparam("stretch")).limit(literal_column("1"))


@lru_cache(_STATEMENTS_MAX)
def _page_from_filters(columns: Columns, shape: _ListShape, word_index: str | None) -> Select[Any]:
    """Select all leads that pass the filters, and sort them."""
    tests = conditions(shape.other_filters, leads.c, word_index)
    return shape.select(columns(leads.c), *tests, hide_index=True).limit(bindparam("limit"))


def _word_index(runner: StatementRunner, filter_values: Mapping[str, Any], values: Mapping[str, Any]) -> str | None:
    """Return the word index to use, or None to compare the words of each lead instead.

    SQLite cannot estimate how many leads have a word. If more than a tenth of all leads match, comparing the leads that
    pass the other filters is faster.
    """
    if runner.dialect == "sqlite" and len({*map(is_word, filter_values)}) > 1:
        ((is_rare,),) = runner.all(_MATCHES_ARE_RARE, **values)
        return runner.dialect if is_rare else None
    return runner.dialect


@lru_cache(_STATEMENTS_MAX)
def _count(names: tuple[str, ...], dialect: str) -> Select[Any]:
    if dialect == "sqlite" and names and all(map(is_word, names)):
        return select(func.count()).select_from(MATCHING.subquery())
    return select(func.count()).select_from(leads).where(*conditions(names, leads.c, dialect))
