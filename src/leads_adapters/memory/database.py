"""Store everything in memory, until the process ends."""

import asyncio
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime

from leads_adapters.database import Arguments, ResultT, UseCase
from leads_adapters.memory.api_key_store import MemoryApiKeyStore
from leads_adapters.memory.calendar_store import MemoryCalendarStore
from leads_adapters.memory.digest_store import MemoryDigestStore
from leads_adapters.memory.follow_up_store import MemoryFollowUpStore
from leads_adapters.memory.idempotency_store import MemoryIdempotencyStore
from leads_adapters.memory.lead_store import MemoryLeadStore
from leads_adapters.memory.reports import MemoryReports
from leads_adapters.memory.similar_leads import MemorySimilarLeads
from leads_adapters.memory.submission_store import MemorySubmissionStore
from leads_adapters.memory.task_store import MemoryTaskStore
from leads_adapters.memory.timeline import MemoryTimeline
from leads_adapters.memory.turns import MemoryTurns
from leads_adapters.memory.unsubscribe_token_store import MemoryUnsubscribeTokenStore
from leads_domain.access import ApiKey
from leads_domain.calendar import Calendar, CalendarId
from leads_domain.digest import Digest, DigestId
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp, FollowUpId
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import Lead, LeadId
from leads_domain.submission import Submission, SubmissionId
from leads_domain.task import Task, TaskId
from leads_domain.unsubscribing import UnsubscribeToken


@dataclass(frozen=True, slots=True)
class _State:
    leads: dict[LeadId, Lead] = field(default_factory=dict)
    merged: dict[LeadId, tuple[LeadId, str]] = field(default_factory=dict)
    distinct: set[frozenset[LeadId]] = field(default_factory=set)
    follow_ups: dict[FollowUpId, FollowUp] = field(default_factory=dict)
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    digest_plan: list[datetime] = field(default_factory=list)
    digests: dict[DigestId, Digest] = field(default_factory=dict)
    submissions: dict[SubmissionId, Submission] = field(default_factory=dict)
    unsubscribe_tokens: dict[LeadId, UnsubscribeToken] = field(default_factory=dict)
    turns: list[int] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    calendars: dict[CalendarId, Calendar] = field(default_factory=dict)
    idempotency: dict[tuple[str, str], IdempotencyRecord] = field(default_factory=dict)

    def copy(self) -> "_State":
        return _State(*(copy(getattr(self, each.name)) for each in fields(self)))


class MemoryUnitOfWork:
    """The stores of one unit of work, on a copy of the state."""

    def __init__(self, state: _State) -> None:
        self.leads = MemoryLeadStore(state.leads, state.merged)
        self.follow_ups = MemoryFollowUpStore(state.follow_ups, state.leads, state.tasks)
        self.tasks = MemoryTaskStore(state.tasks)
        self.digests = MemoryDigestStore(state.digest_plan, state.digests)
        self.submissions = MemorySubmissionStore(state.submissions)
        self.unsubscribe_tokens = MemoryUnsubscribeTokenStore(state.unsubscribe_tokens)
        self.timeline = MemoryTimeline(state.timeline, state.positions)
        self.api_keys = MemoryApiKeyStore(state.api_keys)
        self.calendars = MemoryCalendarStore(
            state.calendars, state.leads, state.tasks, state.follow_ups, state.timeline
        )
        self.idempotency = MemoryIdempotencyStore(state.idempotency)
        self.turns = MemoryTurns(state.turns)
        self.reports = MemoryReports(state.leads, state.follow_ups, state.timeline)
        self.similar_leads = MemorySimilarLeads(state.leads, state.distinct)


class MemoryDatabase:
    """Run use cases one at a time, each on a copy of the state. If a write succeeds, its copy becomes the state."""

    def __init__(self) -> None:
        self._state = _State()

    async def read(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read`."""
        return use_case(MemoryUnitOfWork(self._state.copy()), *args, **kwargs)

    async def read_long(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_long`."""
        return await self.read(use_case, *args, **kwargs)

    async def read_background(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.read_background`."""
        return await self.read(use_case, *args, **kwargs)

    async def write(
        self, use_case: UseCase[Arguments, ResultT], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> ResultT:
        """See `Database.write`."""
        state = self._state.copy()
        result = use_case(MemoryUnitOfWork(state), *args, **kwargs)
        self._state = state
        return result

    async def check_ready(self) -> None:
        """See `Database.check_ready`. The database is always ready."""

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`. Other processes cannot change the state."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """See `Database.close`."""
