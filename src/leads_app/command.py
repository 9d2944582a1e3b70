"""The entry point of the command `leads`."""

import gc
import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 plus the number of SIGINT, as in shells."""


def main() -> None:
    """Load and run the command line."""
    try:
        gc.disable()
        from leads_app.cli import main as run  # noqa: PLC0415

        gc.freeze()  # collections skip the loaded modules: see docs/decisions/0023-garbage-and-threads.md
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
