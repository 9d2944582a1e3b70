"""List, get, accept and discard submissions."""

from dataclasses import dataclass
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pages import json_page
from leads_adapters.http.pagination import Cursors, page_response
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, PathId, checked_id
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.common import NO_NUL
from leads_adapters.http.schemas.enquiries import Corrections, EnquiryView
from leads_adapters.http.schemas.submissions import SubmissionView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission
from leads_domain.paging import LIMIT_DEFAULT, SubmissionQuery
from leads_domain.ports import UnitOfWork
from leads_domain.submission import Submission, SubmissionId, SubmissionState
from leads_domain.use_cases.accept_submission import AcceptSubmission
from leads_domain.use_cases.add_enquiry import EnquiryResult
from leads_domain.use_cases.discard_submission import discard_submission

InStates = Annotated[
    tuple[SubmissionState, ...],
    Meta(description="Only submissions in one of these states."),
    QueryParameter(name="state"),  # Litestar reserves the argument `state`
]
FromOrigin = Annotated[
    str, Meta(description="Only submissions from this origin.", examples=["form:contact"], extra_json_schema=NO_NUL)
]


@dataclass(frozen=True, slots=True)
class SubmissionServices:
    """The dependencies of the handlers."""

    database: Database
    write: IdempotentWrites
    accept_submission: AcceptSubmission


class SubmissionController(Controller):
    """The resource `/submissions`."""

    path = "/submissions"
    tags = ("Submissions",)

    @get(opt=requires(Permission.CHANGE))
    async def list_submissions(
        self,
        request: ApiRequest,
        submissions: Injected[SubmissionServices],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
        states: InStates = (),
        origin: FromQuery[FromOrigin | None] = None,
    ) -> Response[PageView[SubmissionView]]:
        """List submissions.

        Everything that came through forms, mailboxes and webhooks, newest first. `state=needs_review` lists the
        submissions that wait for a person.
        """
        cursors = Cursors.of_positions("submissions", states, origin)
        query = SubmissionQuery(
            states=tuple(dict.fromkeys(states)), origin=origin, limit=limit, after=cursors.decode(cursor)
        )
        database = submissions.database
        page = await database.read_long(lambda work: json_page(work.submissions.page(query), SubmissionView.of))
        total = await database.read_long(lambda work: work.submissions.count(query)) if count else UNSET
        return page_response(request, cursors, page, total)

    @get("/{id:str}", opt=requires(Permission.CHANGE))
    async def get_submission(
        self, id: FromPath[PathId], submissions: Injected[SubmissionServices]
    ) -> Response[SubmissionView]:
        """Get a submission."""
        submission_id = _submission_id(id)

        def read(work: UnitOfWork) -> Submission:
            return work.submissions.get(submission_id)

        return _submission_response(await submissions.database.read(read))

    @post(
        "/{id:str}/accept",
        status_code=200,
        opt=requires(Permission.CHANGE),
        raises=[problems.IllegalSubmissionState],
    )
    async def accept_submission(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        submissions: Injected[SubmissionServices],
        data: JSONBody[Corrections | None] = None,
    ) -> Response[EnquiryView]:
        """Accept a submission.

        It becomes an enquiry, as with `POST /enquiries`, whatever its state, but only once. The fields of the body
        replace those of the submission, for example a mistyped e-mail address; attributes are merged by name.
        """
        use_case, actor = submissions.accept_submission, request.user.name
        return await submissions.write(
            request, _enquiry_response, use_case, _submission_id(id), sent_fields(data), actor=actor
        )

    @post(
        "/{id:str}/discard", status_code=200, opt=requires(Permission.CHANGE), raises=[problems.IllegalSubmissionState]
    )
    async def discard_submission(
        self, request: ApiRequest, id: FromPath[PathId], submissions: Injected[SubmissionServices]
    ) -> Response[SubmissionView]:
        """Discard a submission.

        It stays in the list until it expires, and can still be accepted. An accepted submission cannot be discarded.
        Discarding it again has no effect.
        """
        return await submissions.write(request, _submission_response, discard_submission, _submission_id(id))


def _submission_id(text: str) -> SubmissionId:
    return SubmissionId(checked_id(text, "submission"))


def _submission_response(submission: Submission) -> JsonResponse[SubmissionView]:
    return JsonResponse(SubmissionView.of(submission), status_code=200)


def _enquiry_response(result: EnquiryResult) -> JsonResponse[EnquiryView]:
    return JsonResponse(EnquiryView.of(result), status_code=200, lead_id=result.lead.id)
