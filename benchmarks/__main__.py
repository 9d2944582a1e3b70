"""`python -m benchmarks`: start the service, ask it, print the figures."""

import signal
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import rich_click as click

from benchmarks import wrk
from benchmarks.bench import Bench
from benchmarks.failure import Failed
from benchmarks.figures import Findings
from benchmarks.report import as_json, as_markdown
from benchmarks.target import QUESTIONS

OWN_PARTS = ("limits", "driver", "start", "size", "imports", "transfer", "finding", "postgres", "dispatch")
PARTS = (*OWN_PARTS, "peers")

_QUICK = {"rounds": 2, "seconds": 1, "leads": 1_000, "many": 20_000, "rows": 5_000}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--ask", type=click.Choice(QUESTIONS), multiple=True, default=QUESTIONS, help="Only this question.")
@click.option(
    "--rounds", default=7, show_default=True, type=click.IntRange(1), help="How often each load has its turn."
)
@click.option("--seconds", default=3, show_default=True, type=click.IntRange(1), help="How long a turn is.")
@click.option("--connections", default=32, show_default=True, help="How many clients ask at once.")
@click.option("--leads", default=10_000, show_default=True, type=click.IntRange(51), help="How many there are before.")
@click.option("--many", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="How many are many.")
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(1), help="How many are imported.")
@click.option("--quick", is_flag=True, help="Little of everything: does it work, not how fast is it.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all rounds there.")
@click.option(
    "--directory",
    default="build",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the databases live meanwhile. On a disk: in memory, durability would cost nothing.",
)
def main(
    parts: tuple[str, ...], ask: tuple[str, ...], quick: bool, json_file: Path | None, directory: Path, **extent: int
) -> None:
    """Measure the service: the PARTS that are named, or all but the peers.

    Ratios carry over to other machines, the other figures do not.
    """
    wrk.check_installed()
    directory.mkdir(parents=True, exist_ok=True)
    findings = []
    for part in parts or OWN_PARTS:
        with TemporaryDirectory(dir=directory, prefix="benchmark-") as folder:
            bench = Bench(Path(folder).resolve(), ask, few=1_000, **(extent | (_QUICK if quick else {})))
            findings.append(import_module(f"benchmarks.parts.{part}").measure(bench))
    found = Findings.together(findings)
    print(as_markdown(found))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(as_json(found))))


if __name__ == "__main__":
    # As Ctrl-C does it: every server is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: stopped"))
    try:
        main()
    except Failed as failure:
        sys.exit(f"benchmarks: {failure}")
