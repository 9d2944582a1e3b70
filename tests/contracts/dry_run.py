"""The contract of the `DryRun` port."""

from contextlib import AbstractContextManager

from hypothesis import given

from builders import a_lead, an_email
from contracts.stores import ON_ONE_DATABASE
from leads_domain.lead import Lead
from leads_domain.use_cases.import_leads import DryRun
from unit.adapters.files.special_texts import exactly, leads


class DryRunContract:
    """Inherit from it, name the class `Test...`, and implement `open`."""

    def open(self) -> AbstractContextManager[DryRun]:
        """Open a new dry run."""
        raise NotImplementedError

    def test_finds_the_last_lead_stored_under_a_key(self) -> None:
        with self.open() as dry_run:
            first, last = a_lead(name="First"), a_lead(name="Last")
            dry_run.store(first)
            dry_run.store(a_lead(email=an_email("b@example.com")))
            dry_run.store(last)

            assert dry_run.find(last.identity) == last
            assert dry_run.find("nobody@example.com") is None

    def test_shares_no_leads_with_another_dry_run(self) -> None:
        with self.open() as one, self.open() as other:
            one.store(a_lead())
            assert other.find(a_lead().identity) is None

    @ON_ONE_DATABASE
    @given(lead=leads())
    def test_finds_any_lead_unchanged(self, lead: Lead) -> None:
        with self.open() as dry_run:
            dry_run.store(lead)
            found = dry_run.find(lead.identity)

        assert found == lead
        assert exactly(found.attributes) == exactly(lead.attributes)
