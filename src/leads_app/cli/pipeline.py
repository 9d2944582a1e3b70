"""The command `leads pipeline`."""

from collections.abc import Iterator, Sequence

import rich_click as click

from leads_app.cli import session
from leads_app.cli.terminal import print_lines, print_table
from leads_domain.pipeline import Pipeline


@click.command()
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["table", "mermaid"]),
    default="table",
    show_default=True,
    help="The format.",
)
def pipeline(format_name: str) -> None:
    """Show the statuses of leads and the transitions between them."""
    configured = session.settings().pipeline
    if format_name == "mermaid":
        print_lines(mermaid(configured))
    else:
        print_table("status", "can become", "note", rows=_rows(configured))


def mermaid(pipeline: Pipeline) -> str:
    """Return the pipeline as a Mermaid state diagram. The states get numbers, so that names can have any characters."""
    number = {status: f"s{index}" for index, status in enumerate(pipeline.statuses)}
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{status.replace(chr(34), "#quot;")}" as {number[status]}' for status in pipeline.statuses]
    lines.append(f"    [*] --> {number[pipeline.initial]}")
    for status, targets in pipeline.transitions.items():
        lines += [f"    {number[status]} --> {number[target]}" for target in targets]
        if status in pipeline.final:
            lines.append(f"    {number[status]} --> [*]")
    return "\n".join(lines)


def _rows(pipeline: Pipeline) -> Iterator[Sequence[str]]:
    for status, targets in pipeline.transitions.items():
        notes = {
            "initial": status == pipeline.initial,
            "final": status in pipeline.final,
            "needs a reason": status in pipeline.reason_required,
        }
        yield status, ", ".join(targets), ", ".join(note for note, holds in notes.items() if holds)
