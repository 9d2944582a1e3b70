"""Test the summary of an import."""

import pytest

from leads_domain.checking import QUOTE_MAX
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.lead import ImportedState
from leads_domain.use_cases.import_leads import Candidate, ImportResult
from leads_domain.use_cases.import_summary import UNKNOWN_STATUSES_MAX, ImportSummary
from leads_domain.use_cases.register_lead import Outcome

REFUSED = ValidationFailed.because("Wrong.")
DUPLICATE = DuplicateLead("1")
RESULTS: dict[str, ImportResult] = {
    "created": Outcome.CREATED,
    "updated": Outcome.UPDATED,
    "unchanged": Outcome.UNCHANGED,
    "duplicates": DUPLICATE,
    "refused": REFUSED,
}


@pytest.mark.parametrize("field", RESULTS)
def test_each_result_is_counted(field: str) -> None:
    summary = ImportSummary()
    assert [getattr(summary, each) for each in RESULTS] == [0] * 5
    for _ in range(3):
        summary.count(RESULTS[field])
    assert {each: getattr(summary, each) for each in RESULTS if getattr(summary, each)} == {field: 3}
    assert summary.accepted == (0 if field == "refused" else 3)


def test_the_accepted_rows_are_those_that_were_not_refused() -> None:
    summary = ImportSummary(created=1, updated=20, unchanged=300, duplicates=4000, refused=50000)
    assert summary.accepted == 4321


def test_a_new_lead_has_its_status_set_and_an_existing_one_keeps_its_own() -> None:
    summary = ImportSummary()
    with_status = Candidate({}, ImportedState(status="lost"))
    for result in (Outcome.CREATED, Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, DUPLICATE, REFUSED):
        summary.count(result, with_status)
        summary.count(result, Candidate({}, ImportedState()))
        summary.count(result, Candidate({}))
        summary.count(result)
    assert (summary.statuses_set, summary.statuses_kept, summary.statuses_unknown) == (2, 2, 0)


def test_warnings_are_summed_except_those_of_refused_rows() -> None:
    summary = ImportSummary()
    summary.count(Outcome.CREATED, Candidate({}, warnings=1))
    summary.count(DUPLICATE, Candidate({}, warnings=20))
    summary.count(REFUSED, Candidate({}, warnings=300))
    assert summary.warnings == 21


def test_each_unknown_status_is_listed_once_and_counted_always() -> None:
    summary = ImportSummary()
    statuses = [f"{number} {'x' * QUOTE_MAX}" for number in range(UNKNOWN_STATUSES_MAX + 1)]
    for status in ["Hot", "Hot", *statuses]:
        summary.count(Outcome.CREATED, Candidate({}, ImportedState(), unknown_status=status))
    assert summary.statuses_unknown == UNKNOWN_STATUSES_MAX + 3
    assert summary.unknown_statuses == ["Hot", *(status[:QUOTE_MAX] for status in statuses[: UNKNOWN_STATUSES_MAX - 1])]
