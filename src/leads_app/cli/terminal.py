"""Print to the terminal. All commands print through this module, so that no value can control the terminal."""

from collections.abc import Iterable, Sequence

import rich_click as click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from leads_domain.control_characters import escape_controls


def print_line(text: str, *, err: bool = False) -> None:
    """Print one line, with its control characters escaped: no value in it can begin another line."""
    click.echo(escape_controls(text), err=err)


def print_lines(text: str) -> None:
    """Print a text of several lines whose values have no line breaks."""
    for line in text.removesuffix("\n").split("\n"):
        print_line(line)


def print_table(*columns: str, rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table that fits the width of the terminal. Long values continue on the next line of their cell."""
    table = Table(*(Column(each, overflow="fold") for each in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(Text(escape_controls(value)) for value in row))
    Console().print(table)


def confirm(question: str) -> None:
    """Ask a question, and abort the command unless the user agrees."""
    click.confirm(escape_controls(question), abort=True)
