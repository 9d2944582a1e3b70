"""Test the statistics of all leads."""

from datetime import timedelta

from application import Application
from builders import NOON, a_pipeline, a_task, an_id
from leads_domain.lead import Lead
from leads_domain.pipeline import DEFAULT_PIPELINE, Pipeline
from leads_domain.statistics import SourceCount, Statistics
from leads_domain.task import TaskState
from leads_domain.use_cases.compute_statistics import SOURCES_MAX, ComputeStatistics

MINUTE = timedelta(minutes=1)


def statistics(app: Application, pipeline: Pipeline = DEFAULT_PIPELINE) -> Statistics:
    return app.database.read(ComputeStatistics(app.clock, pipeline))


def win(app: Application, lead: Lead) -> None:
    app.change(lead, "contacted")
    app.change(lead, "converted")


def test_statistics_count_leads_enquiries_and_what_is_overdue(app: Application) -> None:
    won = app.register(source="web").lead
    other = app.register(email="jane@example.com").lead
    app.register(email="ann@example.com", source="web")
    app.enquire(name="John Doe", email="john@example.com", message="Hello", source="web")
    app.enquire(name="Jane Roe", email="jane@example.com", message="Hello")
    app.trigger(other, due_at=NOON)
    app.trigger(other, due_at=NOON + MINUTE)
    for number, due_at in enumerate([NOON - MINUTE, NOON, NOON + MINUTE]):
        app.store_task(a_task(id=an_id(100 + number), lead_id=other.id, due_at=due_at))
    app.store_task(a_task(id=an_id(103), lead_id=other.id, due_at=NOON, state=TaskState.CANCELLED))
    app.clock.advance(MINUTE)
    win(app, won)

    assert statistics(app) == Statistics(
        at=NOON + MINUTE,
        total=3,
        by_status={"new": 2, "contacted": 0, "qualified": 0, "converted": 1, "lost": 0},
        conversions=1,
        median_time_to_first_contact=MINUTE,
        overdue_follow_ups=1,
        overdue_tasks=2,
        enquiries=2,
        by_source=[SourceCount("web", 2, 1, 1), SourceCount(None, 1, 0, 1)],
        other_sources=SourceCount(None, 0, 0, 0),
    )


def test_the_statuses_of_the_pipeline_come_first_and_in_its_order(app: Application) -> None:
    app.register()
    app.change(app.register(email="jane@example.com").lead, "lost", status_reason="no budget")
    result = statistics(app, a_pipeline(zeal=("alpha",), alpha=()))
    assert list(result.by_status.items()) == [("zeal", 0), ("alpha", 0), ("lost", 1), ("new", 1)]
    assert (result.total, result.conversions) == (2, 0)


def test_only_the_largest_sources_are_listed_and_the_others_are_summed(app: Application) -> None:
    for number in range(SOURCES_MAX):
        app.register(email=f"{number}@example.com", source=f"source {number:03}")
    last = app.register(email="last@example.com", source="source 999").lead
    app.enquire(name="Last", email="last@example.com", message="Hello", source="source 999")
    app.enquire(name="Last", email="last@example.com", message="Hello again", source="source 999")
    win(app, last)
    for number in range(SOURCES_MAX):
        app.register(email=f"{number}@example.org", source=f"source {number:03}")

    result = statistics(app)
    assert [each.source for each in result.by_source] == [f"source {number:03}" for number in range(SOURCES_MAX)]
    assert result.other_sources == SourceCount(None, 1, 1, 2)


def test_the_conversion_rate_is_the_fraction_of_leads_that_were_won(app: Application) -> None:
    assert statistics(app).conversion_rate is None
    app.register()
    assert statistics(app).conversion_rate == 0
    win(app, app.register(email="jane@example.com").lead)
    assert statistics(app).conversion_rate == 0.5
