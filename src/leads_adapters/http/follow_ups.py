"""The resources /leads/{id}/follow-up(s) and /follow-ups."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.decoding import MERGE_PATCH, Body
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.paging import Cursors, page_answer, rendered, wrong_parameters
from leads_adapters.http.schemas import FollowUpListQuery, FollowUpPatch, NewFollowUp, PageQuery
from leads_adapters.http.views import FollowUpView, PageView, follow_up_view
from leads_domain.access import Permission
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpId
from leads_domain.lead import LeadId
from leads_domain.paging import FollowUpQuery, Page, Position
from leads_domain.use_cases.change_follow_up import (
    ChangeFollowUp,
    FollowUpChanges,
    Step,
    check_follow_up_changes,
    rescheduling,
)
from leads_domain.use_cases.find_follow_ups import ListFollowUps, find_follow_up
from leads_domain.use_cases.trigger_follow_up import FollowUpInput, TriggerFollowUp, check_due_at

_CURSORS = Cursors.of_positions()


@dataclass(frozen=True, slots=True)
class FollowUpRoutes:
    """Schedules follow-ups and shows what became of them. `on_scheduled` is called after each change."""

    database: Database
    trigger_follow_up: TriggerFollowUp
    change_follow_up: ChangeFollowUp
    list_follow_ups: ListFollowUps
    on_scheduled: Callable[[], None]

    @operation(
        method="POST",
        path="/leads/{id:str}/follow-up",
        tag="Follow-ups",
        permission=Permission.CHANGE,
        body=Body(NewFollowUp, optional=True),
        replies={202: Reply(means="The scheduled follow-up.", schema=FollowUpView, headers=("Location",))},
        problems=("not-found",),
    )
    async def trigger(self, call: Call) -> Answer:
        """Create a follow-up of a lead.

        It goes to the lead, on the default channel, now, unless the body says otherwise. It is stored before this
        answers, and sent at its due time; failed attempts are repeated. It ends sent, cancelled, or visibly failed.
        """
        id = LeadId(call.id("lead"))
        wishes = cast(FollowUpInput, await call.body(self.trigger_follow_up.check))
        answer = await call.write(
            self.database, _scheduled, self.trigger_follow_up, id, wishes, actor=call.principal.name
        )
        self.on_scheduled()
        return answer

    @operation(
        method="GET",
        path="/leads/{id:str}/follow-ups",
        tag="Follow-ups",
        permission=Permission.READ,
        query=PageQuery,
        replies={200: Reply(means="A page of follow-ups.", schema=PageView[FollowUpView], headers=("Link",))},
        problems=("not-found",),
    )
    async def browse_of_lead(self, call: Call) -> Answer:
        """List the follow-ups of a lead, by due time."""
        id = LeadId(call.id("lead"))
        return await self._list(call, FollowUpQuery(lead_id=id, limit=call.query.limit), "follow-ups", id)

    @operation(
        method="GET",
        path="/follow-ups",
        tag="Follow-ups",
        permission=Permission.READ,
        query=FollowUpListQuery,
        replies={200: Reply(means="A page of follow-ups.", schema=PageView[FollowUpView], headers=("Link",))},
    )
    async def browse(self, call: Call) -> Answer:
        """List follow-ups of all leads, by due time."""
        query: FollowUpListQuery = call.query
        asked = FollowUpQuery(
            states=tuple(dict.fromkeys(query.state)),
            channel=query.channel,
            due_before=_in_utc(query.due_before),
            limit=query.limit,
        )
        return await self._list(call, asked, "all follow-ups", overdue=query.overdue)

    async def _list(self, call: Call, asked: FollowUpQuery, *scope: object, overdue: bool = False) -> Answer:
        async def page(after: Position | None) -> Page[FollowUpView, Position]:
            query = replace(asked, after=after)
            return rendered(await self.database.read(self.list_follow_ups, query, overdue=overdue), follow_up_view)

        async def total() -> int:
            return await self.database.read_long(self.list_follow_ups.count, asked, overdue=overdue)

        return await page_answer(call, _CURSORS, *scope, page=page, total=total)

    @operation(
        method="GET",
        path="/follow-ups/{id:str}",
        tag="Follow-ups",
        permission=Permission.READ,
        replies={200: Reply(means="The follow-up.", schema=FollowUpView)},
        problems=("not-found",),
    )
    async def find(self, call: Call) -> Answer:
        """Get a follow-up."""
        return json_answer(follow_up_view(await self.database.read(find_follow_up, FollowUpId(call.id("follow-up")))))

    @operation(
        method="PATCH",
        path="/follow-ups/{id:str}",
        tag="Follow-ups",
        permission=Permission.CHANGE,
        body=Body(FollowUpPatch, MERGE_PATCH),
        replies={200: Reply(means="The follow-up as it is now.", schema=FollowUpView)},
        problems=("not-found", "illegal-follow-up-state"),
    )
    async def change(self, call: Call) -> Answer:
        """Update a follow-up.

        Put a scheduled one off, or reword it: a JSON Merge Patch (RFC 7396), also as `application/merge-patch+json`.
        The message cannot change while it is being sent (409).
        """
        id = FollowUpId(call.id("follow-up"))
        changes = cast(FollowUpChanges, await call.body(check_follow_up_changes))
        return await self._step(id, rescheduling(changes), call)

    @operation(
        method="POST",
        path="/follow-ups/{id:str}/cancel",
        tag="Follow-ups",
        permission=Permission.CHANGE,
        replies={200: Reply(means="The cancelled follow-up.", schema=FollowUpView)},
        problems=("not-found", "illegal-follow-up-state"),
    )
    async def cancel(self, call: Call) -> Answer:
        """Cancel a follow-up, if it is still scheduled."""
        return await self._step(FollowUpId(call.id("follow-up")), FollowUp.cancel, call)

    @operation(
        method="POST",
        path="/follow-ups/{id:str}/retry",
        tag="Follow-ups",
        permission=Permission.CHANGE,
        replies={200: Reply(means="The follow-up, scheduled again.", schema=FollowUpView)},
        problems=("not-found", "illegal-follow-up-state"),
    )
    async def retry(self, call: Call) -> Answer:
        """Retry a failed follow-up, at once and as often as at first."""
        return await self._step(FollowUpId(call.id("follow-up")), FollowUp.retry, call)

    async def _step(self, id: FollowUpId, step: Step, call: Call) -> Answer:
        answer = await call.write(self.database, _answer, self.change_follow_up, id, step, actor=call.principal.name)
        self.on_scheduled()
        return answer


def _answer(follow_up: FollowUp) -> Answer:
    return json_answer(follow_up_view(follow_up), lead_id=follow_up.lead_id)


def _scheduled(follow_up: FollowUp) -> Answer:
    location = (b"location", f"/follow-ups/{follow_up.id}".encode())
    return json_answer(follow_up_view(follow_up), status=202, headers=(location,), lead_id=follow_up.lead_id)


def _in_utc(due_before: datetime | None) -> datetime | None:
    try:
        return None if due_before is None else check_due_at(due_before)
    except ValidationFailed as invalid:
        raise wrong_parameters(ValidationFailed([fault.under("due_before") for fault in invalid.errors])) from None
