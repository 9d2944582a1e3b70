"""The resources /leads/import and /leads/export."""

import asyncio
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import NamedTuple

from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.decoding import check_media_type
from leads_adapters.http.idempotency import Attempt
from leads_adapters.http.incoming import check_length
from leads_adapters.http.lead_list import lead_query
from leads_adapters.http.negotiation import preferred
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.problems import Problem
from leads_adapters.http.schemas import ImportQuery, LeadExportQuery
from leads_adapters.http.streaming import StreamedAnswer, Upload, run_on_this_loop
from leads_adapters.http.views import ImportView, RowError
from leads_adapters.lead_files import FileRefused, ReadFile, WriteFile
from leads_adapters.transfer import Importing, Run, all_leads
from leads_domain.access import Permission
from leads_domain.errors import Unavailable, ValidationFailed
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.find_leads import AskForLeads
from leads_domain.use_cases.import_leads import ImportSummary

IMPORTS_MAX = 2
"""How many imports may be under way at once in a process: each has a thread, and its turns at the database."""

IMPORT_BATCH = 100
"""How many rows share a unit of work. On SQLite it has the event loop for 3 ms."""

ERRORS_MAX = 1000
"""How many errors an answer lists. All of them would take as much memory as the file is long."""

ERRORS_TEXT = 2**20
"""After how many characters of errors no more are listed."""

_RETRY_SECONDS = 10
_BUFFER = 2**16
_FILES = {
    "text/csv": "name,email,company\r\nJohn Doe,john@example.com,ACME\r\n",
    "application/x-ndjson": '{"name":"John Doe","email":"john@example.com","attributes":{"company":"ACME"}}\n',
}


class FileFormat(NamedTuple):
    """How leads stand in a file: the suffix of its name, and how it is read and written."""

    suffix: str
    read: ReadFile
    write: WriteFile


@dataclass(frozen=True, slots=True)
class TransferRoutes:
    """Takes in files of leads, and hands them out. `formats` has what is known of each media type of `_FILES`."""

    importing: Importing
    ask_for_leads: AskForLeads
    formats: Mapping[str, FileFormat]
    max_import: int
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IMPORTS_MAX))

    @operation(
        method="POST",
        path="/leads/import",
        tag="Leads",
        permission=Permission.ADMINISTER,
        query=ImportQuery,
        upload=_FILES,
        replies={200: Reply(means="What became of the rows.", schema=ImportView)},
    )
    async def import_leads(self, call: Call) -> Answer:
        """Import leads from a file.

        CSV, delimited by commas, semicolons or tabs, whose first row names the columns; or NDJSON, a lead in each
        line. Each row is taken in by the rules for a single lead, in transactions of a hundred rows at the most; one
        that breaks a rule never stops the rest. If the request breaks off, or is refused because it goes beyond
        its limits or the database fails, the rows before that are kept, and meet themselves as duplicates when it is
        sent again. A file whose first row cannot be understood is refused as a whole. Of the errors, the first
        thousand are listed.
        """
        media_type = check_media_type(call.scope, list(_FILES))
        await check_length(call.scope, call.receive, self.max_import)
        if self.places.locked():
            detail = f"There are {IMPORTS_MAX} imports under way, as many as may be at once."
            raise Problem("unavailable", detail, headers=((b"retry-after", str(_RETRY_SECONDS).encode()),))
        run = run_on_this_loop()
        upload = Upload(call.receive, self.max_import, run)
        take_in = partial(self._import, call, upload, self.formats[media_type].read, run)
        async with self.places:
            with call.attempt() as attempt:
                if attempt is None:
                    return await asyncio.to_thread(take_in)
                return await self._once(attempt, upload, take_in)

    async def _once(self, attempt: Attempt, upload: Upload, take_in: Callable[[], Answer]) -> Answer:
        """Take the file in, and keep the answer; a file that was answered is only read, to see that it is the same."""
        write = self.importing.database.write
        if await write(attempt.is_answered):
            await asyncio.to_thread(_read_on, upload)
            return await write(attempt, upload.digest.digest(), _expired)
        answer = await asyncio.to_thread(take_in)
        return await write(attempt, upload.digest.digest(), lambda _: answer)

    def _import(self, call: Call, upload: Upload, read: ReadFile, run: Run) -> Answer:
        query: ImportQuery = call.query
        try:
            rows = read(io.BufferedReader(upload, _BUFFER)).rows
        except FileRefused as refusal:
            raise ValidationFailed.because(str(refusal)) from None
        results = self.importing(
            rows,
            run,
            actor=call.principal.name,
            on_duplicate=query.on_duplicate,
            rules=query.rules,
            dry_run=query.dry_run,
        )
        summary = ImportSummary()
        errors: list[RowError] = []
        room = ERRORS_TEXT
        for row, imported, candidate in results:
            summary.count(imported, candidate)
            if isinstance(imported, ValidationFailed) and room > 0:
                faults = imported.errors[: ERRORS_MAX - len(errors)]
                errors += (RowError(row.line, fault.pointer, fault.detail) for fault in faults)
                room -= sum(len(fault.pointer) + len(fault.detail) for fault in faults)
        return json_answer(ImportView(**asdict(summary), errors=errors))

    @operation(
        method="GET",
        path="/leads/export",
        tag="Leads",
        permission=Permission.ADMINISTER,
        query=LeadExportQuery,
        replies={200: Reply(means="The leads.", files=_FILES, headers=("Content-Disposition",))},
        problems=("not-acceptable",),
    )
    async def export_leads(self, call: Call) -> Answer:
        """Export leads as a file.

        The oldest come first. `Accept` chooses between CSV, which is the default, and NDJSON. CSV cells that a
        spreadsheet would run as a formula are preceded by an apostrophe, which an import takes away again. The
        file is not of one moment: what is changed while it is sent may be in it or not, but no lead comes
        twice. A body that breaks off lacks leads.
        """
        media_type = preferred(call.scope, list(_FILES))
        if media_type is None:
            raise Problem("not-acceptable", f"This operation answers {' or '.join(_FILES)}.")
        query = lead_query(self.ask_for_leads, call.query)
        form = self.formats[media_type]
        pieces = form.write(all_leads(self.importing.database, run_on_this_loop(), query))
        headers = (
            (b"content-disposition", f'attachment; filename="leads.{form.suffix}"'.encode()),
            (b"vary", b"accept"),
        )
        charset = "; charset=utf-8" if media_type.startswith("text/") else ""
        next_piece = partial(asyncio.to_thread, next, pieces, b"")
        return StreamedAnswer(next_piece, media_type=f"{media_type}{charset}".encode(), headers=headers)


def _read_on(upload: Upload) -> None:
    while upload.read(_BUFFER):
        pass


def _expired(_: UnitOfWork) -> Answer:
    raise Unavailable("The answer that was kept has expired just now.")
