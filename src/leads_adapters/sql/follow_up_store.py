"""Store follow-ups in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from leads_adapters.sql.claims import claim, is_free, is_scheduled
from leads_adapters.sql.statements import Row, StatementRunner
from leads_adapters.sql.tables import HAS_FAILED, follow_ups, leads, tasks
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId, FollowUpState, Lease, Recipient
from leads_domain.lead import LeadId
from leads_domain.paging import FollowUpQuery, Page, Position
from leads_domain.task import TaskState

_COLUMNS: dict[str, Any] = {column.name: bindparam(column.name) for column in follow_ups.columns}
_ADD = insert(follow_ups).values(_COLUMNS)
_BY_ID = select(follow_ups).where(follow_ups.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_UPDATE = (
    update(follow_ups)
    .where(follow_ups.c.id == bindparam("id_"))
    .values({name: column for name, column in _COLUMNS.items() if name != "id"})
)
_MOVE = update(follow_ups).where(follow_ups.c.lead_id == bindparam("from_lead")).values(lead_id=bindparam("to_lead"))
_ERASE = delete(follow_ups).where(follow_ups.c.lead_id == bindparam("lead_id"))
_SCHEDULED_OF_LEAD = (
    select(follow_ups)
    .where(follow_ups.c.lead_id == bindparam("lead_id"), follow_ups.c.state == FollowUpState.SCHEDULED.value)
    .order_by(follow_ups.c.due_at, follow_ups.c.id)
    .with_for_update()
)
_IS_SCHEDULED, _IS_FREE = is_scheduled(follow_ups), is_free(follow_ups)
# A recursive query steps from channel to channel along the index. GROUP BY would read every scheduled follow-up.
_FIRST_CHANNEL = select(func.min(follow_ups.c.channel).label("channel")).where(_IS_SCHEDULED)
_CHANNELS = _FIRST_CHANNEL.cte("channels", recursive=True)
_NEXT_CHANNEL = _FIRST_CHANNEL.where(follow_ups.c.channel > _CHANNELS.c.channel).scalar_subquery()
_CHANNELS = _CHANNELS.union_all(select(_NEXT_CHANNEL).where(_CHANNELS.c.channel.is_not(None)))
_NEXT_ATTEMPT = (
    select(follow_ups.c.next_attempt_at)
    .where(_IS_SCHEDULED, _IS_FREE, follow_ups.c.channel == _CHANNELS.c.channel)
    .order_by(follow_ups.c.next_attempt_at)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_NEXT_ATTEMPTS = select(_CHANNELS.c.channel, _NEXT_ATTEMPT).where(_CHANNELS.c.channel.is_not(None))
_BACKLOG = (
    select(
        follow_ups.c.channel,
        func.count(),
        func.count().filter(follow_ups.c.next_attempt_at <= bindparam("now")),
        func.min(follow_ups.c.next_attempt_at),
    )
    .where(_IS_SCHEDULED)
    .group_by(follow_ups.c.channel)
)
_CLAIM = claim(follow_ups, follow_ups.c.channel == bindparam("channel"))
_REMINDS_OF_OPEN_TASK = exists().where(tasks.c.id == follow_ups.c.task_id, tasks.c.state == TaskState.OPEN.value)
_RECENTLY_FAILED = (
    HAS_FAILED,
    follow_ups.c.updated_at >= bindparam("since"),
    or_(follow_ups.c.task_id.is_(None), _REMINDS_OF_OPEN_TASK),
)
_FAILED = (
    select(follow_ups)
    .where(*_RECENTLY_FAILED)
    .order_by(follow_ups.c.updated_at.desc(), follow_ups.c.id.desc())
    .limit(bindparam("limit"))
)
_COUNT_FAILED = select(func.count()).select_from(follow_ups).where(*_RECENTLY_FAILED)
_IS_OF_OWNER = exists().where(leads.c.id == follow_ups.c.lead_id, leads.c.owner_key == bindparam("owner_key"))
_FAILED_OF_OWNER, _COUNT_FAILED_OF_OWNER = _FAILED.where(_IS_OF_OWNER), _COUNT_FAILED.where(_IS_OF_OWNER)
_OWNERS_OF_FAILED = (
    select(leads.c.owner_key, func.min(leads.c.owner))
    .join(follow_ups, follow_ups.c.lead_id == leads.c.id)
    .where(*_RECENTLY_FAILED, leads.c.owner_key.is_not(None))
    .group_by(leads.c.owner_key)
)
_ID, _MESSAGE, _DUE_AT = map(list(_COLUMNS).index, ("id", "message", "due_at"))

NOTIFICATION = "leads_follow_ups"
"""The name of PostgreSQL's notification after a commit that scheduled a follow-up."""

