"""Leads and their changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, cast

from leads_domain.checking import check_text
from leads_domain.contact import EmailAddress, PhoneNumber, identity_of
from leads_domain.details import NAME_MAX, REASON_MAX, Details, Scalar, check_attribute_number
from leads_domain.errors import FieldError, ValidationFailed, VersionMismatch
from leads_domain.events import Event, EventType, Json, rfc3339
from leads_domain.pipeline import Pipeline, Status

LeadId = NewType("LeadId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

Precondition = Callable[[int], bool]
"""A function that returns whether the caller permits a change to a lead at this version."""


class OptOutWay(StrEnum):
    """The way in which a person has opted out of messages.

    `link` is the link in a message, and `reply` a reply to one. `api` is a request of a client, which includes imported
    files and merges.
    """

    LINK = "link"
    API = "api"
    REPLY = "reply"


def any_version(_: int) -> bool:
    """Permit any version. This is the default precondition."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedState:
    """The status and the times of a new lead from an import.

    `status_attribute` names the attribute that stores an unknown status. Without it, an unknown status is an error.
    """

    status: Status | None = None
    status_reason: str | None = None
    created_at: datetime | None = None
    contacted_at: datetime | None = None
    status_attribute: str | None = None

    def errors(self) -> list[FieldError]:
        """Return the errors of these values, except those of the status."""
        try:
            if self.status_reason is not None:
                check_text(self.status_reason, max_length=REASON_MAX)
        except ValidationFailed as invalid:
            return [error.under("status_reason") for error in invalid.errors]
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A person or company that may become a customer, with an e-mail address, a phone number or both.

    `version` counts the changes that clients can see. `contacted_at` is the time of first contact: the first transition
    to a status that is neither closed nor initial. `next_follow_up_at` is the earliest due time of the scheduled
    follow-ups. With `do_not_contact`, the person has opted out and gets no messages. `email_bounced` means that a
    message to `email` was returned for good; a new address resets it. Methods that change a lead return the new lead
    and the events; if nothing changes, the same lead and no events.
    """

    id: LeadId
    name: str
    email: EmailAddress | None = None
    phone: PhoneNumber | None = None
    status: Status
    status_reason: str | None = None
    source: str | None = None
    owner: EmailAddress | None = None
    do_not_contact: bool = False
    attributes: Mapping[str, Scalar]
    created_at: datetime
    updated_at: datetime
    contacted_at: datetime | None = None
    next_follow_up_at: datetime | None = None
    version: int = 1
    email_bounced: bool = False

    @classmethod
    def register(
        cls, id: LeadId, details: Details, pipeline: Pipeline, now: datetime, state: ImportedState | None = None
    ) -> tuple["Lead", list[Event]]:
        """Return a new lead, in the initial status unless its imported state has a status.

        `details` need at least a name, and an e-mail address or a phone number. An imported lead without a creation
        time is as old as its first contact.
        """
        state = state or ImportedState()
        lead = cls(
            id=id,
            name=details["name"],
            email=details.get("email"),
            phone=details.get("phone"),
            status=state.status or pipeline.initial,
            status_reason=details.get("status_reason", state.status_reason if state.status else None),
            source=details.get("source"),
            owner=details.get("owner"),
            do_not_contact=details.get("do_not_contact", False),
            attributes=details.get("attributes", {}),
            created_at=state.created_at or min(now, state.contacted_at or now),
            updated_at=max(now, state.created_at or now),
            contacted_at=state.contacted_at,
        )
        events = [Event(EventType.LEAD_CREATED, {"status": lead.status, "source": lead.source})]
        if lead.do_not_contact:
            events.append(_opted_out(OptOutWay.API))
        return lead, events

    @property
    def identity(self) -> str:
        """The e-mail key, else the phone number. No two stored leads have the same identity."""
        return identity_of(self.email, self.phone)

    @property
    def has_default_name(self) -> bool:
        """Return whether the name is the e-mail address or the phone number, because no name was given."""
        return self.name in (self.email and str(self.email)[:NAME_MAX], self.phone and str(self.phone))

    def check_version(self, precondition: Precondition) -> None:
        """Raise `VersionMismatch` unless the precondition permits this version."""
        if not precondition(self.version):
            raise VersionMismatch(self.version)

    def change(self, changes: Details, *, merge_attributes: bool = False) -> tuple["Lead", list[Event]]:
        """Replace the fields in `changes`.

        Attributes are replaced as a whole. With `merge_attributes`, they are merged by name, and none is removed.
        `do_not_contact` can only become true: `opt_in` is the other way.
        Raises `ValidationFailed` for too many attributes, or if neither e-mail address nor phone number would remain.
        """
        if merge_attributes and "attributes" in changes:
            changes = {**changes, "attributes": _merge_attributes(self.attributes, changes["attributes"])}
        opted_out, events = self.opt_out(OptOutWay.API) if changes.get("do_not_contact") else (self, [])
        values = cast(Details, {field: value for field, value in changes.items() if field != "do_not_contact"})
        different = [field for field, value in values.items() if not is_same_json(getattr(self, field), value)]
        if not different:
            return opted_out, events
        changed = replace(opted_out, **values)
        if (changed.email and changed.email.key) != (self.email and self.email.key):
            changed = replace(changed, email_bounced=False)
        identity_of(changed.email, changed.phone)
        before, after = self.to_dict(), changed.to_dict()
        differences: dict[str, Json] = {field: {"from": before[field], "to": after[field]} for field in different}
        return changed, [Event(EventType.LEAD_UPDATED, {"changes": differences}), *events]

    def opt_out(self, way: OptOutWay) -> tuple["Lead", list[Event]]:
        """Opt out of messages. See `use_cases.opt_out`, which also cancels the scheduled ones."""
        return (self, []) if self.do_not_contact else (replace(self, do_not_contact=True), [_opted_out(way)])

    def opt_in(self) -> tuple["Lead", list[Event]]:
        """Permit messages again. Only a client can: it knows that the person wants them."""
        if not self.do_not_contact:
            return self, []
        return replace(self, do_not_contact=False), [Event(EventType.LEAD_OPTED_IN, {"way": OptOutWay.API.value})]

    def change_status(
        self, pipeline: Pipeline, status: Status, reason: str | None, now: datetime
    ) -> tuple["Lead", list[Event]]:
        """Change the status, and replace the reason. A change to the current status has no effect.

        Raises `IllegalTransition`, or `ValidationFailed` if the status requires a reason and there is none.
        """
        if status == self.status:
            return self, []
        pipeline.check_transition(self.status, status)
        pipeline.check_reason(status, reason)
        is_contacted = status not in pipeline.closed and status != pipeline.initial
        contacted_at = self.contacted_at or (max(now, self.created_at) if is_contacted else None)
        changed = replace(self, status=status, status_reason=reason, contacted_at=contacted_at)
        data: dict[str, Json] = {"from": self.status, "to": status, "reason": reason}
        return changed, [Event(EventType.LEAD_STATUS_CHANGED, data)]

    def with_bounced_email(self) -> "Lead":
        """Mark the e-mail address as one that accepts no mail. Clients cannot see this, so the version stays."""
        return replace(self, email_bounced=True)

    def revised(self, now: datetime) -> "Lead":
        """Return the next version of the lead. Call it once in each unit of work that changes the lead.

        A change is no earlier than the last one, even if the clock was set back since.
        """
        return replace(self, updated_at=max(now, self.updated_at), version=self.version + 1)

    def to_dict(self, time_text: Callable[[datetime], str] = rfc3339) -> dict[str, Any]:
        """Return the fields with the names and JSON values of the API, in the order of the class.

        An adapter can pass a faster implementation of `rfc3339` as `time_text`.
        """
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email.address if self.email else None,
            "phone": str(self.phone) if self.phone else None,
            "status": self.status,
            "status_reason": self.status_reason,
            "source": self.source,
            "owner": self.owner.address if self.owner else None,
            "do_not_contact": self.do_not_contact,
            "attributes": self.attributes,
            "created_at": time_text(self.created_at),
            "updated_at": time_text(self.updated_at),
            "contacted_at": time_text(self.contacted_at) if self.contacted_at else None,
            "next_follow_up_at": time_text(self.next_follow_up_at) if self.next_follow_up_at else None,
            "version": self.version,
        }


VISIBLE_FIELDS = tuple(field.name for field in fields(Lead) if field.name != "email_bounced")
"""The fields that clients see, in the order of `Lead.to_dict`."""


def _opted_out(way: OptOutWay) -> Event:
    return Event(EventType.LEAD_OPTED_OUT, {"way": way.value})


def is_same_json(one: object, other: object) -> bool:
    """Return whether two values are the same in JSON. There 1, 1.0 and True differ, which are equal in Python."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same_json(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


def _merge_attributes(current: Mapping[str, Scalar], added: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    try:
        return check_attribute_number({**current, **added})
    except ValidationFailed as invalid:
        raise ValidationFailed([error.under("attributes") for error in invalid.errors]) from None
