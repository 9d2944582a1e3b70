"""Write leads directly into the tables, many at a time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Engine, insert

from benchmarks import sample
from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.tables import END_OF_TIME, leads, tasks, timeline
from leads_adapters.sql.word_index import rebuild_word_index
from leads_domain.contact import EmailAddress
from leads_domain.events import EventType
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.search import index_words, name_key
from leads_domain.similarity import mailbox

Sample = Callable[[int], dict[str, Any]]

_CHUNK = 10_000
_STEP = timedelta(milliseconds=10)
_new_id = Uuid7Source().new


def fill(engine: Engine, number: int, sample_of: Sample = sample.lead) -> list[str]:
    """Store this number of leads with their timeline entries and tasks, and return their ids."""
    numbers = iter(range(number))
    now = datetime.now(UTC)
    ids: list[str] = []
    with engine.begin() as connection:
        while chunk := list(islice(numbers, _CHUNK)):
            samples = [sample_of(each) for each in chunk]
            to_do = [each.pop("task", None) for each in samples]
            rows = [
                _lead(values, now - (number - each) * _STEP, now) for each, values in zip(chunk, samples, strict=True)
            ]
            connection.execute(insert(leads), rows)
            if any(to_do):
                connection.execute(
                    insert(tasks), [_task(lead, now=now, **task) for lead, task in zip(rows, to_do, strict=True)]
                )
            connection.execute(insert(timeline), [_created(row) for row in rows])
            ids += (row["id"] for row in rows)
        rebuild_word_index(connection)
    return ids


def _lead(values: dict[str, Any], at: datetime, now: datetime) -> dict[str, Any]:
    unchanged_for, follow_up_in = values.pop("unchanged_for", None), values.pop("next_follow_up_in", None)
    follow_up_at = None if follow_up_in is None else now + follow_up_in
    return (
        {"status": DEFAULT_PIPELINE.initial}
        | values
        | {
            "id": _new_id(),
            "identity": values["email"].lower(),
            "owner_key": values["owner"],
            "attributes": msgspec.json.encode(values["attributes"]).decode(),
            "created_at": at,
            "updated_at": at if unchanged_for is None else max(at, now - unchanged_for),
            "next_follow_up_at": follow_up_at,
            "next_follow_up_key": follow_up_at or END_OF_TIME,
            "version": 1,
            "name_key": name_key(values["name"]),
            "mailbox": mailbox(EmailAddress(values["email"], values["email"].lower())),
            "words": index_words(values["name"], values["email"], values["source"], phone=values["phone"]),
        }
    )


def _task(lead: Mapping[str, Any], *, now: datetime, state: str, due_in: timedelta, text: str) -> dict[str, Any]:
    done = state == "done"
    return {
        "id": _new_id(),
        "lead_id": lead["id"],
        "assignee": lead["owner"],
        "assignee_key": lead["owner_key"],
        "text": text,
        "due_at": now + due_in,
        "remind": 0,
        "state": state,
        "outcome": "They think about it." if done else None,
        "done_at": now if done else None,
        "created_at": lead["created_at"],
        "updated_at": lead["updated_at"],
        "version": 1,
    }


def _created(lead: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _new_id(),
        "lead_id": lead["id"],
        "type": EventType.LEAD_CREATED.value,
        "at": lead["created_at"],
        "actor": "benchmark",
        "data": msgspec.json.encode({"status": lead["status"], "source": lead["source"]}).decode(),
    }
