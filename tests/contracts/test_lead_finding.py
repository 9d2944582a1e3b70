"""Test queries for leads on every database."""

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


class _SmallStretch:
    """Use a short stretch, so that the few leads of a test need several."""

    @pytest.fixture(autouse=True, params=[1, 3])
    def stretch(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lead_pages, "STRETCH", request.param)


class TestSqliteLeadFindingWithSmallStretch(_SmallStretch, OnSqlite, LeadFindingContract):
    """On SQLite, with a short stretch."""


class TestPostgresLeadFindingWithSmallStretch(_SmallStretch, OnPostgres, LeadFindingContract):
    """On PostgreSQL, with a short stretch."""
