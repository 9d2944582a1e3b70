"""Test that the notifier in docs/write-a-notifier.md passes the contract and has fewer than 20 lines.

The tests are those on the page, with a shorter time-out.
"""

import sys
from types import ModuleType

import pytest

from e2e.readme import block

PAGE = "docs/write-a-notifier.md"
SOURCE = block("class MatrixNotifier", PAGE)
WITH_SHORT_TIMEOUT = SOURCE.replace("timeout=20", "timeout=1")
assert WITH_SHORT_TIMEOUT != SOURCE

with pytest.MonkeyPatch.context() as patch:
    my_matrix = ModuleType("my_matrix")
    exec(WITH_SHORT_TIMEOUT, my_matrix.__dict__)
    patch.setitem(sys.modules, "my_matrix", my_matrix)
    exec(block("class TestMatrixNotifier", PAGE))


def test_the_notifier_has_fewer_than_20_lines() -> None:
    assert len([line for line in SOURCE.splitlines() if line.strip()]) < 20


def test_the_factory_names_unknown_options() -> None:
    exec(block("def create", PAGE), my_matrix.__dict__)
    options = {"url": "https://matrix.example.com", "room": "!leads:example.com", "token": "syt_..."}
    assert isinstance(my_matrix.create(options), my_matrix.MatrixNotifier)
    with pytest.raises(ValueError, match="remove password; the options are url, room and token"):
        my_matrix.create(options | {"password": "secret"})


def test_the_documented_exclusion_omits_one_test() -> None:
    names = dict(globals())
    exec(block("class TestPostcards", PAGE), names)
    assert names["TestPostcards"].test_raises_refused_when_the_receiver_refuses is None
