from socket import socketpair
from threading import Event

import pytest

from leads_adapters.notifiers.deadline import Deadline


def test_what_is_done_in_time_answers() -> None:
    assert Deadline(30).run(lambda: "done") == "done"


def test_what_goes_wrong_in_time_is_raised() -> None:
    def stumble() -> None:
        raise KeyError("door")

    with pytest.raises(KeyError, match="door"):
        Deadline(30).run(stumble)


def test_what_takes_too_long_is_left_and_gets_no_connection_any_more() -> None:
    late, ended = Event(), Event()
    near, far = socketpair()
    deadline = Deadline(0.05)

    def dawdle() -> None:
        late.wait(30)
        try:
            deadline.watch(near)
        except TimeoutError:
            ended.set()

    with near, far:
        with pytest.raises(TimeoutError):
            deadline.run(dawdle)
        late.set()
        assert ended.wait(30)
        assert far.recv(1) == b""


def test_the_connection_of_what_takes_too_long_is_ended() -> None:
    near, far = socketpair()
    heard: list[bytes] = []
    done = Event()
    deadline = Deadline(0.05)

    def wait() -> None:
        deadline.watch(near)
        heard.append(near.recv(1))
        done.set()

    with near, far:
        with pytest.raises(TimeoutError):
            deadline.run(wait)
        assert done.wait(30)
    assert heard == [b""]
