"""Import leads from files and export them to files."""

import asyncio
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from math import inf
from typing import Annotated, Any, BinaryIO, NamedTuple

from litestar import Controller, Response, get, post
from litestar.params import FromQuery, QueryParameter
from msgspec import Meta

from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.decoding import check_media_type
from leads_adapters.http.idempotency import Attempt, IdempotentWrites
from leads_adapters.http.lead_filters import FilteredLeads
from leads_adapters.http.negotiation import preferred_media_type
from leads_adapters.http.openapi.parts import FILES, UPLOADS
from leads_adapters.http.parameters import Injected, OnDuplicate
from leads_adapters.http.problem_responses import log_error
from leads_adapters.http.receiving import BodyLimits, receive_body
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.imports import ColumnView, ImportView, RowError
from leads_adapters.http.streaming import IDLE_SECONDS, FileResponse, Upload, is_head, run_on_this_loop
from leads_adapters.lead_files import (
    MAPPABLE_FIELDS,
    ColumnMap,
    FileRefused,
    LeadFile,
    ReadFile,
    ReadOptions,
    WriteFile,
    column_map_of,
)
from leads_adapters.transfer import Importer, Run, all_leads
from leads_domain.access import Permission
from leads_domain.errors import Unavailable, ValidationFailed
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.import_summary import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate as DuplicatePolicy

IMPORTS_MAX = 2
"""The number of imports that a process runs at once. Each takes a thread and competes for the database."""

EXPORTS_MAX = 2
"""The number of exports that a process reads at once. The others wait between two pieces, and occupy no thread."""

IMPORT_BATCH = 100
"""The number of rows in a transaction. On SQLite, each transaction blocks the event loop (docs/performance.md)."""

ERRORS_MAX = 1000
"""The number of errors that a response lists: the memory for all of them would grow with the file."""

ERRORS_TEXT_MAX = 2**20
"""The number of characters of errors after which no more are listed."""

_RETRY_LATER = {"retry-after": "10"}
_BUFFER = 2**16

DryRun = Annotated[bool, Meta(description="Report the result of the import, but store nothing.")]
StartRules = Annotated[bool, Meta(description="Apply the follow-up rules to new leads.")]
Lenient = Annotated[
    bool, Meta(description="Keep a wrong optional value as the attribute `NAME_as_given`, instead of refusing the row.")
]
_MAPPING_PATTERN = rf"[^= ] *= *({'|'.join(MAPPABLE_FIELDS)})? *$"
ColumnMapping = Annotated[
    list[Annotated[str, Meta(extra_json_schema={"pattern": _MAPPING_PATTERN})]],
    Meta(
        description="What a column means, as `COLUMN=field`: `name`, `first_name`, `last_name`, `email`, `phone`, "
        "`source`, `owner`, `do_not_contact` or `status`. `COLUMN=` leaves the column out. Repeatable.",
        examples=[["Company Phone=phone"]],
    ),
]
Sheet = Annotated[
    str, Meta(description="The sheet of a spreadsheet, by default the first.", min_length=1, max_length=255)
]


class FileFormat(NamedTuple):
    """A file format: its suffix, its reader and its writer."""

    suffix: str
    read: ReadFile
    write: WriteFile


@dataclass(frozen=True, slots=True)
class ImportServices:
    """The dependencies of imports. `formats` has the format of each media type of `UPLOADS`."""

    writes: IdempotentWrites
    importing: Importer
    formats: Mapping[str, FileFormat]
    max_length: int
    """The maximum size of a file, in bytes."""
    idle_seconds: float = IDLE_SECONDS
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IMPORTS_MAX))
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(EXPORTS_MAX))

    async def import_once(
        self, attempt: Attempt | None, upload: Upload, run: Callable[[], JsonResponse[ImportView]]
    ) -> Response[Any]:
        """Import the file once per `Idempotency-Key`.

        If the key was used before, the file is only read, to compare its hash.
        """
        if attempt is None:
            return await asyncio.to_thread(run)
        if await self.importing.database.write(attempt.find):
            await asyncio.to_thread(_read_to_end, upload)
            return await self.importing.database.write(attempt, upload.digest.digest(), _expired)
        response = await asyncio.to_thread(run)
        return await self.importing.database.write(attempt, upload.digest.digest(), lambda _: response)

    async def next_piece(self, pieces: Iterator[bytes]) -> bytes:
        """Read the next piece of an export, `b""` at the end."""
        async with self.reading:
            return await asyncio.to_thread(next, pieces, b"")


