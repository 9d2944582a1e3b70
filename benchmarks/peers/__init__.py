"""Other servers that do the same job, in a separate environment.

Litestar imports pydantic if it is installed, which would add to the memory of the service.
"""

import sys
from pathlib import Path

PROGRAMS = Path(sys.prefix).with_name("peers") / "bin"
"""The programs of that environment, which `make bench-peers` installs."""
