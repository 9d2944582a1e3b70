"""The notifier that the README shows keeps the whole contract, in under twenty lines.

The tests are those that docs/notifiers.md shows, with a shorter time-out.
"""

import sys
from types import ModuleType

import pytest

from e2e.readme import block

SOURCE = block("class MatrixNotifier")
IMPATIENT = SOURCE.replace("timeout=20", "timeout=1")
assert IMPATIENT != SOURCE

with pytest.MonkeyPatch.context() as patch:
    my_matrix = ModuleType("my_matrix")
    exec(IMPATIENT, my_matrix.__dict__)
    patch.setitem(sys.modules, "my_matrix", my_matrix)
    exec(block("class TestMatrixNotifier", "docs/notifiers.md"))


def test_it_has_less_than_twenty_lines() -> None:
    assert len([line for line in SOURCE.splitlines() if line.strip()]) < 20
