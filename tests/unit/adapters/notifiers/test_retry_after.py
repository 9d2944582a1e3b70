"""Whatever a receiver writes into `Retry-After` is a delay or nothing."""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from builders import NOON
from leads_adapters.notifiers.webhook import _delay

WORDS = st.sampled_from(
    ["Fri,", "31", "Dec", "0000", "9999", "99999", "23:59:60", "1:2:3:4", "-0000", "+9999", "GMT", ""]
)


@given(st.text(max_size=40) | st.lists(WORDS, max_size=8).map(" ".join))
@example("9" * 5000)
def test_a_garbled_delay_does_no_harm(retry_after: str) -> None:
    delay = _delay(retry_after, NOON.timestamp())
    assert delay is None or delay >= timedelta()
