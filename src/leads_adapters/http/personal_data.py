"""Send a person's data as JSON, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import msgspec

from leads_adapters.database import Database
from leads_adapters.http.problems import RETRY_LATER, Unavailable
from leads_adapters.http.schemas.follow_ups import FollowUpView
from leads_adapters.http.schemas.leads import LeadView, PersonalDataView
from leads_adapters.http.schemas.submissions import SubmissionView
from leads_adapters.http.schemas.tasks import TaskView
from leads_adapters.http.schemas.timeline import TimelineEntryView
from leads_adapters.times import time_text
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.export_lead import export_lead

MEMORY_MAX = 2**20
"""The size of an export, in bytes, above which it goes to an unnamed temporary file."""

_PIECE = 2**16
_encoder = msgspec.json.Encoder()


async def personal_data(database: Database, id: LeadId) -> AsyncIterator[bytes]:
    """Yield the export of a lead in pieces. Raises `NotFound` or `Unavailable` before the first one.

    The export is read completely first: a slow client would otherwise keep a snapshot of the database
    (docs/decisions/0038-bounded-pages.md).
    """
    with SpooledTemporaryFile(MEMORY_MAX, prefix="leads-") as spool:
        await database.read_background(_write, id, spool)
        spool.seek(0)
        while piece := await asyncio.to_thread(spool.read, _PIECE):
            yield piece


def _write(work: UnitOfWork, id: LeadId, spool: IO[bytes]) -> None:
    export = export_lead(work, id)
    try:
        spool.seek(0)  # the unit of work may run again
        spool.truncate()
        for name, separator in zip(PersonalDataView.__struct_fields__, b"{,,,,,,,", strict=True):
            spool.write(b'%c"%s":' % (separator, name.encode()))
            spool.writelines(_VALUES[name](getattr(export, name)))
        spool.write(b"}\n")
    except OSError as error:
        detail = "The service cannot write to its folder for temporary files. The operator must free space there."
        raise Unavailable(detail, headers=RETRY_LATER) from error


def _value(value: object) -> Iterator[bytes]:
    yield _encoder.encode(value)


def _times(times: Iterable[datetime]) -> Iterator[bytes]:
    return _value([time_text(at) for at in times])


def _array(view: Callable[[Any], object]) -> Callable[[Iterable[Any]], Iterator[bytes]]:
    def pieces(items: Iterable[Any]) -> Iterator[bytes]:
        opening = b"["
        for item in items:
            yield opening + _encoder.encode(view(item))
            opening = b","
        yield b"]" if opening == b"," else b"[]"

    return pieces


_VALUES: Mapping[str, Callable[[Any], Iterator[bytes]]] = {
    "lead": lambda lead: _value(LeadView.of(lead)),
    "merged_ids": _value,
    "distinct_ids": _value,
    "follow_ups": _array(FollowUpView.of),
    "tasks": _array(TaskView.of),
    "timeline": _array(TimelineEntryView.of),
    "submissions": _array(SubmissionView.of),
    "replied_at": _times,
}
