"""Requests with an idempotency key: their effect happens once, and the first response is sent again."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from application import Application
from builders import a_lead, an_id
from leads_adapters.http.idempotency import EXPIRED_MAX, STORED_FOR, Attempt
from leads_adapters.http.problems import IdempotencyKeyReused
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.sealing import Seal
from leads_domain.errors import Erased
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork

LEAD = a_lead().id

Ask = Callable[..., str]


@pytest.fixture
def ask(app: Application) -> Ask:
    """Send a request with a key; returns the content of its response."""

    def run(work: UnitOfWork, attempt: Attempt, content: str, lead_id: LeadId | None) -> str:
        response = attempt(work, b"", lambda _: JsonResponse(content, status_code=200, lead_id=lead_id))
        body: bytes = getattr(response, "body", response.content)
        return body.decode().strip('"\n')

    def ask(
        content: str, *, caller: str = "Ann", key: str = "k", request: str = "r", lead: LeadId | None = LEAD
    ) -> str:
        attempt = Attempt(app.clock, caller, key, Seal("secret"), (request.encode(),))
        return app.database.write(run, attempt, content, lead)

    return ask


def test_whoever_asks_again_gets_the_first_answer(ask: Ask) -> None:
    assert [ask("first"), ask("second"), ask("third")] == ["first"] * 3


def test_another_key_and_another_caller_ask_for_something_else(ask: Ask) -> None:
    ask("first")
    assert ask("second", key="K") == "second"
    assert ask("third", caller="Bob") == "third"


def test_a_key_is_for_one_request(ask: Ask) -> None:
    ask("first")
    with pytest.raises(IdempotencyKeyReused, match="`Idempotency-Key` k was used"):
        ask("second", request="another")
    assert ask("third") == "first"


def test_an_answer_is_given_again_for_a_day(ask: Ask, app: Application) -> None:
    ask("first")
    app.clock.advance(STORED_FOR - timedelta(microseconds=1))
    assert ask("second") == "first"
    app.clock.advance(timedelta(microseconds=1))
    assert ask("third", request="another") == "third"
    assert ask("fourth", request="another") == "third"


def test_what_was_answered_about_an_erased_lead_is_not_given_again_and_nothing_is_done(
    ask: Ask, app: Application
) -> None:
    ask("about John")
    ask("about Jane", key="other", lead=LeadId(an_id(9)))
    app.database.write(lambda work: work.idempotency.erase(LEAD))
    for request in ("r", "another"):
        with pytest.raises(Erased, match=f"The lead {LEAD} was erased"):
            ask("again", request=request)
    assert ask("again", key="other") == "about Jane"


def test_old_answers_are_dropped_a_few_at_a_time(ask: Ask, app: Application) -> None:
    keys = [str(number) for number in range(EXPIRED_MAX + 2)]
    for key in keys:
        ask("old", key=key)
        app.clock.advance(timedelta(seconds=1))
    app.clock.advance(STORED_FOR)
    ask("new", key="new")

    left = [key for key in keys if app.database.write(lambda work, key: work.idempotency.claim("Ann", key), key)]
    assert left == keys[EXPIRED_MAX:]
