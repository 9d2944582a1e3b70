"""Start the service, put it under load, print the figures: `python -m benchmarks`."""

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
from benchmarks.target import WORKLOADS

OWN_PARTS = (
    "limits",
    "intake",
    "driver",
    "start",
    "size",
    "imports",
    "transfer",
    "finding",
    "tasks",
    "postgres",
    "dispatch",
)
PARTS = (*OWN_PARTS, "peers")

_QUICK = {"rounds": 2, "seconds": 1, "leads": 1_000, "many": 20_000, "rows": 5_000}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option(
    "--ask", "workloads", type=click.Choice(WORKLOADS), multiple=True, default=WORKLOADS, help="Run this workload only."
)
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1), help="Number of rounds.")
@click.option(
    "--seconds", default=3, show_default=True, type=click.IntRange(1), help="Duration of each load in a round."
)
@click.option("--connections", default=32, show_default=True, help="Number of concurrent clients.")
@click.option(
    "--leads",
    default=10_000,
    show_default=True,
    type=click.IntRange(51),
    help="Number of leads that are stored before.",
)
@click.option(
    "--many",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(1_000),
    help="Number of leads of a large database.",
)
@click.option(
    "--rows", default=100_000, show_default=True, type=click.IntRange(1), help="Number of rows of an imported file."
)
@click.option("--quick", is_flag=True, help="Run a little of everything, to check that it works.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the values of all rounds to this file.",
)
@click.option(
    "--directory",
    default="build",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the databases. Use a disk: in memory, durability costs nothing.",
)
def main(
    parts: tuple[str, ...],
    workloads: tuple[str, ...],
    quick: bool,
    json_file: Path | None,
    directory: Path,
    **extent: int,
) -> None:
    """Measure the PARTS of the benchmark; by default all except the peers.

    Ratios carry over to other machines. Other figures do not.
    """
    wrk.check_installed()
    directory.mkdir(parents=True, exist_ok=True)
    findings = []
    for part in parts or OWN_PARTS:
        with TemporaryDirectory(dir=directory, prefix="benchmark-") as folder:
            bench = Bench(Path(folder).resolve(), workloads, few=1_000, **(extent | (_QUICK if quick else {})))
            findings.append(import_module(f"benchmarks.parts.{part}").measure(bench))
    found = Findings.merge(findings)
    print(as_markdown(found))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(as_json(found))))


if __name__ == "__main__":
    # Exit as after Ctrl-C, so that every server is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: stopped"))
    try:
        main()
    except Failed as failure:
        sys.exit(f"benchmarks: {failure}")
