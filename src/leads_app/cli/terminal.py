"""Print to the terminal. All commands print through this module, so that no value can control the terminal."""

import rich_click as click

from leads_domain.control_characters import escape_controls


def print_line(text: str, *, err: bool = False) -> None:
    """Print one line, with its control characters escaped: no value in it can begin another line."""
    click.echo(escape_controls(text), err=err)


def print_lines(text: str) -> None:
    """Print a text of several lines whose values have no line breaks."""
    for line in text.removesuffix("\n").split("\n"):
        print_line(line)


def confirm(question: str) -> None:
    """Ask a question, and abort the command unless the user agrees."""
    click.confirm(escape_controls(question), abort=True)
