"""Define the bodies of submissions."""

from typing import Annotated

from msgspec import Meta

from leads_adapters.http.schemas.common import NULL, Id, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.submission import SubmissionState


class SubmissionView(View):
    """An unchanged submission of a form, a mailbox or a webhook."""

    id: Id
    received_at: Utc
    origin: Annotated[
        str, Meta(description="The form, mailbox or webhook that it came through.", examples=["form:contact"])
    ]
    state: Annotated[
        SubmissionState,
        Meta(
            description="`received` until it is processed, which takes a moment. `accepted` submissions are enquiries, "
            "or replies of a lead; `ignored` means automatic mail.",
            examples=["accepted"],
        ),
    ]
    reason: Annotated[str | None, Meta(description="A sentence that explains the state, if it needs one."), NULL]
    lead_id: Annotated[Id | None, Meta(description="The lead of an accepted submission.")]
    content: Annotated[
        dict[str, str],
        Meta(
            description="The fields as they were sent.",
            examples=[{"your-name": "Ada", "your-mail": "ada@example.com"}],
        ),
    ]
    remote_address: Annotated[str | None, Meta(description="The IP address of the sender, if it is known."), NULL]
