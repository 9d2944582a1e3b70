"""Doing things once, and giving the first answer again."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from builders import a_lead, an_id
from desk import Desk
from leads_domain.errors import Erased, KeyReused
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.answer_once import EXPIRED_MAX, KEPT_FOR, AnswerOnce

LEAD = a_lead().id

Ask = Callable[..., str]


@pytest.fixture
def ask(desk: Desk) -> Ask:
    """Ask with a key: what is answered, `sealed` if it is asked for the first time."""
    answer_once = AnswerOnce(desk.clock)

    def carry_out(work: UnitOfWork, request: tuple[str, str, str], sealed: str, lead_id: LeadId | None) -> str:
        if found := answer_once.find(work, *request):
            return found
        answer_once.keep(work, *request, sealed, lead_id)
        return sealed

    def ask(sealed: str, *, caller: str = "Ann", key: str = "k", request: str = "r", lead: LeadId | None = LEAD) -> str:
        return desk.database.write(carry_out, (caller, key, request), sealed, lead)

    return ask


def test_whoever_asks_again_gets_the_first_answer(ask: Ask) -> None:
    assert [ask("first"), ask("second"), ask("third")] == ["first"] * 3


def test_another_key_and_another_caller_ask_for_something_else(ask: Ask) -> None:
    ask("first")
    assert ask("second", key="K") == "second"
    assert ask("third", caller="Bob") == "third"


def test_a_key_is_for_one_request(ask: Ask) -> None:
    ask("first")
    with pytest.raises(KeyReused, match="Idempotency-Key k was used"):
        ask("second", request="another")
    assert ask("third") == "first"


def test_an_answer_is_given_again_for_a_day(ask: Ask, desk: Desk) -> None:
    ask("first")
    desk.clock.advance(KEPT_FOR - timedelta(microseconds=1))
    assert ask("second") == "first"
    desk.clock.advance(timedelta(microseconds=1))
    assert ask("third", request="another") == "third"
    assert ask("fourth", request="another") == "third"


def test_what_was_answered_about_an_erased_lead_is_not_given_again_and_nothing_is_done(ask: Ask, desk: Desk) -> None:
    ask("about John")
    ask("about Jane", key="other", lead=LeadId(an_id(9)))
    desk.database.write(lambda work: work.replies.forget(LEAD))
    for request in ("r", "another"):
        with pytest.raises(Erased, match=f"The lead {LEAD} has been erased"):
            ask("again", request=request)
    assert ask("again", key="other") == "about Jane"


def test_old_answers_are_dropped_a_few_at_a_time(ask: Ask, desk: Desk) -> None:
    keys = [str(number) for number in range(EXPIRED_MAX + 2)]
    for key in keys:
        ask("old", key=key)
        desk.clock.advance(timedelta(seconds=1))
    desk.clock.advance(KEPT_FOR)
    ask("new", key="new")

    left = [key for key in keys if desk.database.write(lambda work, key: work.replies.claim("Ann", key), key)]
    assert left == keys[EXPIRED_MAX:]
