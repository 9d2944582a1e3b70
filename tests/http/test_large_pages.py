"""Test that large pages end early and are read in a thread, whatever is listed."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from builders import a_follow_up, a_lead, a_submission, a_task, an_email, an_id
from databases import database_url
from leads_domain.events import EventType, TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_MAX, PAGE_BYTES_MAX
from leads_domain.ports import UnitOfWork
from rest import Service, a_service

LEAD = LeadId(an_id(0))
LARGE = "é" * 100_000
"""A text of 200 kB. Five of them are a small part of a page, and more than the event loop should read at once."""

NUMBER = 43
"""The number of large items that do not fit on one page."""

LISTS = [
    "/leads",
    "/leads?status=new",
    "/leads?sort=name",
    f"/leads/{LEAD}/timeline",
    "/events",
    f"/leads/{LEAD}/follow-ups",
    "/follow-ups?channel=log",
    f"/leads/{LEAD}/tasks",
    "/tasks?assignee=mia@example.com",
    "/submissions",
]


def fill(number: int, text: str) -> Callable[[UnitOfWork], None]:
    """Return a use case that stores this number of items of each kind, each with `text`."""

    def store(work: UnitOfWork) -> None:
        for each in range(number):
            email = an_email(f"{each}@example.com")
            work.leads.add(a_lead(id=an_id(each), email=email, attributes={"text": text}))
            work.timeline.add([an_entry(each, text)])
            work.follow_ups.add(a_follow_up(id=an_id(each), lead_id=LEAD, message=text))
            work.tasks.add(a_task(id=an_id(each), lead_id=LEAD, text=text))
            work.submissions.add(a_submission(id=an_id(each), content={"text": text}), repeated_within=None)

    return store


def an_entry(number: int, text: str) -> TimelineEntry:
    """Return a timeline entry of the first lead."""
    values = {"at": a_lead().created_at, "actor": "agent", "data": {"text": text}}
    return TimelineEntry(id=an_id(number), lead_id=LEAD, type=EventType.LEAD_NOTE_ADDED, **cast(Any, values))


@pytest.fixture(scope="module")
def large_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start a service with more large items of each kind than fit on a page."""
    with database_url("sqlite", tmp_path_factory.mktemp("large")) as database, a_service(database) as service:
        service.run(service.container.database().write(fill(NUMBER, LARGE)))
        yield service


@pytest.mark.parametrize("target", LISTS)
def test_a_page_ends_before_it_is_too_large_and_the_next_one_continues(large_service: Service, target: str) -> None:
    client = large_service.client()
    first = client.get(f"{target}{'&' if '?' in target else '?'}limit={LIMIT_MAX}").expect(200)
    assert PAGE_BYTES_MAX - len(LARGE.encode()) < len(first.body) < PAGE_BYTES_MAX + 2**16

    rest = client.get(first.headers["link"].removeprefix("<").split(">")[0]).expect(200)
    assert len({item["id"] for page in (first, rest) for item in page.json["items"]}) == NUMBER
    assert len(first.json["items"]) + len(rest.json["items"]) == NUMBER


def test_a_total_counts_the_items_of_all_pages(large_service: Service) -> None:
    page = large_service.client().get(f"/leads?limit={LIMIT_MAX}&count=true").json
    assert page["total"] == NUMBER > len(page["items"])


@pytest.mark.parametrize("target", [each for each in LISTS if each != "/submissions" and "status" not in each])
def test_only_a_large_page_is_read_in_a_thread(service: Service, target: str) -> None:
    """Filtered leads and submissions are always read in a thread."""
    client = service.client()
    service.run(service.container.database().write(fill(5, "small")))
    threads = {*threading.enumerate()}
    small = client.get(target).expect(200).json["items"]
    assert {*threading.enumerate()} == threads

    service.run(service.container.database().write(enlarge))
    large = client.get(target).expect(200).json["items"]
    assert len(large) == len(small) == 5
    assert {*threading.enumerate()} > threads


def enlarge(work: UnitOfWork) -> None:
    """Enlarge each lead, follow-up and task, and add large timeline entries in place of the small ones."""
    for lead in work.leads.get_many([LeadId(an_id(each)) for each in range(5)]):
        work.leads.save(replace(lead, attributes={"text": LARGE}))
    for follow_up in work.follow_ups.scheduled_of_lead(LEAD):
        work.follow_ups.save(replace(follow_up, message=LARGE))
    for task in work.tasks.open_of_lead(LEAD):
        work.tasks.save(replace(task, text=LARGE))
    first, *others = (an_entry(number, LARGE) for number in range(10, 15))
    work.timeline.erase(first)
    work.timeline.add(others)