class TransferController(Controller):
    """The resources `/leads/import` and `/leads/export`."""

    path = "/leads"
    tags = ("Leads",)

    @post(
        "/import",
        status_code=200,
        opt=requires(Permission.ADMINISTER, upload=UPLOADS),
        response_description="The result of the import.",
    )
    async def import_leads(
        self,
        request: ApiRequest,
        imports: Injected[ImportServices],
        on_duplicate: FromQuery[OnDuplicate] = DuplicatePolicy.ERROR,
        dry_run: FromQuery[DryRun] = False,
        rules: FromQuery[StartRules] = False,
        lenient: FromQuery[Lenient] = False,
        map_: Annotated[ColumnMapping | None, QueryParameter(name="map")] = None,
        sheet: FromQuery[Sheet | None] = None,
    ) -> Response[ImportView]:
        """Import leads from a file.

        The file is CSV in any encoding, delimited by commas, semicolons, tabs or bars, or a spreadsheet (`.xlsx`,
        `.xls`, `.ods`), with column names in its first row; or NDJSON, with one lead a line. The rules for a single
        lead apply to each row, and a row with errors does not stop the others. Rows are stored in transactions of up to
        100. If the request fails or is interrupted, the rows stored so far remain, and are duplicates when you send the
        file again. A file whose first row is invalid is refused as a whole. The response lists the first 1000 errors.
        """
        media_type = check_media_type(request.scope, list(UPLOADS))
        if imports.slots.locked():
            detail = f"{IMPORTS_MAX} imports are running, and no more are allowed at once. Send the file again later."
            raise problems.Unavailable(detail, headers=_RETRY_LATER)
        thread_run = run_on_this_loop()
        limits = BodyLimits(imports.max_length, imports.idle_seconds, seconds=inf)
        upload = Upload(receive_body(request.scope, request.receive, limits), thread_run)
        options = {
            "on_duplicate": on_duplicate,
            "rules": rules,
            "dry_run": dry_run,
            "lenient": lenient,
            "actor": request.user.name,
        }
        read = partial(imports.formats[media_type].read, options=ReadOptions(_column_map(map_ or []), sheet))
        run = partial(_import, imports.importing, read, upload, thread_run, options)
        async with imports.slots:
            with imports.writes.attempt(request) as attempt:
                return await imports.import_once(attempt, upload, run)

    @get(
        "/export",
        opt=requires(Permission.ADMINISTER, download=FILES),
        raises=[problems.NotAcceptable],
        response_description="The leads.",
    )
    async def export_leads(
        self, request: ApiRequest, imports: Injected[ImportServices], filtered_leads: Injected[FilteredLeads]
    ) -> Response[bytes]:
        """Export leads to a file.

        Oldest first. `Accept` chooses between CSV, the default, and NDJSON. In CSV, an apostrophe is before what a
        spreadsheet would run as a formula; an import removes it. Leads that change during the export may or
        may not be included, but none is included twice. If the connection breaks, the file is incomplete.
        """
        media_type = preferred_media_type(request.scope, list(FILES))
        if media_type is None:
            raise problems.NotAcceptable("This operation returns " + " or ".join(f"`{name}`" for name in FILES) + ".")
        file_format = imports.formats[media_type]
        pieces = file_format.write(all_leads(imports.importing.database, run_on_this_loop(), filtered_leads.query))
        charset = "; charset=utf-8" if media_type.startswith("text/") else ""
        response = FileResponse(
            partial(imports.next_piece, pieces),
            partial(log_error, request),
            media_type=f"{media_type}{charset}",
            headers={
                "content-disposition": f'attachment; filename="leads.{file_format.suffix}"',
                "vary": "accept",
            },
        )
        if not is_head(request.scope):
            await response.begin()
        return response


def _column_map(texts: Sequence[str]) -> ColumnMap:
    try:
        return column_map_of(texts)
    except ValueError as error:
        raise problems.MalformedRequest(f"The query parameter `map` is invalid. {error}") from None


def _import(
    importing: Importer, read: Callable[[BinaryIO], LeadFile], upload: Upload, run: Run, options: dict[str, Any]
) -> JsonResponse[ImportView]:
    summary = ImportSummary()
    errors: list[RowError] = []
    text_left = ERRORS_TEXT_MAX
    try:
        lead_file = read(io.BufferedReader(upload, _BUFFER))
        for row, imported, candidate in importing(lead_file.rows, run, **options):
            summary.count(imported, candidate)
            if isinstance(imported, ValidationFailed) and text_left > 0:
                found = imported.errors[: ERRORS_MAX - len(errors)]
                errors += (RowError(row.line, error.pointer, error.detail) for error in found)
                text_left -= sum(len(error.pointer) + len(error.detail) for error in found)
    except FileRefused as refusal:
        raise ValidationFailed.because(str(refusal)) from None
    columns = [ColumnView(*meaning) for meaning in lead_file.meanings]
    view = ImportView(**asdict(summary), encoding=lead_file.encoding(), columns=columns, errors=errors)
    return JsonResponse(view, status_code=200)


def _read_to_end(upload: Upload) -> None:
    while upload.read(_BUFFER):
        pass


def _expired(_: UnitOfWork) -> JsonResponse[Any]:
    raise Unavailable("The stored response has just expired.")
