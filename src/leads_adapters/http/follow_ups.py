"""The resources /leads/{id}/follow-up(s) and /follow-ups."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.decoding import Body
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.paging import Cursors, page_answer
from leads_adapters.http.schemas import NewFollowUp, PageQuery
from leads_adapters.http.views import FollowUpView, PageView, follow_up_view
from leads_domain.access import Permission
from leads_domain.follow_up import FollowUpId
from leads_domain.lead import LeadId
from leads_domain.use_cases.find_follow_ups import find_follow_up, list_follow_ups_of_lead
from leads_domain.use_cases.trigger_follow_up import FollowUpWishes, TriggerFollowUp

_CURSORS = Cursors.of_positions()


@dataclass(frozen=True, slots=True)
class FollowUpRoutes:
    """Schedules follow-ups and shows what became of them. `on_scheduled` is called after each."""

    database: Database
    trigger_follow_up: TriggerFollowUp
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
        """Schedule a follow-up of a lead: to the lead, on the default channel, now, unless the body says otherwise.

        It is stored before this answers, and sent at its due time; failed attempts are repeated. It ends
        sent, cancelled, or visibly failed.
        """
        id = LeadId(call.id("lead"))
        wishes = cast(FollowUpWishes, await call.body(self.trigger_follow_up.check))
        follow_up = await self.database.write(self.trigger_follow_up, id, wishes, actor=call.principal.name)
        self.on_scheduled()
        location = (b"location", f"/follow-ups/{follow_up.id}".encode())
        return json_answer(follow_up_view(follow_up), status=202, headers=(location,))

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
        """List the follow-ups of a lead by due time."""
        query: PageQuery = call.query
        id = LeadId(call.id("lead"))
        after = _CURSORS.decode(query.cursor, "follow-ups", id)
        found = await self.database.read(list_follow_ups_of_lead, id, after=after, limit=query.limit)
        return page_answer(found, follow_up_view, lambda at: _CURSORS.encode(at, "follow-ups", id), call.request)

    @operation(
        method="GET",
        path="/follow-ups/{id:str}",
        tag="Follow-ups",
        permission=Permission.READ,
        replies={200: Reply(means="The follow-up.", schema=FollowUpView)},
        problems=("not-found",),
    )
    async def find(self, call: Call) -> Answer:
        """Answer one follow-up."""
        return json_answer(follow_up_view(await self.database.read(find_follow_up, FollowUpId(call.id("follow-up")))))
