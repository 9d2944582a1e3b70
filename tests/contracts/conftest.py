"""Rewrite the assertions of contracts, so that pytest shows the compared values."""

import pytest

pytest.register_assert_rewrite("contracts")
