"""Test the sources of ids and random values."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.ids import EntropyContract, IdSourceContract, RandomSourceContract
from fakes import CountingIds, FixedEntropy, FixedRandomSource
from leads_adapters.ids import SystemEntropy, SystemRandomSource, Uuid7Source
from leads_domain.sources import Entropy, IdSource, RandomSource

MILLISECOND = timedelta(milliseconds=1)


class TestUuid7Source(IdSourceContract):
    def make(self) -> IdSource:
        return Uuid7Source()

    def test_makes_no_id_twice_in_several_threads_and_sources(self) -> None:
        with ThreadPoolExecutor(4) as threads:
            batches = threads.map(lambda _: [self.make().new() for _ in range(2_000)], range(8))
        assert len({id for batch in batches for id in batch}) == 16_000

    def test_starts_with_the_unix_time_in_milliseconds(self) -> None:
        before = datetime.now(UTC)
        created_at = datetime.fromtimestamp((UUID(self.make().new()).int >> 80) / 1000, UTC)
        after = datetime.now(UTC)

        assert before - MILLISECOND < created_at <= after


class TestCountingIds(IdSourceContract):
    def make(self) -> IdSource:
        return CountingIds()


class TestSystemEntropy(EntropyContract):
    def make(self) -> Entropy:
        return SystemEntropy()

    def test_returns_all_bytes_about_equally_often(self) -> None:
        counts = Counter(self.make().random_bytes(256 * 1000))

        # For uniform bytes, the limits are 9 standard deviations from the mean.
        assert len(counts) == 256
        assert all(700 < times < 1300 for times in counts.values())


class TestFixedEntropy(EntropyContract):
    def make(self) -> Entropy:
        return FixedEntropy()


class TestSystemRandomSource(RandomSourceContract):
    def make(self) -> RandomSource:
        return SystemRandomSource()

    def test_returns_every_tenth_about_equally_often(self) -> None:
        source = self.make()
        counts = Counter(int(source.random() * 10) for _ in range(10_000))

        # For uniform numbers, the limits are 10 standard deviations from the mean.
        assert set(counts) == set(range(10))
        assert all(700 < times < 1300 for times in counts.values())


class TestFixedRandomSource(RandomSourceContract):
    def make(self) -> RandomSource:
        return FixedRandomSource()
