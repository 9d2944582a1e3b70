"""The command `leads import`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from leads_adapters.files.formats import READERS, import_format_of
from leads_adapters.lead_files import ColumnMap, LeadFile, ReadOptions, Row, column_map_of
from leads_app.cli import session
from leads_app.cli.refused_file import RefusedFile, refused_rows_path
from leads_app.cli.session import COMMAND_LINE, CommandFailed
from leads_app.cli.terminal import print_line
from leads_domain.errors import ValidationFailed
from leads_domain.use_cases.import_leads import Candidate, ImportResult
from leads_domain.use_cases.import_summary import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate

BATCH = 500
"""The number of rows in one transaction: more than over HTTP, because larger batches import faster."""

COLUMN_NAME_MAX = 60
"""The maximum length of the name of a column in the terminal."""


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Report the result without storing anything.")
@click.option(
    "--on-duplicate",
    type=click.Choice([policy.value for policy in OnDuplicate]),
    default=OnDuplicate.ERROR.value,
    show_default=True,
    help="If the lead exists already: refuse the row (error), skip it (return), or update the lead.",
)
@click.option("--rules", is_flag=True, help="Apply the follow-up rules to new leads.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="COLUMN=FIELD",
    help='What a column means, such as "Company Phone=phone". "COLUMN=" leaves it out. Repeatable.',
)
@click.option("--lenient", is_flag=True, help="Keep wrong optional values as attributes instead of refusing the row.")
@click.option("--sheet", help="The sheet of a spreadsheet.  [default: the first]")
def import_leads(
    file: Path,
    dry_run: bool,
    on_duplicate: str,
    rules: bool,
    columns: tuple[str, ...],
    lenient: bool,
    sheet: str | None,
) -> None:
    """Import leads from a CSV, XLSX, XLS, ODS or NDJSON FILE.

    Refused rows are written to NAME.refused.csv (or .ndjson) next to FILE, or in the current folder, with line and
    reason. Correct them there and import that file. If the name is taken, the file gets a number.
    """
    form = import_format_of(file.name)
    options = ReadOptions(_column_map(columns), sheet)
    refused_path = None if dry_run else refused_rows_path(file, form)
    summary = ImportSummary()
    opened = session.opened_for_dry_run() if dry_run else session.opened(prints_name=True, creates=True)
    with opened as (container, run), file.open("rb") as stream:
        progress = Progress(console=Console(stderr=True))
        tracked = progress.wrap_file(stream, total=file.stat().st_size, description="Importing")
        lead_file = READERS[form](tracked, options)
        refused = RefusedFile(refused_path, form, lead_file)
        results = replace(container.importing(), batch=BATCH)(
            lead_file.rows,
            run,
            actor=COMMAND_LINE,
            on_duplicate=OnDuplicate(on_duplicate),
            rules=rules,
            dry_run=dry_run,
            lenient=lenient,
        )
        try:
            with progress, closing(refused):
                _import(results, summary, refused)
        finally:
            if dry_run:
                _report_meanings(lead_file)
            _report(summary, refused, dry_run=dry_run)
    if not summary.accepted:
        raise CommandFailed("No row of the file was accepted.")
    if refused.failure:
        raise CommandFailed(f"Not all refused rows could be written to {refused.path}: {refused.failure}.")


def _import(
    results: Iterable[tuple[Row, ImportResult, Candidate | None]], summary: ImportSummary, refused: RefusedFile
) -> None:
    for row, imported, candidate in results:
        summary.count(imported, candidate)
        if isinstance(imported, ValidationFailed):
            refused.add(row, imported)


def _column_map(texts: Sequence[str]) -> ColumnMap:
    try:
        return column_map_of(texts)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--map'") from None


def _report_meanings(lead_file: LeadFile) -> None:
    """Print what the file was understood to be."""
    if encoding := lead_file.encoding():
        print_line(f"Encoding: {encoding}")
    if lead_file.meanings:
        print_line("Columns:")
    for column, field in lead_file.meanings:
        print_line(f"  {shorten(column, COLUMN_NAME_MAX)} -> {_MEANINGS.get(field, field)}")


_MEANINGS: Mapping[str | None, str] = {None: "(left out)", "attributes": "(attribute)"}


def _report(summary: ImportSummary, refused: RefusedFile, *, dry_run: bool) -> None:
    for outcome in ("created", "updated", "unchanged", "duplicates", "refused"):
        print_line(f"{outcome:<10} {getattr(summary, outcome):>9}")
    for sentence in _status_notes(summary):
        print_line(sentence)
    for line in refused.reasons:
        print_line(line)
    if refused.unlisted:
        print_line(f"{_counted(refused.unlisted, 'more row was', 'more rows were')} refused.")
    if summary.refused and refused.path and not refused.failure:
        print_line(f"The refused rows, with reasons, are in {refused.path}.")
    if dry_run:
        print_line("This was a dry run: nothing was stored.")


_ROWS_HAVE = ("row has", "rows have")


def _status_notes(summary: ImportSummary) -> Iterator[str]:
    if summary.statuses_set:
        yield f"{_counted(summary.statuses_set, 'lead has its', 'leads have their')} status from the file."
    if summary.statuses_kept:
        yield f"{_counted(summary.statuses_kept, *_ROWS_HAVE)} a status for an existing lead. That status was ignored."
    if summary.warnings:
        yield f"{_counted(summary.warnings, 'value was', 'values were')} kept as an attribute, or left out."
    if summary.statuses_unknown:
        examples = ", ".join(map(repr, summary.unknown_statuses))
        yield f"{_counted(summary.statuses_unknown, *_ROWS_HAVE)} a status that the pipeline does not have: {examples}."


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}"
