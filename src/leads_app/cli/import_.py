"""The command `leads import`."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from leads_adapters.files.formats import READERS, format_of
from leads_app.cli import session
from leads_app.cli.refused_file import RefusedFile, refused_rows_path
from leads_app.cli.session import COMMAND_LINE, CommandFailed
from leads_domain.errors import ValidationFailed
from leads_domain.use_cases.import_leads import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate

BATCH = 500
"""The number of rows in one transaction: more than over HTTP, because larger batches import faster."""


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
def import_leads(file: Path, dry_run: bool, on_duplicate: str, rules: bool) -> None:
    """Import leads from a CSV or NDJSON FILE.

    Refused rows are written to NAME.refused.csv (or .ndjson) next to FILE, or in the current folder, with line and
    reason. Correct them there and import that file.
    """
    form = format_of(file.name)
    refused_path = None if dry_run else refused_rows_path(file, form)
    summary = ImportSummary()
    opened = session.opened_for_dry_run() if dry_run else session.opened(prints_name=True, creates=True)
    with opened as (container, run), file.open("rb") as stream:
        progress = Progress(console=Console(stderr=True))
        tracked = progress.wrap_file(stream, total=file.stat().st_size, description="Importing")
        lead_file = READERS[form](tracked)
        refused = RefusedFile(refused_path, form, lead_file)
        results = replace(container.importing(), batch=BATCH)(
            lead_file.rows,
            run,
            actor=COMMAND_LINE,
            on_duplicate=OnDuplicate(on_duplicate),
            rules=rules,
            dry_run=dry_run,
        )
        try:
            with progress, closing(refused):
                for row, imported, candidate in results:
                    summary.count(imported, candidate)
                    if isinstance(imported, ValidationFailed):
                        refused.add(row, imported)
        finally:
            _report(summary, refused, dry_run=dry_run)
    if not summary.accepted:
        raise CommandFailed("No row of the file was accepted.")
    if refused.failure:
        raise CommandFailed(f"Not all refused rows could be written to {refused_path}: {refused.failure}.")


def _report(summary: ImportSummary, refused: RefusedFile, *, dry_run: bool) -> None:
    for outcome in ("created", "updated", "unchanged", "duplicates", "refused"):
        click.echo(f"{outcome:<10} {getattr(summary, outcome):>9}")
    for sentence in _status_notes(summary):
        click.echo(sentence)
    for line in refused.reasons:
        click.echo(line)
    if refused.unlisted:
        click.echo(f"{_counted(refused.unlisted, 'more row was', 'more rows were')} refused.")
    if summary.refused and refused.path and not refused.failure:
        click.echo(f"The refused rows, with reasons, are in {refused.path}.")
    if dry_run:
        click.echo("This was a dry run: nothing was stored.")


_ROWS_HAVE = ("row has", "rows have")


def _status_notes(summary: ImportSummary) -> Iterator[str]:
    if summary.statuses_set:
        yield f"{_counted(summary.statuses_set, 'lead has its', 'leads have their')} status from the file."
    if summary.statuses_kept:
        yield f"{_counted(summary.statuses_kept, *_ROWS_HAVE)} a status for an existing lead. That status was ignored."
    if summary.statuses_unknown:
        examples = ", ".join(map(repr, summary.unknown_statuses))
        yield f"{_counted(summary.statuses_unknown, *_ROWS_HAVE)} a status that the pipeline does not have: {examples}."


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}"
