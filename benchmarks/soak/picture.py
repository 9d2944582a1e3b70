"""Draw the curves of a run as SVG, readable on light and on dark pages: `python -m benchmarks.soak.picture`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import msgspec

from benchmarks.soak.results import InjectedFault, Result
from benchmarks.soak.samples import Sample

WIDTH, LEFT, RIGHT, TOP = 860, 52, 12, 54
PANEL, GAP, ROW = 96, 34, 20

_STYLE = """
svg { background: #ffffff; font: 12px system-ui, sans-serif; fill: #24292f; --grid: #d8dee4; }
.s0 { --line: #0969da; } .s1 { --line: #bc4c00; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; fill: #e6edf3; --grid: #30363d; }
  .s0 { --line: #58a6ff; } .s1 { --line: #f0883e; }
}
line { stroke: var(--grid); } polyline { fill: none; stroke: var(--line); stroke-width: 1.5; stroke-linejoin: round; }
.thin { stroke-dasharray: 2 3; } .key { fill: var(--line); } .title { font-weight: 600; } .small { font-size: 10px; }
"""


@dataclass(frozen=True)
class Curve:
    """A line of a panel: points of time in seconds and value, of the result with this number."""

    result: int
    points: Sequence[tuple[float, float]]
    is_thin: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves with a common scale."""

    title: str
    curves: Sequence[Curve]

    @property
    def most(self) -> float:
        """The upper end of the scale: a round number."""
        largest = max((value for curve in self.curves for _, value in curve.points), default=0.0)
        return next(step for power in range(6) for factor in (1, 2, 4, 5) if (step := factor * 10.0**power) >= largest)


def draw(results: Sequence[Result]) -> str:
    """Return the picture of the results of one run."""
    seconds = max(result.minutes * 60 for result in results)
    panels = _panels(results)
    height = TOP + len(panels) * (PANEL + GAP) + (len(results) + 1) * ROW + 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{results[0].minutes:g} minutes of steady traffic with faults</title>",
        f"<style>{_STYLE}</style>",
        *_legend(results),
    ]
    top = TOP
    for panel in panels:
        lines += _panel(panel, top, seconds)
        top += PANEL + GAP
    lines += _faults(results, top, seconds)
    return "\n".join([*lines, "</svg>", ""])


def _panels(results: Sequence[Result]) -> Sequence[Panel]:
    numbered = list(enumerate(results))
    p99 = [Curve(number, [(point.at, point.p99) for point in result.points]) for number, result in numbered]
    p50 = [Curve(number, [(point.at, point.p50) for point in result.points], True) for number, result in numbered]
    others: dict[str, Callable[[Sample], float]] = {
        "Memory of the main process, MiB": lambda sample: sample.memory_mib,
        "Its open files and connections": lambda sample: sample.files,
        "Its threads": lambda sample: sample.threads,
        "Write-ahead log of SQLite, MiB": lambda sample: sample.wal_mib,
    }
    return [
        Panel("Response, ms: 99th percentile, and median (dotted), outside faults", p99 + p50),
        *(
            Panel(
                title, [Curve(number, [(each.at, of(each)) for each in result.samples]) for number, result in numbered]
            )
            for title, of in others.items()
        ),
    ]


def _legend(results: Sequence[Result]) -> Iterator[str]:
    for number, result in enumerate(results):
        x = LEFT + 110 * number
        yield f'<g class="s{number}"><rect class="key" x="{x}" y="14" width="12" height="12"/></g>'
        yield f'<text x="{x + 18}" y="24">{escape(result.database)}</text>'


def _panel(panel: Panel, top: float, seconds: float) -> Iterator[str]:
    bottom = top + PANEL
    yield f'<text class="title" x="{LEFT}" y="{top - 8}">{escape(panel.title)}</text>'
    for share in (0, 0.5, 1):
        y = bottom - share * PANEL
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:g}" y2="{y:g}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end">{panel.most * share:g}</text>'
    for curve in panel.curves:
        points = " ".join(
            f"{_x(at, seconds):.1f},{bottom - value / panel.most * PANEL:.1f}" for at, value in curve.points
        )
        style = ' class="thin"' if curve.is_thin else ""
        yield f'<g class="s{curve.result}"><polyline{style} points="{points}"/></g>'


def _faults(results: Sequence[Result], top: float, seconds: float) -> Iterator[str]:
    """Draw a row of letters for the faults of each database, the axis of time, and what the letters mean."""
    letters = _letters([fault for result in results for fault in result.faults])
    yield f'<text class="title" x="{LEFT}" y="{top - 8}">Faults</text>'
    for number, result in enumerate(results):
        y = top + (number + 0.5) * ROW
        for fault in result.faults:
            x = _x((fault.began + fault.ended) / 2, seconds)
            text = f'<text class="key" x="{x:.1f}" y="{y:g}" text-anchor="middle">{letters[fault.name]}</text>'
            yield f'<g class="s{number}">{text}</g>'
    axis = top + (len(results) + 0.5) * ROW
    for part in range(7):
        minutes = seconds / 60 * part / 6
        yield f'<text x="{_x(minutes * 60, seconds):.1f}" y="{axis:g}" text-anchor="middle">{minutes:.3g}</text>'
    meaning = ", ".join(f"{letter}: {name}" for name, letter in letters.items())
    yield f'<text class="small" x="{LEFT}" y="{axis + ROW:g}">Minutes. {escape(meaning)}</text>'


def _letters(faults: Sequence[InjectedFault]) -> dict[str, str]:
    names = dict.fromkeys(fault.name for fault in faults)
    return {name: chr(ord("A") + number) for number, name in enumerate(names)}


def _x(at: float, seconds: float) -> float:
    return LEFT + at / seconds * (WIDTH - LEFT - RIGHT)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(draw(msgspec.json.decode(source.read_bytes(), type=list[Result])), "utf-8")
