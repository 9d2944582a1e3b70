"""Receive what public forms and form services send."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import PUBLIC
from leads_adapters.http.body import BODY_LIMITS, ApiRequest
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.form_bodies import FORM_MAX_BYTES, MEDIA_TYPES, form_type, read_fields
from leads_adapters.http.form_cors import is_allowed
from leads_adapters.http.form_pages import Correction, correction_page, error_response, thank_you_page
from leads_adapters.http.google_leads import read_google_lead
from leads_adapters.http.headers import header
from leads_adapters.http.parameters import Injected
from leads_adapters.http.rate_limit import RateLimiter
from leads_adapters.http.receiving import BodyLimits
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.forms import FormName
from leads_adapters.http.schemas.leads import Accepted
from leads_adapters.http.visitor_pages import is_program
from leads_domain.checking import truncate
from leads_domain.contact import NO_CONTACT
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.intake import Intake
from leads_domain.submission import SubmissionState
from leads_domain.use_cases.receive_submission import ReceiveSubmission

TEST_REASON = "Google Ads has sent it as a test."


@dataclass(frozen=True, slots=True)
class PublicForm:
    """A form as HTTP sees it. With a `google_key`, it takes the webhook of Google's lead forms."""

    origins: Collection[str] = ()
    redirect: str | None = None
    google_key: str | None = None
    limiter: RateLimiter | None = None


@dataclass(frozen=True, slots=True)
class FormServices:
    """The dependencies of the handler."""

    forms: Mapping[str, PublicForm]
    addresses: ClientAddresses
    database: Database
    receive_submission: ReceiveSubmission
    wake_processor: Callable[[], None]
    intake: Intake
    per_address: RateLimiter | None
    """Limits the requests for unknown forms."""

    async def store(self, request: ApiRequest, **submission: Any) -> Sequence[FieldError]:
        """Store a submission, have it processed after the response, and return its errors.

        They depend on its content only: neither they nor the time of the response tell who is known.
        """
        address = self.addresses.full(request.scope)
        stored = await self.database.write(self.receive_submission, remote_address=address, **submission)
        self.wake_processor()
        return self.intake.understand(stored).errors


class FormController(Controller):
    """The resource `/forms/{form}`."""

    path = "/forms"
    tags = ("Forms",)
    exception_handlers = {Exception: error_response}

    @post(
        "/{form:str}",
        status_code=202,
        opt={**PUBLIC, BODY_LIMITS: BodyLimits(FORM_MAX_BYTES), "form": MEDIA_TYPES},
        raises=[problems.FormForbidden, problems.RateLimited, problems.Unavailable],
    )
    async def submit_form(
        self, form: FromPath[FormName], request: ApiRequest, forms: Injected[FormServices]
    ) -> Response[Accepted]:
        """Submit a form.

        Stores what was sent as a submission, which becomes an enquiry. The response does not depend on what is stored:
        spam and enquiries of known people get the same one. A browser gets a page, or the redirect of the form. A
        client gets JSON if it sends JSON or accepts `application/json`. The fields are those of the form.
        """
        public_form = forms.forms.get(form)
        limiter = public_form.limiter if public_form else forms.per_address
        if limiter:
            limiter.count(forms.addresses.of(request.scope))
        if public_form is None:
            raise problems.NotFound(f"No form has the name {truncate(form)}.")
        _check_origin(request, public_form)
        type, origin = form_type(request.scope), form_origin(form)
        body = await request.body()
        if public_form.google_key is not None:
            await _store_google_lead(forms, request, origin, body, public_form.google_key)
            return JsonResponse(Accepted())
        content = read_fields(type, body)
        is_empty = not any(value.strip() for value in content.values())
        errors = [NO_CONTACT] if is_empty else await forms.store(request, origin=origin, content=content)
        return _response(request, public_form, content, errors)


def form_origin(name: str) -> str:
    """Return the origin of the submissions of a form."""
    return f"form:{name}"


def _check_origin(request: Request[Any, Any, Any], form: PublicForm) -> None:
    """Raise `FormForbidden` if the page that sends the form has another origin. Not all clients name one."""
    origin = header(request.scope, b"origin")
    if origin is not None and form.origins and not is_allowed(origin, form.origins):
        raise problems.FormForbidden(f"The form does not accept requests of pages of {truncate(origin)}.")


async def _store_google_lead(services: FormServices, request: ApiRequest, origin: str, body: bytes, key: str) -> None:
    lead = read_google_lead(body, key)
    state = SubmissionState.TEST if lead.is_test else SubmissionState.RECEIVED
    reason = TEST_REASON if lead.is_test else None
    await services.store(request, origin=origin, content=lead.fields, sender_id=lead.id, state=state, reason=reason)


def _response(
    request: ApiRequest, form: PublicForm, content: Mapping[str, str], errors: Sequence[FieldError]
) -> Response[Any]:
    if is_program(request.scope):
        if errors:
            raise ValidationFailed(errors)
        return JsonResponse(Accepted())
    if errors:
        return correction_page(_correction(error, content) for error in errors)
    return Redirect(form.redirect, status_code=303) if form.redirect else thank_you_page()


def _correction(error: FieldError, content: Mapping[str, str]) -> Correction:
    field = error.pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")
    return Correction(field, content.get(field, ""), error.detail)
