"""A lead as the record of a person: merge and export it."""

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.conditional import condition
from leads_adapters.http.controllers.leads import lead_response
from leads_adapters.http.decoding import sent
from leads_adapters.http.dependencies import Injected
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.openapi.parts import CONDITIONAL, ETAG
from leads_adapters.http.parameters import PathId, lead_id
from leads_adapters.http.problem_responses import moved_response
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.leads import LeadView, NewMerge
from leads_adapters.http.schemas.personal_data import PersonalDataView, personal_data_view
from leads_domain.access import Permission
from leads_domain.errors import Merged
from leads_domain.lead import Lead
from leads_domain.use_cases.export_lead import export_lead
from leads_domain.use_cases.merge_leads import MergeLeads


class PersonalDataController(Controller):
    """The resources `/leads/{id}/merge` and `/leads/{id}/export`."""

    path = "/leads/{id:str}"
    tags = ("Leads",)
    exception_handlers = {Merged: moved_response}

    @post(
        "/merge",
        status_code=200,
        opt={**requires(Permission.CHANGE), **CONDITIONAL},
        raises=[problems.NotFound],
        response_description="The lead that survives.",
        response_headers=[ETAG],
    )
    async def merge_leads(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        data: JSONBody[NewMerge],
        write: Injected[IdempotentWrites],
        merge_leads: Injected[MergeLeads],
    ) -> Response[LeadView]:
        """Merge a duplicate into a lead.

        The members of this lead win; a phone number, a source, an owner and attributes that it does not have are
        taken from the duplicate. Timeline and follow-ups move over; the timeline lists everything that the duplicate
        was. Its id answers 301 from then on. Repeating a merge has no effect.
        """
        return await write(
            request,
            _merged,
            merge_leads,
            lead_id(id),
            sent(data),
            actor=request.user.name,
            precondition=condition(request).permits,
        )

    @get(
        "/export",
        opt=requires(Permission.ADMINISTER),
        raises=[problems.NotFound],
        response_description="Everything that is stored about the person.",
    )
    async def export_lead(self, id: FromPath[PathId], database: Injected[Database]) -> Response[PersonalDataView]:
        """Export a lead.

        Everything that is stored about the person, in one document.
        """
        return JsonResponse(personal_data_view(await database.read_long(export_lead, lead_id(id))))


def _merged(lead: Lead) -> JsonResponse[LeadView]:
    return lead_response(lead, status_code=200)
