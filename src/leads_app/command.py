"""Where the command `leads` begins."""

import gc
import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


def main() -> None:
    """Load the command line, and run it.

    Loading makes many objects and no garbage; to look for some takes a fifth of the time (0.18 of 0.9 s), and to
    make up for it afterwards, unless they are frozen, a tenth.
    """
    try:
        gc.disable()
        from leads_app.cli import main as run  # noqa: PLC0415

        gc.freeze()
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
