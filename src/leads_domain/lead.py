"""A lead and its changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NewType

from leads_domain.checking import check_text
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.details import REASON_MAX, Details, Scalar, check_attributes
from leads_domain.errors import FieldError, ValidationFailed, VersionMismatch
from leads_domain.events import Event, EventType, Json, rfc3339
from leads_domain.pipeline import Pipeline, Status

LeadId = NewType("LeadId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

Precondition = Callable[[int], bool]
"""Whether a caller wants a lead of this version to be changed."""


def any_version(_: int) -> bool:
    """Permit any version: the precondition of a caller who has none."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedState:
    """Status and times that an import brings along for a new lead.

    `status_attribute` names the attribute that keeps a status which the pipeline does not have. Without it, such a
    status is refused.
    """

    status: Status | None = None
    status_reason: str | None = None
    created_at: datetime | None = None
    contacted_at: datetime | None = None
    status_attribute: str | None = None

    def errors(self) -> list[FieldError]:
        """Return the broken rules, the status aside."""
        try:
            if self.status_reason is not None:
                check_text(self.status_reason, max_length=REASON_MAX)
        except ValidationFailed as invalid:
            return [error.under("status_reason") for error in invalid.errors]
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A person or company that may buy.

    `version` counts the changes that clients can see. `contacted_at` is the time of first contact: the first move to
    a status that is neither closed nor the initial one. `next_follow_up_at` is the earliest due time of its scheduled
    follow-ups. Every change returns another lead and the events; one without effect the same lead and no event.
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
        cls, id: LeadId, details: Details, pipeline: Pipeline, now: datetime, state: ImportedState | None = None
    ) -> tuple["Lead", list[Event]]:
        """Return a new lead, at the start of the pipeline unless its imported state names a status.

        `details` need at least a name and an e-mail address. Without a time of creation, a lead that was contacted
        before is as old as that contact.
        """
        state = state or ImportedState()
        lead = cls(
            id=id,
            name=details["name"],
            email=details["email"],
            phone=details.get("phone"),
            status=state.status or pipeline.initial,
            status_reason=details.get("status_reason", state.status_reason if state.status else None),
            source=details.get("source"),
            owner=details.get("owner"),
            attributes=details.get("attributes", {}),
            created_at=state.created_at or min(now, state.contacted_at or now),
            updated_at=now,
            contacted_at=state.contacted_at,
        )
        return lead, [Event(EventType.LEAD_CREATED, {"status": lead.status, "source": lead.source})]

    def check_version(self, precondition: Precondition) -> None:
        """Raise `VersionMismatch` unless the caller wants this version to be changed."""
        if not precondition(self.version):
            raise VersionMismatch(self.version)

    def change(self, changes: Details, *, merge_attributes: bool = False) -> tuple["Lead", list[Event]]:
        """Overwrite the given members: attributes as a whole, or each by itself with `merge_attributes`."""
        if merge_attributes and "attributes" in changes:
            changes = {**changes, "attributes": _merged(self.attributes, changes["attributes"])}
        changed = replace(self, **changes)
        before, after = self.to_dict(), changed.to_dict()
        differences: dict[str, Json] = {
            member: {"from": before[member], "to": after[member]}
            for member, value in changes.items()
            if not _same(getattr(self, member), value)
        }
        if not differences:
            return self, []
        return changed, [Event(EventType.LEAD_UPDATED, {"changes": differences})]

    def change_status(
        self, pipeline: Pipeline, status: Status, reason: str | None, now: datetime
    ) -> tuple["Lead", list[Event]]:
        """Go to `status`, for `reason`. A move to the present status is allowed and changes nothing.

        Raises `IllegalTransition`, or `ValidationFailed` if the status needs a reason and there is none.
        """
        if status == self.status:
            return self, []
        pipeline.check_transition(self.status, status)
        pipeline.check_reason(status, reason)
        open_again = status not in pipeline.closed and status != pipeline.initial
        contacted_at = self.contacted_at or (now if open_again else None)
        moved = replace(self, status=status, status_reason=reason, contacted_at=contacted_at)
        data: dict[str, Json] = {"from": self.status, "to": status, "reason": reason}
        return moved, [Event(EventType.LEAD_STATUS_CHANGED, data)]

    def revised(self, now: datetime) -> "Lead":
        """Return the lead as its next version. Each unit of work that changes a lead calls it once."""
        return replace(self, updated_at=now, version=self.version + 1)

    def to_dict(self, time_text: Callable[[datetime], str] = rfc3339) -> dict[str, Any]:
        """Return the members as values of JSON, named and written as in the API, in the order of the fields.

        An adapter can pass a faster `time_text`, which returns the same.
        """
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email.address,
            "phone": str(self.phone) if self.phone else None,
            "status": self.status,
            "status_reason": self.status_reason,
            "source": self.source,
            "owner": self.owner.address if self.owner else None,
            "attributes": self.attributes,
            "created_at": time_text(self.created_at),
            "updated_at": time_text(self.updated_at),
            "contacted_at": time_text(self.contacted_at) if self.contacted_at else None,
            "next_follow_up_at": time_text(self.next_follow_up_at) if self.next_follow_up_at else None,
            "version": self.version,
        }


def _same(one: object, other: object) -> bool:
    """Return whether two values are equal in JSON, where 1, 1.0 and True are three values."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


def _merged(present: Mapping[str, Scalar], added: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    try:
        return check_attributes({**present, **added})
    except ValidationFailed as invalid:
        raise ValidationFailed([error.under("attributes") for error in invalid.errors]) from None
