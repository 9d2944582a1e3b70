"""`leads import`."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from leads_adapters.files.formats import READERS, format_of
from leads_app.cli import session
from leads_app.cli.refused_file import RefusedFile, place_for_refused
from leads_app.cli.session import COMMAND_LINE, CommandFailed
from leads_domain.errors import ValidationFailed
from leads_domain.use_cases.import_leads import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate

BATCH = 500
"""How many rows share a unit of work: of five times as many as over HTTP, a third more are taken in."""


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Report what would happen, and write nothing.")
@click.option(
    "--on-duplicate",
    type=click.Choice([policy.value for policy in OnDuplicate]),
    default=OnDuplicate.ERROR.value,
    show_default=True,
    help="What to do with a row whose e-mail address is taken: refuse it, leave that lead, or update it.",
)
@click.option("--rules", is_flag=True, help="Start the follow-up rules of the status that each new lead is in.")
def import_leads(file: Path, dry_run: bool, on_duplicate: str, rules: bool) -> None:
    """Take in leads from a CSV or NDJSON FILE.

    Refused rows are written to a file beside it, or in the current folder, with line and reason. They can be
    corrected there and imported again.
    """
    form = format_of(file.name)
    place = None if dry_run else place_for_refused(file, form)
    summary = ImportSummary()
    opened = session.opened_for_dry_run() if dry_run else session.opened(says_where=True, makes=True)
    with opened as (container, run), file.open("rb") as stream:
        progress = Progress(console=Console(stderr=True))
        watched = progress.wrap_file(stream, total=file.stat().st_size, description="Importing")
        lead_file = READERS[form](watched)
        refused = RefusedFile(place, form, lead_file)
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
        raise CommandFailed(f"Not all refused rows could be written to {place}: {refused.failure}.")


def _report(summary: ImportSummary, refused: RefusedFile, *, dry_run: bool) -> None:
    for outcome in ("created", "updated", "unchanged", "duplicates", "refused"):
        click.echo(f"{outcome:<10} {getattr(summary, outcome):>9}")
    for sentence in _about_statuses(summary):
        click.echo(sentence)
    for line in refused.reasons:
        click.echo(line)
    if refused.unlisted:
        click.echo(f"{_counted(refused.unlisted, 'more row was', 'more rows were')} refused.")
    if summary.refused and refused.path and not refused.failure:
        click.echo(f"The refused rows, with reasons, are in {refused.path}.")
    if dry_run:
        click.echo("This was a dry run: nothing was kept.")


_ROWS_NAME = ("row names", "rows name")


def _about_statuses(summary: ImportSummary) -> Iterator[str]:
    if summary.statuses_set:
        yield f"{_counted(summary.statuses_set, 'lead has its', 'leads have their')} status from the file."
    if summary.statuses_kept:
        yield f"{_counted(summary.statuses_kept, *_ROWS_NAME)} a status for an existing lead: it keeps its own."
    if summary.statuses_unknown:
        examples = ", ".join(map(repr, summary.unknown_statuses))
        yield f"{_counted(summary.statuses_unknown, *_ROWS_NAME)} a status that the pipeline does not have: {examples}."


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
