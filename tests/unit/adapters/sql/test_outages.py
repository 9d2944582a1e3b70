"""Test that outages of the database are reported without personal data."""

import pytest

from leads_adapters.database import Outage
from leads_adapters.sql.outages import Outages, reason_of

DETAIL = "\nDETAIL:  Failing row contains (John Doe, john@example.com)."


@pytest.mark.parametrize("reason", ["disk full", "the server\nclosed the connection"])
def test_the_reason_omits_the_row_that_postgresql_quotes(reason: str) -> None:
    assert reason_of(Outage(reason + DETAIL)) == " ".join(reason.split())


def test_a_cause_is_logged_once_a_minute_without_the_quoted_row() -> None:
    seconds, lines = [0.0], list[str]()
    outages = Outages(lines.append, lambda: seconds[0])
    for at in (0, 59, 61, 62):
        seconds[0] = at
        outages.note(Outage("disk full\nDETAIL: Failing row contains (john@example.com)."))
    assert lines == ["disk full"] * 2
    outages.note(Outage("The disk is gone."))
    assert lines[2:] == ["The disk is gone."]


def test_a_permanent_outage_is_not_probed() -> None:
    outages = Outages(lambda _: None)
    outages.note(Outage("malformed", permanent=True))
    for _ in range(2):
        with pytest.raises(Outage, match="malformed"):
            outages.needs_probe()
