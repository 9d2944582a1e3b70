"""Lets a contract's assertions tell what they compared, as those of test files do."""

import pytest

pytest.register_assert_rewrite("contracts")
