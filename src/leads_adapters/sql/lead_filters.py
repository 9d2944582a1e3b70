"""Translate the filters of a list of leads to SQL conditions and their values."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, column, literal_column, or_, select, table
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import TSQUERY

from leads_adapters.sql.tables import END_OF_TIME, leads
from leads_domain.paging import LeadQuery

Names = Sequence[str]
Columns = Any
"""The columns of the table or of a subquery, by name."""

_TIME = leads.c.created_at.type
_CONDITIONS: Mapping[str, Callable[[Columns], ColumnElement[bool]]] = {
    "email_key": lambda c: c.identity == bindparam("email_key"),
    "source": lambda c: c.source == bindparam("source"),
    "owner_key": lambda c: c.owner_key == bindparam("owner_key"),
    "created_from": lambda c: c.created_at >= bindparam("created_from", type_=_TIME),
    "created_to": lambda c: c.created_at < bindparam("created_to", type_=_TIME),
    "updated_from": lambda c: c.updated_at >= bindparam("updated_from", type_=_TIME),
    # Constants, so that both databases use the index of the leads that have opted out.
    "is_opted_out": lambda c: c.do_not_contact == literal_column("1"),
    "is_not_opted_out": lambda c: c.do_not_contact == literal_column("0"),
    "due_before": lambda c: c.next_follow_up_key < bindparam("due_before", type_=_TIME),
    "not_before": lambda c: c.next_follow_up_key >= bindparam("not_before", type_=_TIME),
}

RANGES = {
    "created_from": "created_at",
    "created_to": "created_at",
    "updated_from": "updated_at",
    "due_before": "next_follow_up_key",
    "not_before": "next_follow_up_key",
}
"""The filters on a range of a column, by name. In a list ordered by that column, the range is contiguous."""

_WORDS = table("lead_words", column("rowid"))
MATCHING = select(_WORDS.c.rowid).where(literal_column("lead_words").op("MATCH")(bindparam("match", type_=Text)))
"""Select the rows that match from SQLite's word index."""

_IN_WORD_INDEX: Mapping[str, ColumnElement[bool]] = {
    "sqlite": literal_column("leads.rowid").in_(MATCHING),
    "postgresql": literal_column("array_to_tsvector(string_to_array(ltrim(leads.words), ' '))").op("@@")(
        sql_cast(bindparam("tsquery", type_=Text), TSQUERY)
    ),
}


def filters(query: LeadQuery) -> dict[str, Any]:
    """Return the values of the filters of `query`, by the names of their conditions."""
    fields = ("email_key", "source", "owner_key", "created_from", "created_to", "updated_from")
    values = {field: value for field in fields if (value := getattr(query, field)) is not None}
    values |= {f"status_{index}": status for index, status in enumerate(dict.fromkeys(query.statuses))}
    if query.do_not_contact is not None:
        values["is_opted_out" if query.do_not_contact else "is_not_opted_out"] = query.do_not_contact
    if query.has_follow_up or query.follow_up_due_before:
        values["due_before"] = query.follow_up_due_before or END_OF_TIME
    if query.has_follow_up is False:
        values["not_before"] = END_OF_TIME
    for index, choices in enumerate(query.words):
        values |= {f"word_{index}_{choice}": f"% {word}%" for choice, word in enumerate(choices)}
    return values


def word_queries(words: Iterable[Iterable[str]]) -> dict[str, str]:
    """Return the queries for the word index of each database.

    Words need no escaping: they contain no characters with a meaning in these query languages or in LIKE.
    """
    return {
        "match": _combine(words, '"{}" *', " OR ", " AND "),
        "tsquery": _combine(words, "'{}':*", " | ", " & "),
    }


def _combine(words: Iterable[Iterable[str]], prefix: str, any_of: str, all_of: str) -> str:
    return all_of.join(f"({any_of.join(map(prefix.format, choices))})" for choices in words)


def conditions(names: Names, c: Columns, word_index: str | None = None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions with these names. Words use the index of a database, or are compared if none is named."""
    yield from (_CONDITIONS[name](c) for name in names if name in _CONDITIONS)
    # OR instead of IN: SQLite uses its histogram to estimate an equality, but not for a list with one value.
    if statuses := [c.status == bindparam(name) for name in names if name.startswith("status_")]:
        yield or_(*statuses)
    words = [name for name in names if is_word(name)]
    if words and word_index:
        yield _IN_WORD_INDEX[word_index]
        return
    for _, choices in groupby(words, lambda name: name.split("_")[1]):
        yield or_(*(c.words.like(bindparam(choice)) for choice in choices))


def is_word(name: str) -> bool:
    """Return whether this is the name of a condition on a word."""
    return name.startswith("word_")
