"""Enquiries of people: validate them, and compare them with the lead of the person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from leads_domain.checking import check_fields, check_text, optional
from leads_domain.contact import EmailAddress, identity_of
from leads_domain.details import ATTRIBUTES_MAX, NAME_MAX, RULES, Details, DetailsInput, contact_errors
from leads_domain.errors import FieldError
from leads_domain.events import Event, EventType, Json
from leads_domain.lead import Lead, is_same_json
from leads_domain.sources import Normalizer

MESSAGE_MAX = 10_000


class EnquiryInput(DetailsInput, total=False):
    """An enquiry as a client sends it. It needs an e-mail address or a phone number."""

    message: str | None


@dataclass(frozen=True, slots=True)
class Enquiry:
    """A valid enquiry. `details` are the values that the person gave."""

    details: Details
    message: str | None

    @property
    def identity(self) -> str:
        """Return the identity of the person: the e-mail key, else the phone number."""
        return identity_of(self.details.get("email"), self.details.get("phone"))

    @property
    def details_of_new_lead(self) -> Details:
        """Return the details with a name: by default, the e-mail address or the phone number."""
        default = str(self.details.get("email") or self.details.get("phone"))
        return {**self.details, "name": self.details.get("name") or default[:NAME_MAX]}

    def add_to(self, lead: Lead) -> tuple[Lead, list[Event]]:
        """Fill the missing values of a lead; return the lead and the events.

        No other value changes: the first event lists the values of the enquiry that differ from the lead.
        """
        filled, updated = lead.change(self._missing_in(lead))
        data: dict[str, Json] = {
            "message": self.message,
            "source": self.details.get("source"),
            "attributes": self.details.get("attributes", {}),
            "differs": self._differences(filled),
        }
        return filled, [Event(EventType.LEAD_ENQUIRED, data), *updated]

    def _missing_in(self, lead: Lead) -> Details:
        attributes = {**lead.attributes}
        for name, value in self.details.get("attributes", {}).items():
            if len(attributes) < ATTRIBUTES_MAX:
                attributes.setdefault(name, value)
        return Details(
            name=self.details.get("name") or lead.name if lead.has_default_name else lead.name,
            email=lead.email or self.details.get("email"),
            phone=lead.phone or self.details.get("phone"),
            source=lead.source or self.details.get("source"),
            owner=lead.owner or self.details.get("owner"),
            attributes=attributes,
        )

    def _differences(self, lead: Lead) -> Mapping[str, Json]:
        differences: dict[str, Json] = {
            field: value if isinstance(value, bool) else str(value)
            for field, value in self.details.items()
            if field != "attributes" and value not in (None, False) and not _is_same(value, getattr(lead, field))
        }
        attributes: dict[str, Json] = {
            name: value
            for name, value in self.details.get("attributes", {}).items()
            if name not in lead.attributes or not is_same_json(value, lead.attributes[name])
        }
        return {**differences, "attributes": attributes} if attributes else differences


def check_enquiry(values: EnquiryInput, normalizer: Normalizer, *other_errors: FieldError) -> Enquiry:
    """Return the valid enquiry; raises `ValidationFailed` with all errors, including `other_errors`."""
    checked = check_fields(values, _RULES, normalizer, *contact_errors(values), *other_errors)
    message = checked.pop("message", None)
    return Enquiry(cast(Details, checked), message)


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, EmailAddress) and isinstance(other, EmailAddress):
        return one.key == other.key
    return one == other


_RULES: Mapping[str, Callable[[Any, Normalizer], object]] = {
    **RULES,
    "name": optional(RULES["name"]),
    "message": optional(lambda text, _: check_text(text, max_length=MESSAGE_MAX)),
}
