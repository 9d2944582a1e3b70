"""Where the command `leads` begins."""

import gc
import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


def main() -> None:
    """Load the command line, and run it."""
    try:
        gc.disable()
        from leads_app.cli import main as run  # noqa: PLC0415

        gc.freeze()  # collections skip what was loaded: see docs/decisions/0023-garbage-and-threads.md
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
