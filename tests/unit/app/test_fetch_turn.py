"""Test that one of several forked processes gets the turn, and another one after its end."""

import os

from leads_app.fetch_turn import FetchTurn


def test_one_process_has_the_turn_until_it_ends() -> None:
    turn = FetchTurn()
    go_on, finish = os.pipe()
    answer, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(say, b"1" if turn.take() and turn.take() else b"0")
        os.read(go_on, 1)
        os._exit(0)
    assert os.read(answer, 1) == b"1"
    assert not turn.take()
    os.write(finish, b"x")
    os.waitpid(child, 0)
    assert turn.take()
    turn._file.close()
    for number in (go_on, finish, answer, say):
        os.close(number)
