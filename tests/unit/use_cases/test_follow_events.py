"""Test how the feed of all events is read."""

from application import Application
from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_DEFAULT, LIMIT_MAX, Page
from leads_domain.use_cases.follow_events import SKIP_BATCH_SIZE, find_end, publish_events, read_events


def read(app: Application, after: int | None = None, limit: int = LIMIT_DEFAULT) -> Page[TimelineEntry, int] | None:
    return app.database.read(read_events, after=after, limit=limit)


def test_new_events_are_published_before_they_are_read(app: Application) -> None:
    app.register()
    assert read(app) is None
    app.database.write(publish_events)
    page = read(app)
    assert page is not None
    assert [entry.type.value for entry in page.items] == ["lead.created"]


def test_a_full_page_is_read_without_publishing(app: Application) -> None:
    lead = app.register().lead
    app.note(lead, "One.")
    app.database.write(publish_events)
    app.note(lead, "Two.")
    first = read(app, limit=1)
    assert first is not None
    assert [entry.type.value for entry in first.items] == ["lead.created"]
    assert read(app, after=first.next, limit=2) is None
    app.database.write(publish_events)
    second = read(app, after=first.next, limit=2)
    assert second is not None
    assert [entry.data for entry in second.items] == [{"text": "One."}, {"text": "Two."}]


def test_a_page_has_fifty_events_by_default(app: Application) -> None:
    lead = app.register().lead
    for number in range(LIMIT_DEFAULT):
        app.note(lead, str(number))
    app.database.write(publish_events)
    page = app.database.read(read_events)
    assert page is not None
    assert len(page.items) == LIMIT_DEFAULT


def test_the_end_of_the_feed_is_after_all_events(app: Application) -> None:
    assert app.database.write(find_end) == 0
    lead = app.register().lead
    app.note(lead, "One.")
    end = app.database.write(find_end)
    assert end is not None
    app.note(lead, "Two.")
    app.database.write(publish_events)
    page = read(app, after=end)
    assert page is not None
    assert [entry.data for entry in page.items] == [{"text": "Two."}]
    assert app.database.write(find_end) == end + 1


def test_a_unit_of_work_publishes_a_limited_number_of_events(app: Application) -> None:
    lead = app.register().lead
    for number in range(SKIP_BATCH_SIZE):
        app.note(lead, str(number))
    assert app.database.write(find_end) is None
    assert app.database.write(find_end) == SKIP_BATCH_SIZE + 1


def test_a_page_publishes_no_more_events_than_a_page_can_have(app: Application) -> None:
    lead = app.register().lead
    for number in range(LIMIT_MAX):
        app.note(lead, str(number))
    app.database.write(publish_events)
    page = read(app, limit=LIMIT_MAX)
    assert page is not None
    assert page.items[-1].data == {"text": str(LIMIT_MAX - 2)}
    assert read(app, after=page.next, limit=1) is None
