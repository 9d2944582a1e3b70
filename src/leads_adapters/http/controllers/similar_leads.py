"""List the possible duplicates of a lead, and mark leads as different people."""

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from leads_adapters.database import Database
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.controllers.leads import lead_response
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pages import json_page
from leads_adapters.http.pagination import json_array
from leads_adapters.http.parameters import Injected, PathId, lead_id
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.leads import LeadView
from leads_adapters.http.schemas.similar_leads import NewDistinct, SimilarLeadView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission
from leads_domain.paging import Page
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.find_similar_leads import find_similar_leads, mark_distinct


class SimilarLeadController(Controller):
    """The resources `/leads/{id}/similar` and `/leads/{id}/distinct`."""

    path = "/leads/{id:str}"
    tags = ("Leads",)

    @get("/similar", opt=requires(Permission.READ))
    async def list_similar_leads(
        self, id: FromPath[PathId], database: Injected[Database]
    ) -> Response[PageView[SimilarLeadView]]:
        """List possible duplicates of a lead.

        Up to 20 leads with the same phone number, the same name, or an e-mail address that differs only in dots or in
        a tag (`+tag`), best first, on one page. If one is the same person, merge it; if not, mark it as distinct.
        """
        wanted = lead_id(id)

        def read(work: UnitOfWork) -> Page[bytes, None]:
            return json_page(Page(find_similar_leads(work, wanted), None), SimilarLeadView.of)

        page = await database.read_long(read)
        return JsonResponse(PageView(json_array(page.items), None))

    @post("/distinct", status_code=200, opt=requires(Permission.CHANGE))
    async def mark_distinct(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        data: JSONBody[NewDistinct],
        write: Injected[IdempotentWrites],
    ) -> Response[LeadView]:
        """Mark two leads as different people.

        Neither is a possible duplicate of the other from then on. Returns the lead of the path, which does not change.
        Repeating the request has no effect.
        """
        return await write(request, lead_response, mark_distinct, lead_id(id), sent_fields(data))
