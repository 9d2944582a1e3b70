"""Test that work with a deadline is abandoned in time."""

from socket import socketpair
from threading import Event

import pytest

from leads_adapters.deadline import Deadline


def test_a_result_in_time_is_returned() -> None:
    assert Deadline(30).run(lambda: "done") == "done"


def test_an_error_in_time_is_raised() -> None:
    def fail() -> None:
        raise KeyError("missing")

    with pytest.raises(KeyError, match="missing"):
        Deadline(30).run(fail)


def test_a_connection_that_opens_after_the_deadline_is_closed() -> None:
    expired, refused = Event(), Event()
    near, far = socketpair()
    deadline = Deadline(0.05)

    def connect_late() -> None:
        expired.wait(30)
        try:
            deadline.watch(near)
        except TimeoutError:
            refused.set()

    with near, far:
        with pytest.raises(TimeoutError):
            deadline.run(connect_late)
        expired.set()
        assert refused.wait(30)
        assert far.recv(1) == b""


def test_an_open_connection_is_closed_at_the_deadline() -> None:
    near, far = socketpair()
    received: list[bytes] = []
    done = Event()
    deadline = Deadline(0.05)

    def wait() -> None:
        deadline.watch(near)
        received.append(near.recv(1))
        done.set()

    with near, far:
        with pytest.raises(TimeoutError):
            deadline.run(wait)
        assert done.wait(30)
    assert received == [b""]
