"""Run a command repeatedly, killed one step later each time, until it ends by itself.

    python kill_at_each_step.py leads restore backup.db --yes

A step is an event of Python's audit hooks that changes files or starts a program. After each run the script writes its
exit code as a line to standard output and waits for a line from standard input, so that a test can check the result.
"""

import os
import signal
import sys
from itertools import count
from typing import Any

from leads_app.cli import main

STEPS = ("os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.", "subprocess.", "tempfile.")


def run(steps: int) -> int:
    """Run the command in a process that is killed before step `steps`; return its exit code, -9 if it was killed."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    remaining = iter(range(steps))

    def step(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith(STEPS) and next(remaining, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    try:
        main()
    except SystemExit as ended:
        sys.stderr.write(f"{ended.code}\n")
        os._exit(1 if ended.code else 0)
    os._exit(0)


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    for steps in count():
        code = run(steps)
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        if code != -signal.SIGKILL:
            break
