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

Send = Callable[..., str]


@pytest.fixture
def send(app: Application) -> Send:
    """Send a request with a key, and return the content of its response."""

    def run(work: UnitOfWork, attempt: Attempt, content: str, lead_id: LeadId | None) -> str:
        response = attempt(work, b"", lambda _: JsonResponse(content, status_code=200, lead_id=lead_id))
        body: bytes = getattr(response, "body", response.content)
        return body.decode().strip('"\n')

    def send(
        content: str, *, caller: str = "Ann", key: str = "k", request: str = "r", lead: LeadId | None = LEAD
    ) -> str:
        attempt = Attempt(app.clock, caller, key, Seal("secret"), (request.encode(),))
        return app.database.write(run, attempt, content, lead)

    return send


def test_a_repeated_request_gets_the_first_response(send: Send) -> None:
    assert [send("first"), send("second"), send("third")] == ["first"] * 3


def test_another_key_or_another_caller_is_another_request(send: Send) -> None:
    send("first")
    assert send("second", key="K") == "second"
    assert send("third", caller="Bob") == "third"


def test_a_key_cannot_be_reused_for_another_request(send: Send) -> None:
    send("first")
    with pytest.raises(IdempotencyKeyReused, match="`Idempotency-Key` k was used"):
        send("second", request="another")
    assert send("third") == "first"


def test_a_response_is_repeated_for_one_day(send: Send, app: Application) -> None:
    send("first")
    app.clock.advance(STORED_FOR - timedelta(microseconds=1))
    assert send("second") == "first"
    app.clock.advance(timedelta(microseconds=1))
    assert send("third", request="another") == "third"
    assert send("fourth", request="another") == "third"


def test_a_response_about_an_erased_lead_is_not_repeated(send: Send, app: Application) -> None:
    send("about John")
    send("about Jane", key="other", lead=LeadId(an_id(9)))
    app.database.write(lambda work: work.idempotency.erase(LEAD))
    for request in ("r", "another"):
        with pytest.raises(Erased, match=f"The lead {LEAD} was erased"):
            send("again", request=request)
    assert send("again", key="other") == "about Jane"


def test_expired_responses_are_deleted_in_small_batches(send: Send, app: Application) -> None:
    keys = [str(number) for number in range(EXPIRED_MAX + 2)]
    for key in keys:
        send("old", key=key)
        app.clock.advance(timedelta(seconds=1))
    app.clock.advance(STORED_FOR)
    send("new", key="new")

    left = [key for key in keys if app.database.write(lambda work, key: work.idempotency.claim("Ann", key), key)]
    assert left == keys[EXPIRED_MAX:]
