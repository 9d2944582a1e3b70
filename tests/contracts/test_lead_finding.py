import pytest

from contracts.lead_finding import LeadFindingContract
from databases import OnMemory, OnPostgres, OnSqlite
from leads_adapters.sql import lead_pages


class TestMemoryLeadFinding(OnMemory, LeadFindingContract):
    """In memory."""


class TestSqliteLeadFinding(OnSqlite, LeadFindingContract):
    """On SQLite."""


class TestPostgresLeadFinding(OnPostgres, LeadFindingContract):
    """On PostgreSQL."""


class _InNumbers:
    """As if the few leads of a test were many: only so many are looked at in the order of the list."""

    @pytest.fixture(autouse=True, params=[1, 3])
    def stretch(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lead_pages, "STRETCH", request.param)


class TestSqliteLeadFindingInNumbers(_InNumbers, OnSqlite, LeadFindingContract):
    """On SQLite, many."""


class TestPostgresLeadFindingInNumbers(_InNumbers, OnPostgres, LeadFindingContract):
    """On PostgreSQL, many."""
