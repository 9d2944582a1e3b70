"""`leads export`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from leads_adapters.files.formats import WRITERS, Format, format_of
from leads_adapters.files.row import FileRefused
from leads_app.cli import session
from leads_app.cli.session import Run
from leads_app.container import Container
from leads_domain.lead import Lead
from leads_domain.paging import LIMIT_MAX, LeadQuery, LeadSort
from leads_domain.use_cases.find_leads import list_leads


@click.command("export")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice([form.value for form in Format]), help="By default as FILE is named."
)
def export_leads(file: Path | None, form: str | None) -> None:
    """Write all leads, the oldest first, to FILE or to standard output."""
    chosen = _format(file, form)
    with session.opened() as (container, run):
        if file is None:
            for chunk in WRITERS[chosen](_all_leads(container, run)):
                sys.stdout.buffer.write(chunk)
        else:
            _write(file, chosen, container, run)


def _format(file: Path | None, form: str | None) -> Format:
    if form is not None:
        return Format(form)
    if file is None:
        return Format.CSV
    try:
        return format_of(file.name)
    except FileRefused as refusal:
        raise click.UsageError(f"{refusal} Or say --format.") from None


def _write(file: Path, form: Format, container: Container, run: Run) -> None:
    """Write beside the file and rename, so that there is never half a file under its name."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    columns = (SpinnerColumn(), TextColumn("Exporting"), TextColumn("{task.completed} leads"), TimeElapsedColumn())
    with unfinished.open("wb") as stream, Progress(*columns, console=Console(stderr=True)) as progress:
        leads = progress.track(_all_leads(container, run), total=None)
        stream.writelines(WRITERS[form](leads))
    unfinished.replace(file)


def _all_leads(container: Container, run: Run) -> Iterator[Lead]:
    query = LeadQuery(sort=LeadSort.OLDEST_FIRST, limit=LIMIT_MAX)
    while True:
        page = run(container.database().read(list_leads, query))
        yield from page.items
        if page.next is None:
            return
        query = LeadQuery(sort=query.sort, limit=query.limit, after=page.next)
