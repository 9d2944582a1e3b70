"""The contracts of the `IdSource`, `Entropy` and `RandomSource` ports."""

import re
from uuid import RFC_4122, UUID

import pytest

from leads_domain.sources import Entropy, IdSource, RandomSource

UUID_VERSION = 7


class IdSourceContract:
    """Inherit from it, name the class `Test...`, and implement `make`."""

    def make(self) -> IdSource:
        """Return the adapter."""
        raise NotImplementedError

    def test_makes_a_uuid_of_version_7_as_lower_case_text(self) -> None:
        id = self.make().new()

        assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id)
        assert (UUID(id).version, UUID(id).variant) == (UUID_VERSION, RFC_4122)

    def test_makes_no_id_twice(self) -> None:
        ids = self.make()

        assert len({ids.new() for _ in range(10_000)}) == 10_000

    def test_makes_ids_that_sort_by_their_millisecond(self) -> None:
        ids = self.make()
        ids_made = [UUID(ids.new()) for _ in range(10_000)]
        milliseconds = [id.int >> 80 for id in ids_made]

        assert milliseconds == sorted(milliseconds)
        assert sorted(ids_made, key=str) == sorted(ids_made)


class EntropyContract:
    """Inherit from it, name the class `Test...`, and implement `make`."""

    def make(self) -> Entropy:
        """Return the adapter."""
        raise NotImplementedError

    @pytest.mark.parametrize("size", [0, 1, 32, 1000])
    def test_returns_the_requested_number_of_bytes(self, size: int) -> None:
        assert len(self.make().random_bytes(size)) == size

    def test_returns_no_bytes_twice(self) -> None:
        entropy = self.make()

        assert len({entropy.random_bytes(32) for _ in range(100)}) == 100


class RandomSourceContract:
    """Inherit from it, name the class `Test...`, and implement `make`."""

    def make(self) -> RandomSource:
        """Return the adapter."""
        raise NotImplementedError

    def test_returns_numbers_from_0_to_less_than_1(self) -> None:
        source = self.make()

        assert all(0 <= source.random() < 1 for _ in range(10_000))
