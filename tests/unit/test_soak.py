"""Test that a soak run reports what it must: `make soak` itself takes half an hour."""

from collections.abc import Callable
from random import Random
from xml.etree import ElementTree as ET

import pytest
from benchmarks.soak import differences
from benchmarks.soak.client import MAIN, SECOND
from benchmarks.soak.differences import Items
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.picture import draw
from benchmarks.soak.record import GRACE_SECONDS, NO_RESPONSE, Disturbance, Exchange, Record
from benchmarks.soak.results import InjectedFault, Point, Result, is_at_most, is_none, is_steady
from benchmarks.soak.samples import Sample

KILL = Disturbance("process killed", 10, (NO_RESPONSE,), SECOND, 12)


def exchange(process: str = SECOND, at: float = 11, outcome: str = NO_RESPONSE) -> Exchange:
    return Exchange("read", process, at, 0.1, outcome, is_expected=outcome == "200")


@pytest.mark.parametrize(
    ("failed", "is_explained"),
    [
        (exchange(), True),
        (exchange(at=9.95), True),
        (exchange(at=12 + GRACE_SECONDS), True),
        (exchange(at=9), False),
        (exchange(at=13 + GRACE_SECONDS), False),
        (exchange(process=MAIN), False),
        (exchange(outcome="503"), False),
        (exchange(outcome="500"), False),
    ],
)
def test_a_fault_explains_its_outcomes_at_its_process_and_time_only(failed: Exchange, is_explained: bool) -> None:
    record = Record(exchanges=[failed], faults=[KILL])
    assert (record.unexplained() == []) == is_explained


def test_latencies_are_measured_outside_faults() -> None:
    during, outside = exchange(MAIN, 11, "200"), exchange(MAIN, 30, "200")
    assert Record(exchanges=[during, outside], faults=[KILL]).quiet() == [outside]


def test_checks_fail_beyond_their_limits_only() -> None:
    assert not is_steady("files", 10, 19, factor=1, slack=9).problems
    assert is_steady("files", 10, 20, factor=1, slack=9).problems
    assert not is_at_most("log", [1, 80], 80).problems
    assert is_at_most("log", [81, 1], 80).problems
    assert not is_none("errors", []).problems
    assert is_none("errors", range(9)).problems == ["0", "1", "2", "3", "4", "... 9 in all"]


def a_ledger() -> Ledger:
    """Return a ledger with an acknowledged lead, import, enquiry and two follow-ups; two events were followed."""
    ledger = Ledger(
        Random(1),
        "capture key",
        attempted={"a@example.com", "b@example.com"},
        arrived={"b@example.com"},
        enquiries={"Hello?"},
        follow_ups={"sent"},
        cancelled={"cancelled"},
        feed={"first": "a", "erased": "erased lead", "second": "a"},
        erased={"erased lead"},
    )
    ledger.add("a", "a@example.com")
    return ledger


def a_lead(id: str, count: int = 0) -> dict[str, object]:
    return {"id": id, "email": f"{id}@example.com", "status": "new", "attributes": {"count": count}}


def an_enquiry(message: str) -> dict[str, object]:
    return {"type": "lead.enquired", "data": {"message": message}}


def leads(items: Items) -> list[str]:
    return [*differences.in_leads(a_ledger(), {"old@example.com"}, items)]


def enquiries(items: Items) -> list[str]:
    return [*differences.in_enquiries(a_ledger(), items)]


def follow_ups(items: Items) -> list[str]:
    return [*differences.in_follow_ups(a_ledger(), items, {"sent"})]


def events(items: Items) -> list[str]:
    return [*differences.in_feed(a_ledger(), items)]


LEADS = [a_lead("a"), a_lead("b"), a_lead("old")]
FOLLOW_UPS = [{"id": "sent", "state": "sent"}, {"id": "cancelled", "state": "cancelled"}]
EVENTS = [{"id": "first"}, {"id": "second"}]


@pytest.mark.parametrize(
    ("found_in", "items"),
    [(leads, LEADS), (enquiries, [an_enquiry("Hello?")]), (follow_ups, FOLLOW_UPS), (events, EVENTS)],
)
def test_what_is_stored_as_acknowledged_has_no_differences(
    found_in: Callable[[Items], list[str]], items: Items
) -> None:
    assert found_in(items) == []


@pytest.mark.parametrize(
    ("found_in", "items"),
    [
        (leads, LEADS[1:]),
        (leads, [LEADS[0], *LEADS[2:]]),
        (leads, LEADS[:-1]),
        (leads, [*LEADS, LEADS[1]]),
        (leads, [*LEADS, a_lead("unknown")]),
        (leads, [a_lead("a", count=1), *LEADS[1:]]),
        (enquiries, []),
        (enquiries, [an_enquiry("Hello?"), an_enquiry("Hello?")]),
        (follow_ups, FOLLOW_UPS[1:]),
        (follow_ups, [*FOLLOW_UPS, FOLLOW_UPS[0]]),
        (follow_ups, [{"id": "sent", "state": "scheduled"}, FOLLOW_UPS[1]]),
        (follow_ups, [FOLLOW_UPS[0], {"id": "cancelled", "state": "sent"}]),
        (follow_ups, [*FOLLOW_UPS, {"id": "by rule", "state": "failed"}]),
        (follow_ups, [*FOLLOW_UPS, {"id": "by rule", "state": "sent"}]),
        (events, [*EVENTS, {"id": "third"}]),
        (events, EVENTS[::-1]),
        (events, EVENTS[1:]),
    ],
)
def test_a_difference_is_found(found_in: Callable[[Items], list[str]], items: Items) -> None:
    assert found_in(items)


def test_the_picture_has_a_curve_for_each_database_and_panel() -> None:
    samples = [Sample(at, 100, 40, 9, at, 4, 0) for at in (0.0, 60.0)]
    points = [Point(at, 10, 5, 25) for at in (0.0, 60.0)]
    faults = [InjectedFault("process killed", 10, 12, 3)]
    results = [Result(name, 1, 40, points, samples, faults, [], []) for name in ("SQLite", "PostgreSQL")]
    drawn = ET.fromstring(draw(results))
    assert len([*drawn.iter("{http://www.w3.org/2000/svg}polyline")]) == 2 * 6
