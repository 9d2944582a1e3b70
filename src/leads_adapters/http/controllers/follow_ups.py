"""Create, get, list, update, cancel and retry follow-ups."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from litestar import Controller, Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pages import json_page, read_page
from leads_adapters.http.pagination import Cursors, page_response
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, PathId, checked_id, lead_id
from leads_adapters.http.query import invalid_parameter
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.common import Channel, Time
from leads_adapters.http.schemas.follow_ups import FollowUpPatch, FollowUpView, NewFollowUp
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission
from leads_domain.checking import check_time
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState
from leads_domain.paging import LIMIT_DEFAULT, FollowUpQuery, Page, Position
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.change_follow_up import ChangeFollowUp, FollowUpAction, reschedule
from leads_domain.use_cases.find_follow_ups import ListFollowUps
from leads_domain.use_cases.trigger_follow_up import TriggerFollowUp

InStates = Annotated[
    tuple[FollowUpState, ...],
    Meta(description="Only follow-ups in one of these states."),
    QueryParameter(name="state"),  # Litestar reserves the argument `state`
]
Overdue = Annotated[bool, Meta(description="Only scheduled follow-ups whose due time has passed.")]
OnChannel = Annotated[Channel, Meta(description="Only follow-ups on this channel.")]
DueBefore = Annotated[Time, Meta(description="Only follow-ups that are due before this time.")]


@dataclass(frozen=True, slots=True)
class FollowUpServices:
    """The dependencies of the handlers. `on_scheduled` is called after each change."""

    database: Database
    write: IdempotentWrites
    trigger_follow_up: TriggerFollowUp
    change_follow_up: ChangeFollowUp
    list_follow_ups: ListFollowUps
    on_scheduled: Callable[[], None]

    async def list(
        self, request: ApiRequest, cursors: Cursors[Position], query: FollowUpQuery, *, overdue: bool, count: bool
    ) -> JsonResponse[PageView[FollowUpView]]:
        """Return a page of follow-ups."""

        def read(work: UnitOfWork, bytes_max: int) -> Page[bytes, Position]:
            page = self.list_follow_ups(work, replace(query, bytes_max=bytes_max), overdue=overdue)
            return json_page(page, FollowUpView.of)

        page = await read_page(self.database, read)
        total = await self.database.read_long(self.list_follow_ups.count, query, overdue=overdue) if count else UNSET
        return page_response(request, cursors, page, total)

    async def change(self, request: ApiRequest, id: str, step: FollowUpAction) -> Response[FollowUpView]:
        """Change a follow-up and return it."""
        response: Response[FollowUpView] = await self.write(
            request, _follow_up_response, self.change_follow_up, _follow_up_id(id), step, actor=request.user.name
        )
        self.on_scheduled()
        return response


class LeadFollowUpController(Controller):
    """The resources `/leads/{id}/follow-up` and `/leads/{id}/follow-ups`."""

    path = "/leads/{id:str}"
    tags = ("Follow-ups",)

    @post("/follow-up", status_code=202, opt=requires(Permission.CHANGE), raises=[problems.DoNotContact])
    async def create_follow_up(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        follow_ups: Injected[FollowUpServices],
        data: JSONBody[NewFollowUp | None] = None,
    ) -> Response[FollowUpView]:
        """Create a follow-up of a lead.

        By default it goes to the lead, on the default channel, at once. It is stored before the response is sent,
        and delivered at its due time. Failed attempts are retried until the follow-up is `sent`, `failed` or
        `cancelled`. A lead with `do_not_contact` gets none (409); its owner does.
        """
        response: Response[FollowUpView] = await follow_ups.write(
            request,
            _created_response,
            follow_ups.trigger_follow_up,
            lead_id(id),
            sent_fields(data),
            actor=request.user.name,
        )
        follow_ups.on_scheduled()
        return response

    @get("/follow-ups", opt=requires(Permission.READ))
    async def list_follow_ups_of_lead(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        follow_ups: Injected[FollowUpServices],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
    ) -> Response[PageView[FollowUpView]]:
        """List the follow-ups of a lead.

        Ordered by due time.
        """
        lead = lead_id(id)
        cursors = Cursors.of_positions("follow-ups", lead)
        query = FollowUpQuery(lead_id=lead, limit=limit, after=cursors.decode(cursor))
        return await follow_ups.list(request, cursors, query, overdue=False, count=count)


class FollowUpController(Controller):
    """The resource `/follow-ups`."""

    path = "/follow-ups"
    tags = ("Follow-ups",)

    @get(opt=requires(Permission.READ))
    async def list_follow_ups(
        self,
        request: ApiRequest,
        follow_ups: Injected[FollowUpServices],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
        states: InStates = (),
        overdue: FromQuery[Overdue] = False,
        due_before: FromQuery[DueBefore | None] = None,
        channel: FromQuery[OnChannel | None] = None,
    ) -> Response[PageView[FollowUpView]]:
        """List follow-ups.

        The follow-ups of all leads, ordered by due time.
        """
        cursors = Cursors.of_positions("all follow-ups", states, overdue, due_before, channel)
        query = FollowUpQuery(
            states=tuple(dict.fromkeys(states)),
            channel=channel,
            due_before=_checked_due_before(due_before),
            limit=limit,
            after=cursors.decode(cursor),
        )
        return await follow_ups.list(request, cursors, query, overdue=overdue, count=count)

    @get("/{id:str}", opt=requires(Permission.READ))
    async def get_follow_up(self, id: FromPath[PathId], database: Injected[Database]) -> Response[FollowUpView]:
        """Get a follow-up."""
        follow_up_id = _follow_up_id(id)
        return JsonResponse(FollowUpView.of(await database.read(lambda work: work.follow_ups.get(follow_up_id))))

    @patch("/{id:str}", opt=requires(Permission.CHANGE), raises=[problems.DoNotContact, problems.IllegalFollowUpState])
    async def update_follow_up(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        data: JSONBody[FollowUpPatch],
        follow_ups: Injected[FollowUpServices],
    ) -> Response[FollowUpView]:
        """Update a follow-up.

        A JSON Merge Patch (RFC 7396) of a scheduled follow-up; `application/merge-patch+json` is accepted as well.
        The message cannot be changed while it is being sent (409).
        """
        return await follow_ups.change(request, id, reschedule(sent_fields(data)))

    @post("/{id:str}/cancel", status_code=200, opt=requires(Permission.CHANGE), raises=[problems.IllegalFollowUpState])
    async def cancel_follow_up(
        self, request: ApiRequest, id: FromPath[PathId], follow_ups: Injected[FollowUpServices]
    ) -> Response[FollowUpView]:
        """Cancel a follow-up.

        Only a scheduled follow-up can be cancelled.
        """
        return await follow_ups.change(request, id, FollowUp.cancel)

    @post(
        "/{id:str}/retry",
        status_code=200,
        opt=requires(Permission.CHANGE),
        raises=[problems.DoNotContact, problems.IllegalFollowUpState],
    )
    async def retry_follow_up(
        self, request: ApiRequest, id: FromPath[PathId], follow_ups: Injected[FollowUpServices]
    ) -> Response[FollowUpView]:
        """Retry a follow-up.

        Only a failed follow-up can be retried. It is sent at once, with as many attempts as a new one.
        """
        return await follow_ups.change(request, id, FollowUp.retry)


def _follow_up_id(text: str) -> FollowUpId:
    return FollowUpId(checked_id(text, "follow-up"))


def _checked_due_before(due_before: datetime | None) -> datetime | None:
    try:
        return None if due_before is None else check_time(due_before)
    except ValidationFailed as invalid:
        errors = [error.under("due_before") for error in invalid.errors]
        raise invalid_parameter(ValidationFailed(errors)) from None


def _created_response(follow_up: FollowUp) -> JsonResponse[FollowUpView]:
    return _follow_up_response(follow_up, 202, {"location": f"/follow-ups/{follow_up.id}"})


def _follow_up_response(
    follow_up: FollowUp, status_code: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse[FollowUpView]:
    content = FollowUpView.of(follow_up)
    return JsonResponse(content, status_code=status_code, headers=headers, lead_id=follow_up.lead_id)
