"""Test the number of follow-ups and submissions that wait."""

from datetime import timedelta

from application import Application
from builders import NOON
from leads_domain.follow_up import Backlog
from leads_domain.use_cases.count_waiting import CountWaiting, Waiting

MINUTE = timedelta(minutes=1)


def waiting(app: Application) -> Waiting:
    return app.database.read(CountWaiting(app.clock))


def test_nothing_waits_in_an_empty_database(app: Application) -> None:
    assert waiting(app) == Waiting({}, 0)


def test_due_follow_ups_and_submissions_to_review_are_counted(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    app.trigger(lead, due_at=NOON + MINUTE)
    app.process(app.receive(content={"name": "Nobody"}))
    app.process(app.receive())
    app.receive()
    assert waiting(app) == Waiting({"log": Backlog(scheduled=2, due=1, next_attempt_at=NOON)}, 1)
    app.clock.advance(MINUTE)
    assert waiting(app).follow_ups["log"].due == 2
