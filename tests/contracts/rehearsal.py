"""What every rehearsal must do."""

from contextlib import AbstractContextManager

from hypothesis import given

from builders import a_lead, an_email
from contracts.stores import ON_ONE_DATABASE
from leads_domain.lead import Lead
from leads_domain.use_cases.import_leads import Rehearsal
from unit.adapters.files.troublesome import exactly, leads


class RehearsalContract:
    """Inherit from it, and name the class `Test...`."""

    def open(self) -> AbstractContextManager[Rehearsal]:
        """A new one."""
        raise NotImplementedError

    def test_finds_what_was_kept_last_under_a_key(self) -> None:
        with self.open() as rehearsal:
            first, last = a_lead(name="First"), a_lead(name="Last")
            rehearsal.keep(first)
            rehearsal.keep(a_lead(email=an_email("b@example.com")))
            rehearsal.keep(last)

            assert rehearsal.find(last.email.key) == last
            assert rehearsal.find("nobody@example.com") is None

    def test_knows_nothing_of_another(self) -> None:
        with self.open() as one, self.open() as other:
            one.keep(a_lead())
            assert other.find(a_lead().email.key) is None

    @ON_ONE_DATABASE
    @given(lead=leads())
    def test_finds_any_lead_just_as_it_was(self, lead: Lead) -> None:
        with self.open() as rehearsal:
            rehearsal.keep(lead)
            found = rehearsal.find(lead.email.key)

        assert found == lead
        assert exactly(found.attributes) == exactly(lead.attributes)
