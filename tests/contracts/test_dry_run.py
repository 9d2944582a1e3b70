"""Test the dry runs."""

from contextlib import AbstractContextManager, nullcontext

from contracts.dry_run import DryRunContract
from leads_adapters.memory.dry_run import MemoryDryRun
from leads_adapters.sql.dry_run import open_dry_run
from leads_domain.use_cases.import_leads import DryRun


class TestMemoryDryRun(DryRunContract):
    def open(self) -> AbstractContextManager[DryRun]:
        return nullcontext(MemoryDryRun())


class TestSqliteDryRun(DryRunContract):
    def open(self) -> AbstractContextManager[DryRun]:
        return open_dry_run()
