"""Why the database fails is reported without a row."""

import pytest

from leads_adapters.database import Outage
from leads_adapters.sql.outages import Outages, reason_of

DETAIL = "\nDETAIL:  Failing row contains (John Doe, john@example.com)."


@pytest.mark.parametrize("reason", ["disk full", "the server\nclosed the connection"])
def test_the_row_that_postgresql_quotes_is_left_out(reason: str) -> None:
    assert reason_of(Outage(reason + DETAIL)) == " ".join(reason.split())


def test_the_log_gets_no_row_either() -> None:
    logged = list[str]()
    Outages(logged.append).note(Outage(f"disk full{DETAIL}"))
    assert logged == ["disk full"]
