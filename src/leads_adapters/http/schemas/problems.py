"""Problems as the OpenAPI document shows them: a schema for each type that has members of its own."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Id, Status
from leads_domain.access import Role
from leads_domain.follow_up import FollowUpState


class ProblemDetails(msgspec.Struct):
    """A problem (RFC 9457)."""

    type: Annotated[str, Meta(description="Which kind of problem: the path of a page that says what to do.")]
    title: str
    status: int
    detail: str
    instance: str


class ForbiddenProblem(ProblemDetails):
    """The key's role does not permit this."""

    type: Literal["/problems/forbidden"]
    role: Annotated[Role, Meta(description="The least role that would do.")]


class DuplicateLeadProblem(ProblemDetails):
    """Another lead has this e-mail address."""

    type: Literal["/problems/duplicate-lead"]
    existing_lead_id: Id


class IllegalTransitionProblem(ProblemDetails):
    """The pipeline does not have this move."""

    type: Literal["/problems/illegal-transition"]
    origin: Annotated[str, Meta(description="The present status.")] = msgspec.field(name="from")
    to: Status
    allowed: Annotated[list[Status], Meta(description="The statuses that can follow now.")]


class IllegalFollowUpStateProblem(ProblemDetails):
    """The follow-up's state does not allow this."""

    type: Literal["/problems/illegal-follow-up-state"]
    state: Annotated[FollowUpState, Meta(description="The present state.")]


class FieldError(msgspec.Struct):
    """One faulty member."""

    pointer: Annotated[str, Meta(description="A JSON Pointer (RFC 6901) into the body; empty for the whole body.")]
    detail: Annotated[str, Meta(description="What to do.")]


class ValidationFailedProblem(ProblemDetails):
    """Some members break a rule."""

    type: Literal["/problems/validation-failed"]
    errors: list[FieldError]


PROBLEM_SCHEMAS: Mapping[str, type[ProblemDetails]] = {
    "forbidden": ForbiddenProblem,
    "duplicate-lead": DuplicateLeadProblem,
    "illegal-transition": IllegalTransitionProblem,
    "illegal-follow-up-state": IllegalFollowUpStateProblem,
    "validation-failed": ValidationFailedProblem,
}
"""The schema of each type of problem that has more members than `ProblemDetails`."""
