"""Add enquiries to new and existing leads."""

from dataclasses import dataclass

from litestar import Controller, Response, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.capture import Captures
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.parameters import Injected
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.enquiries import EnquiryView, NewEnquiry
from leads_adapters.http.schemas.leads import Accepted
from leads_domain.access import Permission, Role
from leads_domain.use_cases.add_enquiry import AddEnquiry, EnquiryOutcome, EnquiryResult


@dataclass(frozen=True, slots=True)
class EnquiryServices:
    """The dependencies of the handler."""

    write: IdempotentWrites
    add_enquiry: AddEnquiry
    capture: Captures


class EnquiryController(Controller):
    """The resource `/enquiries`."""

    path = "/enquiries"
    tags = ("Leads",)

    @post(
        opt=requires(Permission.CAPTURE),
        responses={
            200: ResponseSpec(EnquiryView, description="The existing lead with another enquiry."),
            201: ResponseSpec(EnquiryView, description="The new lead with its first enquiry."),
            202: ResponseSpec(
                Accepted, description="The response to a key with the role `capture`: the enquiry is stored."
            ),
        },
    )
    async def add_enquiry(
        self, request: ApiRequest, data: JSONBody[NewEnquiry], enquiries: Injected[EnquiryServices]
    ) -> Response[EnquiryView]:
        """Create an enquiry.

        The enquiry becomes a timeline entry of the person's lead, which is created if there is none. The e-mail address
        identifies the person; without one, the phone number does. Values that an existing lead lacks are filled. Its
        other values stay, and `differs` of the entry lists the new values that differ. For a key with the role
        `capture`, the enquiry is stored as a submission, which is processed soon after the response, and `owner` is
        ignored.
        """
        if request.user.role is Role.CAPTURE:
            return await enquiries.capture(request, data)
        values, actor = sent_fields(data), request.user.name
        return await enquiries.write(request, _enquiry_response, enquiries.add_enquiry, values, actor=actor)


def _enquiry_response(result: EnquiryResult) -> JsonResponse[EnquiryView]:
    is_new = result.outcome is EnquiryOutcome.LEAD_CREATED
    return JsonResponse(
        EnquiryView.of(result),
        status_code=201 if is_new else 200,
        headers={"location": f"/leads/{result.lead.id}"} if is_new else {},
        lead_id=result.lead.id,
    )
