"""The same job, done by others. They live in an environment of their own.

Litestar imports pydantic where it is installed: in one environment with them, the service would need 15 MB more.
"""

import sys
from pathlib import Path

PROGRAMS = Path(sys.prefix).with_name("peers") / "bin"
"""The programs of that environment, which `make bench-peers` makes."""
