from contextlib import AbstractContextManager, nullcontext

from contracts.rehearsal import RehearsalContract
from leads_adapters.memory.rehearsal import MemoryRehearsal
from leads_adapters.sql.rehearsal import temporary_rehearsal
from leads_domain.use_cases.import_leads import Rehearsal


class TestMemoryRehearsal(RehearsalContract):
    def open(self) -> AbstractContextManager[Rehearsal]:
        return nullcontext(MemoryRehearsal())


class TestTemporaryRehearsal(RehearsalContract):
    def open(self) -> AbstractContextManager[Rehearsal]:
        return temporary_rehearsal()
