"""The command `leads export`."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from leads_adapters.files.formats import WRITERS, Format, format_of
from leads_adapters.lead_files import FileRefused
from leads_adapters.transfer import all_leads
from leads_app.cli import session
from leads_app.cli.terminal import print_lines
from leads_app.cli.whole_file import whole_file
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery


@click.command("export")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice([each.value for each in Format]),
    help="The format. Default: from the name of FILE; csv for standard output.",
)
def export_leads(file: Path | None, format_name: str | None) -> None:
    """Export all leads, oldest first, to FILE or to standard output."""
    chosen = _format(file, format_name)
    with session.opened(prints_name=True) as (container, run):
        leads = all_leads(container.database(), run, LeadQuery())
        if file is None:
            _print(WRITERS[chosen](leads))
        else:
            _write(file, chosen, leads)


def _format(file: Path | None, format_name: str | None) -> Format:
    if format_name is not None:
        return Format(format_name)
    if file is None:
        return Format.CSV
    try:
        return format_of(file.name)
    except FileRefused as refusal:
        raise click.UsageError(f"{refusal} Or choose a format with --format.") from None


def _print(chunks: Iterable[bytes]) -> None:
    """Print the file; on a terminal, with control characters escaped."""
    for chunk in chunks:
        if sys.stdout.isatty():
            print_lines(chunk.decode().replace("\r\n", "\n"))
        else:
            sys.stdout.buffer.write(chunk)


def _write(file: Path, file_format: Format, leads: Iterator[Lead]) -> None:
    columns = (SpinnerColumn(), TextColumn("Exporting"), TextColumn("{task.completed} leads"), TimeElapsedColumn())
    with whole_file(file) as stream, Progress(*columns, console=Console(stderr=True)) as progress:
        stream.writelines(WRITERS[file_format](progress.track(leads, total=None)))
