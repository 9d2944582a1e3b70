"""What a lead is and what can happen to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType

from leads_domain.checking import check_text
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.details import REASON_MAX, Details, Scalar
from leads_domain.errors import Fault, Invalid, VersionMismatch
from leads_domain.events import Event, EventType, Json
from leads_domain.pipeline import Pipeline, Status

LeadId = NewType("LeadId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

Precondition = Callable[[int], bool]
"""Whether a caller wants a lead of this version to be changed."""


def any_version(_: int) -> bool:
    """The precondition of a caller who has none."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a lead brings along from another installation: where it stood, and since when it is known."""

    status: Status
    status_reason: str | None = None
    created_at: datetime
    contacted_at: datetime | None = None

    def faults(self, pipeline: Pipeline) -> list[Fault]:
        """What is wrong with it, here."""
        faults = list(pipeline.unknown(self.status))
        try:
            if self.status_reason is not None:
                check_text(self.status_reason, most=REASON_MAX)
        except Invalid as invalid:
            faults += (fault.under("status_reason") for fault in invalid.faults)
        return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A person or company that may buy.

    `version` counts what clients can see change. `contacted_at` is when somebody first took the
    lead up: its first move to a status that is neither closed nor the initial one. `next_follow_up_at` is the earliest
    due time among its scheduled follow-ups. Every change returns another lead and what happened;
    a change that changes nothing returns the same lead and no event.
    """

    id: LeadId
    name: str
    email: EmailAddress
    phone: PhoneNumber | None = None
    status: Status
    status_reason: str | None = None
    source: str | None = None
    owner: EmailAddress | None = None
    attributes: Mapping[str, Scalar]
    created_at: datetime
    updated_at: datetime
    contacted_at: datetime | None = None
    next_follow_up_at: datetime | None = None
    version: int = 1

    @classmethod
    def register(
        cls, id: LeadId, details: Details, pipeline: Pipeline, now: datetime, past: Past | None = None
    ) -> tuple["Lead", list[Event]]:
        """A new lead: at the start of the pipeline, or where its `past` has left it.

        `details` need at least a name and an e-mail address.
        """
        lead = cls(
            id=id,
            name=details["name"],
            email=details["email"],
            phone=details.get("phone"),
            status=past.status if past else pipeline.initial,
            status_reason=details.get("status_reason", past.status_reason if past else None),
            source=details.get("source"),
            owner=details.get("owner"),
            attributes=details.get("attributes", {}),
            created_at=past.created_at if past else now,
            updated_at=now,
            contacted_at=past.contacted_at if past else None,
        )
        return lead, [Event(EventType.LEAD_CREATED, {"status": lead.status, "source": lead.source})]

    def check_version(self, precondition: Precondition) -> None:
        """Raise `VersionMismatch` unless the lead is one that the caller means."""
        if not precondition(self.version):
            raise VersionMismatch(self.version)

    def change(self, changes: Details) -> tuple["Lead", list[Event]]:
        """Overwrite the given members."""
        told: dict[str, Json] = {
            member: {"from": _told(getattr(self, member)), "to": _told(value)}
            for member, value in changes.items()
            if not _same(getattr(self, member), value)
        }
        if not told:
            return self, []
        return replace(self, **changes), [Event(EventType.LEAD_UPDATED, {"changes": told})]

    def move(self, pipeline: Pipeline, status: Status, reason: str | None, now: datetime) -> tuple["Lead", list[Event]]:
        """Go to `status`, for `reason`; to stay where it is is always allowed and changes nothing.

        Raises `IllegalTransition`, or `Invalid` if the status needs a reason and there is none.
        """
        if status == self.status:
            return self, []
        pipeline.check_move(self.status, status)
        pipeline.check_reason(status, reason)
        open_again = status not in pipeline.closed and status != pipeline.initial
        contacted_at = self.contacted_at or (now if open_again else None)
        moved = replace(self, status=status, status_reason=reason, contacted_at=contacted_at)
        data: dict[str, Json] = {"from": self.status, "to": status, "reason": reason}
        return moved, [Event(EventType.LEAD_STATUS_CHANGED, data)]

    def revised(self, now: datetime) -> "Lead":
        """The same lead as its next version: what every unit of work that changed it keeps, once."""
        return replace(self, updated_at=now, version=self.version + 1)


def _same(one: object, other: object) -> bool:
    """Equal, and not only as Python sees it: 1, 1.0 and True are three values in JSON."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


def _told(value: object) -> Json:
    """A member's value as the timeline tells it."""
    return str(value) if isinstance(value, EmailAddress | PhoneNumber) else value  # type: ignore[return-value]
