"""`leads import`."""

import gc
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from leads_adapters.files.formats import READERS, Format, format_of
from leads_adapters.files.refused_rows import refused_header, refused_json, refused_line
from leads_adapters.lead_files import LeadFile, Row
from leads_app.cli import session
from leads_app.cli.session import COMMAND_LINE
from leads_domain.errors import Invalid
from leads_domain.use_cases.import_leads import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate

BATCH = 500
"""How many rows share a unit of work: of five times as many as over HTTP, a third more are taken in."""


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

    Refused rows are written to a file beside it, with line and reason. They can be corrected there and imported again.
    """
    form = format_of(file.name)
    refused = file.with_name(f"{file.stem}.refused.{form}")
    summary = ImportSummary()
    with session.opened() as (container, run), file.open("rb") as stream:
        progress = Progress(console=Console(stderr=True))
        watched = progress.wrap_file(stream, total=file.stat().st_size, description="Importing")
        lead_file = READERS[form](watched)
        outcomes = replace(container.importing(), batch=BATCH)(
            lead_file.rows, run, actor=COMMAND_LINE, on_duplicate=OnDuplicate(on_duplicate), dry_run=dry_run
        )
        gc.freeze()  # measured: going through all that was loaded, again and again, took 10 us of 60 a row
        with progress, closing(_RefusedFile(refused, form, lead_file)) as refused_file:
            for row, imported in outcomes:
                summary.count(imported)
                if isinstance(imported, Invalid):
                    refused_file.add(row, imported)
    for outcome, rows in asdict(summary).items():
        click.echo(f"{outcome:<10} {rows:>9}")
    if summary.refused:
        click.echo(f"The refused rows, with reasons, are in {refused}.")
    if dry_run:
        click.echo("This was a dry run: nothing was kept.")


class _RefusedFile:
    """The file of refused rows; it is made with the first of them."""

    def __init__(self, path: Path, form: Format, lead_file: LeadFile) -> None:
        self._path = path
        self._head = refused_header(lead_file.header) if form is Format.CSV else b""
        self._line = refused_line if form is Format.CSV else refused_json
        self._stream: BinaryIO | None = None

    def add(self, row: Row, refusal: Invalid) -> None:
        if self._stream is None:
            self._stream = self._path.open("wb")
            self._stream.write(self._head)
        self._stream.write(self._line(row, refusal))

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
