"""Render findings as Markdown, for people and for docs/performance.md, and as JSON, for programs."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from benchmarks import wrk
from benchmarks.figures import Figure, Findings, Rate
from leads_adapters.sql.sqlite.driver import driver

_PACKAGES = ("granian", "litestar", "msgspec", "SQLAlchemy")

_RATIO_COLUMNS = ("figure", "median", "least", "most", "goal", "")
_RATE_COLUMNS = ("on this machine", "a second", "p50 ms", "p99 ms")


def as_markdown(findings: Findings) -> str:
    """Return tables of the figures with their goals, of the rates, and of the versions."""
    tables = [
        table(_RATIO_COLUMNS, map(_figure_cells, findings.figures)),
        table(_RATE_COLUMNS, map(_rate_cells, findings.rates)),
        table(("version", ""), _versions(findings).items()),
    ]
    return "\n\n".join(tables)


def as_json(findings: Findings) -> dict[str, Any]:
    """Return the values of every round."""
    return {**asdict(findings), "versions": _versions(findings)}


def _figure_cells(figure: Figure) -> Sequence[str]:
    spread = (figure.median, min(figure.values), max(figure.values))
    return (figure.name, *(f"{value:.3g}" for value in spread), str(figure.goal or ""), figure.verdict)


def _rate_cells(rate: Rate) -> Sequence[str]:
    latencies = ("" if latency is None else f"{latency:.1f}" for latency in (rate.p50, rate.p99))
    return (rate.name, f"{rate.per_second:,.0f}", *latencies)


def _versions(findings: Findings) -> dict[str, str]:
    own = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "Python": platform.python_version(),
        "SQLite": driver.sqlite_version,
        "wrk": wrk.version(),
    }
    return own | {name: version(name) for name in _PACKAGES} | dict(findings.versions)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, *rows]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    padded = [
        [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    rule = ["-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [padded[0], rule, *padded[1:]])
