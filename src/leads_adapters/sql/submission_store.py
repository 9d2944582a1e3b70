"""Store submissions in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Executable, Select, bindparam, delete, func, null, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import submissions
from leads_domain.errors import NotFound, Unavailable
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, SubmissionQuery
from leads_domain.submission import Submission, SubmissionId, SubmissionState

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in submissions.columns}
_ID, _RECEIVED_AT, _CONTENT = map(list(_COLUMNS).index, ("id", "received_at", "content"))
_ADD: dict[str, Executable] = {
    "sqlite": sqlite.insert(submissions).values(_COLUMNS).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(submissions).values(_COLUMNS).on_conflict_do_nothing(),
}
_BY_ID = select(submissions).where(submissions.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_BY_DIGEST = select(submissions).where(submissions.c.digest == bindparam("digest"))
_BY_CONTENT_DIGEST = select(submissions).where(submissions.c.content_digest == bindparam("content_digest"))
_RELEASE_DIGESTS = (
    update(submissions).where(submissions.c.id == bindparam("id_")).values(digest=null(), content_digest=null())
)
_UPDATE = (
    update(submissions)
    .where(submissions.c.id == bindparam("id_"))
    .values({name: bindparam(name) for name in ("state", "reason", "lead_id")})
)
_MOVE = update(submissions).where(submissions.c.lead_id == bindparam("from_lead")).values(lead_id=bindparam("to_lead"))
_ERASE = delete(submissions).where(submissions.c.lead_id == bindparam("lead_id"))
_UNPROCESSED = (
    select(submissions.c.id)
    .where(submissions.c.state == SubmissionState.RECEIVED.value)
    .order_by(submissions.c.received_at, submissions.c.id)
    .limit(bindparam("limit"))
)
_DELETE_EXPIRED = delete(submissions).where(
    submissions.c.id.in_(
        select(submissions.c.id)
        .where(submissions.c.received_at < bindparam("before"))
        .order_by(submissions.c.received_at, submissions.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )
)
_ATTEMPTS_MAX = 5
"""The maximum number of attempts to add a submission while others with its digest are deleted."""

_decode_content = msgspec.json.Decoder(dict[str, str]).decode


class SqlSubmissionStore:
    """Stores submissions in the table `submissions`, where `digest` and `content_digest` are unique."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, submission: Submission, *, repeated_within: timedelta | None) -> Submission:
        """See `SubmissionStore.add`. Waits for a concurrent writer with one of its digests (ON CONFLICT)."""
        for _ in range(_ATTEMPTS_MAX):
            if self._runner.change(_ADD[self._runner.dialect], **_row(submission)):
                return submission
            row = self._repeated(submission)
            if row is None:
                continue
            if repeated_within is None or abs(submission.received_at - row[_RECEIVED_AT]) < repeated_within:
                return _submission(row)
            self._runner.change(_RELEASE_DIGESTS, id_=row[_ID])
        raise Unavailable("Other requests keep deleting an equal submission. Try again.")

    def get(self, id: SubmissionId) -> Submission:
        """See `SubmissionStore.get`."""
        return self._get(_BY_ID, id)

    def get_for_update(self, id: SubmissionId) -> Submission:
        """See `SubmissionStore.get_for_update`. SQLite has one writer at a time: SQLAlchemy omits FOR UPDATE."""
        return self._get(_BY_ID_LOCKED, id)

    def save(self, submission: Submission) -> None:
        """See `SubmissionStore.save`."""
        self._runner.change(
            _UPDATE,
            id_=submission.id,
            state=submission.state.value,
            reason=submission.reason,
            lead_id=submission.lead_id,
        )

    def page(self, query: SubmissionQuery) -> Page[Submission, Position]:
        """See `SubmissionStore.page`."""
        after = {"after_at": query.after.at, "after_id": query.after.id} if query.after else {}
        runs = [{**values, **after} for values in _filter_values(query)]
        found = self._runner.page(
            _page(frozenset(runs[0])),
            *runs,
            large=_CONTENT,
            limit=query.limit,
            bytes_max=query.bytes_max,
            key=itemgetter(_RECEIVED_AT, _ID),
            reverse=True,
        )
        items = [_submission(row) for row in found.items]
        next = Position(items[-1].received_at, items[-1].id) if found.has_more else None
        return Page(items, next, found.is_cut)

    def count(self, query: SubmissionQuery) -> int:
        """See `SubmissionStore.count`."""
        numbers = [self._runner.all(_count(frozenset(values)), **values) for values in _filter_values(query)]
        return sum(number for ((number,),) in numbers)

    def unprocessed(self, *, limit: int) -> Sequence[SubmissionId]:
        """See `SubmissionStore.unprocessed`."""
        return [SubmissionId(id) for (id,) in self._runner.all(_UNPROCESSED, limit=limit)]

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `SubmissionStore.move`."""
        self._runner.change(_MOVE, from_lead=from_lead, to_lead=to_lead)

    def erase(self, lead_id: LeadId) -> None:
        """See `SubmissionStore.erase`."""
        self._runner.change(_ERASE, lead_id=lead_id)

    def delete_expired(self, *, before: datetime, limit: int) -> int:
        """See `SubmissionStore.delete_expired`."""
        return self._runner.change(_DELETE_EXPIRED, before=before, limit=limit)

    def _repeated(self, submission: Submission) -> Row | None:
        """Return the row that has one of the digests of a submission."""
        by_digest = self._runner.first(_BY_DIGEST, digest=submission.digest) if submission.digest else None
        if by_digest is not None or submission.content_digest is None:
            return by_digest
        return self._runner.first(_BY_CONTENT_DIGEST, content_digest=submission.content_digest)

    def _get(self, statement: Executable, id: SubmissionId) -> Submission:
        row = self._runner.first(statement, id=id)
        if row is None:
            raise NotFound("submission", id)
        return _submission(row)


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "lead_id": submissions.c.lead_id == bindparam("lead_id"),
    "origin": submissions.c.origin == bindparam("origin"),
    "state": submissions.c.state == bindparam("state"),
    "after_id": tuple_(submissions.c.received_at, submissions.c.id)
    < tuple_(
        bindparam("after_at", type_=submissions.c.received_at.type), bindparam("after_id", type_=submissions.c.id.type)
    ),
}


def _filter_values(query: SubmissionQuery) -> list[dict[str, Any]]:
    """Return the filters of each statement that a query needs, so that each statement reads along an index.

    A query for states or for an origin needs one statement for each state.
    """
    values = {"lead_id": query.lead_id, "origin": query.origin}
    given = {name: value for name, value in values.items() if value is not None}
    states = query.states or (SubmissionState if query.origin else ())
    return [{**given, "state": state.value} for state in states] or [given]


def _conditions(filters: frozenset[str]) -> list[ColumnElement[bool]]:
    return [_CONDITIONS[name] for name in _CONDITIONS if name in filters]


@lru_cache
def _page(filters: frozenset[str]) -> Select[Any]:
    newest_first = submissions.c.received_at.desc(), submissions.c.id.desc()
    return select(submissions).where(*_conditions(filters)).order_by(*newest_first).limit(bindparam("limit"))


@lru_cache
def _count(filters: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(submissions).where(*_conditions(filters))


def _row(submission: Submission) -> dict[str, Any]:
    return {
        "id": submission.id,
        "received_at": submission.received_at,
        "origin": submission.origin,
        "state": submission.state.value,
        "reason": submission.reason,
        "lead_id": submission.lead_id,
        "content": msgspec.json.encode(submission.content).decode(),
        "remote_address": submission.remote_address,
        "digest": submission.digest,
        "content_digest": submission.content_digest,
    }


def _submission(row: Row) -> Submission:
    (id, received_at, origin, state, reason, lead_id, content, remote_address, digest, content_digest) = row
    return Submission(
        id=id,
        received_at=received_at,
        origin=origin,
        state=SubmissionState(state),
        reason=reason,
        lead_id=lead_id,
        content=_decode_content(content),
        remote_address=remote_address,
        digest=digest,
        content_digest=content_digest,
    )