_NOTIFY = select(func.pg_notify(NOTIFICATION, ""))


class SqlFollowUpStore:
    """Stores follow-ups in the table `follow_ups`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def add(self, follow_up: FollowUp) -> None:
        """See `FollowUpStore.add`."""
        self._runner.change(_ADD, **_row(follow_up))
        self._notify_dispatchers(follow_up)

    def get(self, id: FollowUpId) -> FollowUp:
        """See `FollowUpStore.get`."""
        return self._get(_BY_ID, id)

    def get_for_update(self, id: FollowUpId) -> FollowUp:
        """See `FollowUpStore.get_for_update`."""
        return self._get(_BY_ID_LOCKED, id)

    def save(self, follow_up: FollowUp) -> None:
        """See `FollowUpStore.save`."""
        values = _row(follow_up)
        self._runner.change(_UPDATE, id_=values.pop("id"), **values)
        self._notify_dispatchers(follow_up)

    def page(self, query: FollowUpQuery) -> Page[FollowUp, Position]:
        """See `FollowUpStore.page`."""
        values = _filter_values(query)
        if query.after is not None:
            values |= {"after_at": query.after.at, "after_id": query.after.id}
        # One run for each state: each reads in the order of an index.
        runs = ({**values, "state": state.value} for state in query.states or FollowUpState)
        found = self._runner.page(
            _page(frozenset(values)),
            *runs,
            large=_MESSAGE,
            limit=query.limit,
            bytes_max=query.bytes_max,
            key=itemgetter(_DUE_AT, _ID),
        )
        items = [_follow_up(row) for row in found.items]
        next = Position(items[-1].due_at, items[-1].id) if found.has_more else None
        return Page(items, next, found.is_cut)

    def count(self, query: FollowUpQuery) -> int:
        """See `FollowUpStore.count`."""
        values = _filter_values(query)
        statement = _count(frozenset(values))
        numbers = [self._runner.all(statement, state=state.value, **values) for state in query.states or FollowUpState]
        return sum(number for ((number,),) in numbers)

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """See `FollowUpStore.scheduled_of_lead`."""
        return [_follow_up(row) for row in self._runner.all(_SCHEDULED_OF_LEAD, lead_id=lead_id)]

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `FollowUpStore.move`."""
        self._runner.change(_MOVE, from_lead=from_lead, to_lead=to_lead)

    def erase(self, lead_id: LeadId) -> None:
        """See `FollowUpStore.erase`."""
        self._runner.change(_ERASE, lead_id=lead_id)

    def next_attempts(self, now: datetime) -> Mapping[str, datetime]:
        """See `FollowUpStore.next_attempts`."""
        return {channel: at for channel, at in self._runner.all(_NEXT_ATTEMPTS, now=now) if at is not None}

    def backlog(self, now: datetime) -> Mapping[str, Backlog]:
        """See `FollowUpStore.backlog`."""
        rows = self._runner.all(_BACKLOG, now=now)
        return {
            channel: Backlog(scheduled=scheduled, due=due, next_attempt_at=at) for channel, scheduled, due, at in rows
        }

    def claim_due(self, channel: str, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """See `FollowUpStore.claim_due`."""
        rows = self._runner.all(_CLAIM, channel=channel, now=now, owner=owner, until=until, limit=limit)
        claimed = [_follow_up(row) for row in rows]
        return sorted(claimed, key=lambda follow_up: (follow_up.next_attempt_at or now, follow_up.id))

    def recently_failed(self, since: datetime, *, owner_key: str | None, limit: int) -> Sequence[FollowUp]:
        """See `FollowUpStore.recently_failed`."""
        values = {"since": since, "limit": limit}
        if owner_key is None:
            rows = self._runner.all(_FAILED, **values)
        else:
            rows = self._runner.all(_FAILED_OF_OWNER, owner_key=owner_key, **values)
        return [_follow_up(row) for row in rows]

    def count_recently_failed(self, since: datetime, *, owner_key: str | None) -> int:
        """See `FollowUpStore.count_recently_failed`."""
        if owner_key is None:
            ((number,),) = self._runner.all(_COUNT_FAILED, since=since)
        else:
            ((number,),) = self._runner.all(_COUNT_FAILED_OF_OWNER, since=since, owner_key=owner_key)
        return int(number)

    def owners_of_failed(self, since: datetime) -> Sequence[EmailAddress]:
        """See `FollowUpStore.owners_of_failed`."""
        return [EmailAddress(owner, key) for key, owner in self._runner.all(_OWNERS_OF_FAILED, since=since)]

    def _notify_dispatchers(self, follow_up: FollowUp) -> None:
        """Notify dispatchers of a scheduled follow-up. On SQLite, they poll for changes instead."""
        if self._runner.dialect == "postgresql" and follow_up.state is FollowUpState.SCHEDULED:
            self._runner.first(_NOTIFY)

    def _get(self, statement: Executable, id: FollowUpId) -> FollowUp:
        row = self._runner.first(statement, id=id)
        if row is None:
            raise NotFound("follow-up", id)
        return _follow_up(row)


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "lead_id": follow_ups.c.lead_id == bindparam("lead_id"),
    "channel": follow_ups.c.channel == bindparam("channel"),
    "task_id": follow_ups.c.task_id == bindparam("task_id"),
    "due_before": follow_ups.c.due_at < bindparam("due_before"),
    "after_id": tuple_(follow_ups.c.due_at, follow_ups.c.id)
    > tuple_(bindparam("after_at", type_=follow_ups.c.due_at.type), bindparam("after_id", type_=follow_ups.c.id.type)),
}


