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
    """As if the few leads of a test were many: what is done only for many is done for more than one of them."""

    @pytest.fixture(autouse=True, params=[(0, 0, 1), (1, 2, 3), (0, 9, 0), (2, 0, 100)])
    def thresholds(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        few, some, stretch = request.param
        for name, value in {
            "FEW": few,
            "SOME": some,
            "STRETCH": stretch,
            "STRETCH_BY_CREATION": stretch,
            "COUNTED": 4,
        }.items():
            monkeypatch.setattr(lead_pages, name, value)


class TestSqliteLeadFindingInNumbers(_InNumbers, OnSqlite, LeadFindingContract):
    """On SQLite, many."""


class TestPostgresLeadFindingInNumbers(_InNumbers, OnPostgres, LeadFindingContract):
    """On PostgreSQL, many."""
