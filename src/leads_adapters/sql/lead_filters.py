"""The filters of a list of leads, as conditions by name, and their values."""

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
"""The columns of the table, or of a part of it, by name."""

_TIME = leads.c.created_at.type
_CONDITIONS: Mapping[str, Callable[[Columns], ColumnElement[bool]]] = {
    "email_key": lambda c: c.email_key == bindparam("email_key"),
    "source": lambda c: c.source == bindparam("source"),
    "owner_key": lambda c: c.owner_key == bindparam("owner_key"),
    "created_from": lambda c: c.created_at >= bindparam("created_from", type_=_TIME),
    "created_to": lambda c: c.created_at < bindparam("created_to", type_=_TIME),
    "updated_from": lambda c: c.updated_at >= bindparam("updated_from", type_=_TIME),
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
"""The filters that pass a range of a column: an unbroken part of a list that is ordered by it."""

_WORDS = table("lead_words", column("rowid"))
MATCHING = select(_WORDS.c.rowid).where(literal_column("lead_words").op("MATCH")(bindparam("match", type_=Text)))
"""Select from SQLite's index of words."""

_IN_WORD_INDEX: Mapping[str, ColumnElement[bool]] = {
    "sqlite": literal_column("leads.rowid").in_(MATCHING),
    "postgresql": literal_column("array_to_tsvector(string_to_array(ltrim(leads.words), ' '))").op("@@")(
        sql_cast(bindparam("tsquery", type_=Text), TSQUERY)
    ),
}


def filters(query: LeadQuery) -> dict[str, Any]:
    """Return the values of the filters, by the names of their conditions."""
    members = ("email_key", "source", "owner_key", "created_from", "created_to", "updated_from")
    given = {member: value for member in members if (value := getattr(query, member)) is not None}
    given |= {f"status_{place}": status for place, status in enumerate(dict.fromkeys(query.statuses))}
    if query.has_follow_up or query.follow_up_due_before:
        given["due_before"] = query.follow_up_due_before or END_OF_TIME
    if query.has_follow_up is False:
        given["not_before"] = END_OF_TIME
    for place, choices in enumerate(query.words):
        given |= {f"word_{place}_{choice}": f"% {word}%" for choice, word in enumerate(choices)}
    return given


def word_queries(words: Iterable[Iterable[str]]) -> dict[str, str]:
    """Return what the indexes of words are asked. No word holds a sign of their languages, or of LIKE."""
    return {
        "match": _all_of(words, '"{}" *', " OR ", " AND "),
        "tsquery": _all_of(words, "'{}':*", " | ", " & "),
    }


def _all_of(words: Iterable[Iterable[str]], begins: str, either: str, both: str) -> str:
    return both.join(f"({either.join(map(begins.format, choice))})" for choice in words)


def conditions(names: Names, c: Columns, word_index: str | None = None) -> Iterator[ColumnElement[bool]]:
    """Yield what leads must pass. Words are looked up in the index of a database, or compared if none is named."""
    yield from (_CONDITIONS[name](c) for name in names if name in _CONDITIONS)
    # Not IN: SQLite does not look up in its histogram how many leads have the only value of a list.
    if statuses := [c.status == bindparam(name) for name in names if name.startswith("status_")]:
        yield or_(*statuses)
    words = [name for name in names if is_word(name)]
    if words and word_index:
        yield _IN_WORD_INDEX[word_index]
        return
    for _, choices in groupby(words, lambda name: name.split("_")[1]):
        yield or_(*(c.words.like(bindparam(choice)) for choice in choices))


def is_word(name: str) -> bool:
    """Return whether the condition of this name is about a word."""
    return name.startswith("word_")
