"""Test that the fake clock, ids and entropy honour the contracts of their ports."""

from datetime import timedelta
from uuid import RFC_4122, UUID

from builders import NOON, an_id
from fakes import CountingIds, FixedClock, FixedEntropy
from leads_domain.sources import Clock, Entropy, IdSource


def test_a_fixed_clock_changes_only_when_it_is_advanced() -> None:
    clock = FixedClock()
    port: Clock = clock
    assert port.now() == port.now() == NOON
    assert clock.advance(timedelta(minutes=5)) == port.now() == NOON + timedelta(minutes=5)
    clock.time = NOON
    assert port.now() == NOON


def test_counted_ids_are_ascending_uuids_of_version_7() -> None:
    source: IdSource = CountingIds()
    ids = [source.new() for _ in range(100)]
    assert ids == sorted(set(ids))
    for text in ids:
        identifier = UUID(text)
        assert (str(identifier), identifier.version, identifier.variant) == (text, 7, RFC_4122)


def test_counted_ids_differ_from_the_ids_of_the_builders() -> None:
    assert CountingIds().new() > an_id(1000)


def test_fixed_entropy_has_the_requested_length_and_differs_at_each_call() -> None:
    entropy: Entropy = FixedEntropy()
    assert [entropy.random_bytes(2), entropy.random_bytes(3)] == [b"\x00\x00", b"\x01\x01\x01"]
