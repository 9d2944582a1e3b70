"""`leads import`."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from leads_adapters.files.formats import READERS, format_of
from leads_adapters.files.refused_rows import refused_header, refused_line
from leads_adapters.files.row import LeadFile, Row
from leads_app.cli import session
from leads_app.cli.session import COMMAND_LINE, Run
from leads_app.container import Container
from leads_domain.errors import Invalid
from leads_domain.use_cases.import_leads import Candidate, Imported, ImportSummary, Rehearsal
from leads_domain.use_cases.register_lead import OnDuplicate

BATCH = 500
"""How many rows share a unit of work: enough to spread its cost, few enough not to hold up other writers."""


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would happen, and keep nothing.")
@click.option(
    "--on-duplicate",
    type=click.Choice([policy.value for policy in OnDuplicate]),
    default=OnDuplicate.ERROR.value,
    show_default=True,
    help="What to do with a row whose e-mail address is taken: refuse it, leave that lead, or update it.",
)
def import_leads(file: Path, dry_run: bool, on_duplicate: str) -> None:
    """Take in leads from a CSV or NDJSON FILE.

    Refused rows are written to a file beside it, with line and reason; those of a CSV file can be corrected there and
    imported again.
    """
    refused = file.with_name(f"{file.stem}.refused.csv")
    summary = ImportSummary()
    with session.opened() as (container, run), file.open("rb") as stream:
        progress = Progress(console=Console(stderr=True))
        watched = progress.wrap_file(stream, total=file.stat().st_size, description="Importing")
        lead_file = READERS[format_of(file.name)](watched)
        importing = _Importing(container, run, OnDuplicate(on_duplicate), {} if dry_run else None)
        gc.freeze()  # measured: going through all that was loaded, again and again, took 10 us of 60 a row
        with progress, closing(_RefusedFile(refused, lead_file)) as refused_file:
            for row, imported in importing.outcomes(lead_file):
                summary.count(imported)
                if isinstance(imported, Invalid):
                    refused_file.add(row, imported)
    for outcome, rows in asdict(summary).items():
        click.echo(f"{outcome:<10} {rows:>9}")
    if summary.refused:
        click.echo(f"The refused rows, with reasons, are in {refused}.")
    if dry_run:
        click.echo("This was a dry run: nothing was kept.")


@dataclass(frozen=True, slots=True)
class _Importing:
    container: Container
    run: Run
    on_duplicate: OnDuplicate
    rehearsal: Rehearsal | None

    def outcomes(self, lead_file: LeadFile) -> Iterator[tuple[Row, Imported]]:
        """What becomes of each row, in the order of the file."""
        while batch := list(islice(lead_file.rows, BATCH)):
            outcomes = iter(
                self._import([Candidate(row.given, row.past) for row in batch if not isinstance(row.given, Invalid)])
            )
            for row in batch:
                yield row, row.given if isinstance(row.given, Invalid) else next(outcomes)

    def _import(self, candidates: Sequence[Candidate]) -> list[Imported]:
        database = self.container.database()
        run_use_case = database.write if self.rehearsal is None else database.read
        return self.run(
            run_use_case(
                self.container.import_leads(),
                candidates,
                actor=COMMAND_LINE,
                on_duplicate=self.on_duplicate,
                rehearsal=self.rehearsal,
            )
        )


class _RefusedFile:
    """The file of refused rows; it is made with the first of them."""

    def __init__(self, path: Path, lead_file: LeadFile) -> None:
        self._path = path
        self._header = lead_file.header
        self._stream: BinaryIO | None = None

    def add(self, row: Row, refusal: Invalid) -> None:
        if self._stream is None:
            self._stream = self._path.open("wb")
            self._stream.write(refused_header(self._header))
        self._stream.write(refused_line(row, refusal))

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