def _filter_values(query: FollowUpQuery) -> dict[str, Any]:
    names = ("lead_id", "channel", "task_id", "due_before")
    return {name: value for name in names if (value := getattr(query, name)) is not None}


def _conditions(filters: frozenset[str]) -> list[ColumnElement[bool]]:
    return [follow_ups.c.state == bindparam("state"), *(_CONDITIONS[name] for name in _CONDITIONS if name in filters)]


@lru_cache
def _page(filters: frozenset[str]) -> Select[Any]:
    ordered = select(follow_ups).where(*_conditions(filters)).order_by(follow_ups.c.due_at, follow_ups.c.id)
    return ordered.limit(bindparam("limit"))


@lru_cache
def _count(filters: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(follow_ups).where(*_conditions(filters))


def _row(follow_up: FollowUp) -> dict[str, Any]:
    # The column `recipient` holds only `lead` or `owner`. A follow-up to another address is stored as `owner`, with
    # that address in `recipient_address`.
    address = None if follow_up.recipient in list(Recipient) else follow_up.recipient
    return {
        "id": follow_up.id,
        "lead_id": follow_up.lead_id,
        "recipient": Recipient.OWNER if address else follow_up.recipient,
        "channel": follow_up.channel,
        "message": follow_up.message,
        "due_at": follow_up.due_at,
        "state": follow_up.state.value,
        "attempts": follow_up.attempts,
        "last_error": follow_up.last_error,
        "next_attempt_at": follow_up.next_attempt_at,
        "sent_at": follow_up.sent_at,
        "created_at": follow_up.created_at,
        "updated_at": follow_up.updated_at,
        "lease_owner": follow_up.lease.owner if follow_up.lease else None,
        "lease_until": follow_up.lease.until if follow_up.lease else None,
        "claims": follow_up.claims,
        "rule_status": follow_up.rule_status,
        "recipient_address": address,
        "task_id": follow_up.task_id,
        "by_rule": int(follow_up.by_rule),
    }


def _follow_up(row: Row) -> FollowUp:
    (id, lead_id, recipient, channel, message, due_at, state, attempts, last_error, *rest) = row
    next_attempt_at, sent_at, created_at, updated_at, lease_owner, lease_until, claims, *rest = rest
    rule_status, address, task_id, by_rule = rest
    return FollowUp(
        id=id,
        lead_id=lead_id,
        recipient=address or Recipient(recipient),
        channel=channel,
        message=message,
        due_at=due_at,
        state=FollowUpState(state),
        attempts=attempts,
        last_error=last_error,
        next_attempt_at=next_attempt_at,
        sent_at=sent_at,
        created_at=created_at,
        updated_at=updated_at,
        lease=Lease(owner=lease_owner, until=lease_until) if lease_owner else None,
        claims=claims,
        rule_status=rule_status,
        task_id=task_id,
        by_rule=bool(by_rule),
    )
