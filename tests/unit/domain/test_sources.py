"""The fakes of the sources keep what the ports promise, so that tests can rest on them."""

from datetime import timedelta
from uuid import RFC_4122, UUID

from builders import NOON, an_id
from fakes import CountingIds, FixedClock, FixedEntropy
from leads_domain.sources import Clock, Entropy, IdSource


def test_a_fixed_clock_stands_still_until_it_is_moved() -> None:
    clock = FixedClock()
    port: Clock = clock
    assert port.now() == port.now() == NOON
    assert clock.advance(timedelta(minutes=5)) == port.now() == NOON + timedelta(minutes=5)
    clock.time = NOON
    assert port.now() == NOON


def test_counted_ids_are_uuids_of_version_7_and_grow() -> None:
    source: IdSource = CountingIds()
    made = [source.new() for _ in range(100)]
    assert made == sorted(set(made))
    for text in made:
        identifier = UUID(text)
        assert (str(identifier), identifier.version, identifier.variant) == (text, 7, RFC_4122)


def test_counted_ids_never_meet_those_of_the_builders() -> None:
    assert CountingIds().new() > an_id(1000)


def test_fixed_entropy_is_as_long_as_asked_and_different_every_time() -> None:
    entropy: Entropy = FixedEntropy()
    assert [entropy.random_bytes(2), entropy.random_bytes(3)] == [b"\x00\x00", b"\x01\x01\x01"]
