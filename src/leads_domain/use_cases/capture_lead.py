"""Store what a public client sends as a lead or as an enquiry."""

from dataclasses import dataclass
from typing import cast

from leads_domain.details import DetailsInput
from leads_domain.enquiry import EnquiryInput
from leads_domain.errors import DuplicateLead
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.add_enquiry import AddEnquiry
from leads_domain.use_cases.register_lead import RegisterLead


@dataclass(frozen=True, slots=True)
class CaptureLead:
    """Register a lead. If a lead with its identity exists, add an enquiry to that lead instead."""

    register_lead: RegisterLead
    add_enquiry: AddEnquiry

    def __call__(self, work: UnitOfWork, values: DetailsInput, *, actor: str) -> None:
        """Store the lead or the enquiry; raises `ValidationFailed`."""
        try:
            self.register_lead(work, values, actor=actor)
        except DuplicateLead:
            self.add_enquiry(work, cast(EnquiryInput, values), actor=actor)
