"""Test the states of a digest."""

from dataclasses import replace
from datetime import timedelta

from builders import NOON, a_digest
from leads_domain.digest import OUTDATED_AFTER, DigestState
from leads_domain.follow_up import Lease

MINUTE = timedelta(minutes=1)
LATER = NOON + MINUTE
CLAIMED = a_digest().claim("one", LATER, NOON)


def test_a_claim_gives_a_lease_and_counts() -> None:
    assert replace(a_digest(), attempts=1, claims=1, lease=Lease(owner="one", until=LATER)) == CLAIMED


def test_a_digest_ends_once_without_a_lease() -> None:
    assert CLAIMED.end(DigestState.SENT, LATER) == replace(
        CLAIMED, state=DigestState.SENT, next_attempt_at=None, lease=None, updated_at=LATER
    )


def test_a_failed_attempt_is_retried_after_the_wait() -> None:
    assert CLAIMED.fail_attempt("busy", 5 * MINUTE, LATER) == replace(
        CLAIMED, last_error="busy", next_attempt_at=LATER + 5 * MINUTE, lease=None, updated_at=LATER
    )


def test_the_last_failed_attempt_ends_the_digest() -> None:
    failed = CLAIMED.fail_attempt("refused", None, LATER)
    assert (failed.state, failed.last_error, failed.next_attempt_at) == (DigestState.FAILED, "refused", None)


def test_a_change_is_no_earlier_than_the_last_one() -> None:
    assert CLAIMED.end(DigestState.EMPTY, NOON - MINUTE).updated_at == NOON


def test_a_digest_is_outdated_after_half_a_day() -> None:
    assert not a_digest().is_outdated(NOON + OUTDATED_AFTER)
    assert a_digest().is_outdated(NOON + OUTDATED_AFTER + timedelta(microseconds=1))
