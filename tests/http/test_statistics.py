"""Test the resource /statistics."""

from collections.abc import Callable
from datetime import timedelta

from builders import a_pipeline
from leads_domain.use_cases.compute_statistics import SOURCES_MAX
from rest import JOHN, ON_BOTH_DATABASES, Api, Service

pytestmark = ON_BOTH_DATABASES


def create(api: Api, *sources: str | None) -> list[str]:
    """Create a lead of each source and return their paths."""
    return [
        api.post("/leads", {**JOHN, "email": f"john{number}@example.com", "source": source})
        .expect(201)
        .headers["location"]
        for number, source in enumerate(sources)
    ]


def test_statistics_without_leads_are_zero(api: Api) -> None:
    assert api.get("/statistics").expect(200).json == {
        "at": "2026-01-05T12:00:00.000000Z",
        "total": 0,
        "by_status": {"new": 0, "contacted": 0, "qualified": 0, "lost": 0, "converted": 0},
        "conversions": 0,
        "conversion_rate": None,
        "median_time_to_first_contact": None,
        "overdue_follow_ups": 0,
        "overdue_tasks": 0,
        "enquiries": 0,
        "by_source": [],
        "other_sources": {"leads": 0, "conversions": 0, "enquiries": 0},
    }


def test_statistics_count_the_current_state(service: Service, api: Api) -> None:
    ann, bob, cid, dan, _ = create(api, "web", "web", "fair", None, "web")
    for seconds, lead in ((10, ann), (20, bob), (30, cid)):
        service.clock.advance(timedelta(seconds=seconds))
        api.patch(lead, {"status": "contacted"}).expect(200)
    api.patch(ann, {"status": "converted"}).expect(200)
    api.patch(bob, {"status": "lost", "status_reason": "no budget"}).expect(200)
    api.post(f"{dan}/follow-up", {"due_at": "2026-01-05T12:00:30Z"}).expect(202)
    api.post(f"{cid}/follow-up", {"due_at": "2026-01-06T12:00:00Z"}).expect(202)

    assert api.get("/statistics").expect(200).json == {
        "at": "2026-01-05T12:01:00.000000Z",
        "total": 5,
        "by_status": {"new": 2, "contacted": 1, "qualified": 0, "lost": 1, "converted": 1},
        "conversions": 1,
        "conversion_rate": 0.2,
        "median_time_to_first_contact": 30.0,
        "overdue_follow_ups": 1,
        "overdue_tasks": 0,
        "enquiries": 0,
        "by_source": [
            {"source": "web", "leads": 3, "conversions": 1, "enquiries": 0},
            {"source": None, "leads": 1, "conversions": 0, "enquiries": 0},
            {"source": "fair", "leads": 1, "conversions": 0, "enquiries": 0},
        ],
        "other_sources": {"leads": 0, "conversions": 0, "enquiries": 0},
    }


def test_only_the_largest_sources_are_listed(api: Api) -> None:
    leads = create(api, "web", "web", *(f"source {number:03}" for number in range(SOURCES_MAX + 1)))
    api.patch(leads[-1], {"status": "contacted"}).expect(200)
    api.patch(leads[-1], {"status": "converted"}).expect(200)
    api.post("/enquiries", {"email": "john0@example.com", "source": "unlisted"}).expect(200)

    statistics = api.get("/statistics").json
    assert len(statistics["by_source"]) == SOURCES_MAX
    assert statistics["by_source"][0] == {"source": "web", "leads": 2, "conversions": 0, "enquiries": 0}
    assert statistics["other_sources"] == {"leads": 2, "conversions": 1, "enquiries": 1}
    assert statistics["total"] == sum(each["leads"] for each in statistics["by_source"]) + 2


def test_a_configured_pipeline_defines_conversions(start: Callable[..., Service]) -> None:
    own = a_pipeline(
        offen=("Kunde", "Partner", "verloren"), Kunde=(), Partner=(), verloren=(), reason_required=("verloren",)
    )
    api = start(pipeline=own).client("agent")
    for lead, status in zip(create(api, *"abcd"), ["Kunde", "Partner", "verloren", "offen"], strict=True):
        api.patch(lead, {"status": status, "status_reason": "so"}).expect(200)

    statistics = api.get("/statistics").json
    assert statistics["by_status"] == {"offen": 1, "Kunde": 1, "Partner": 1, "verloren": 1}
    assert (statistics["conversions"], statistics["conversion_rate"]) == (2, 0.5)


def test_an_unknown_parameter_is_refused(api: Api) -> None:
    api.get("/statistics?status=new").expect_problem(400, "malformed-request")


def test_reading_statistics_needs_the_role_read(service: Service) -> None:
    service.client("capture").get("/statistics").expect_problem(403, "forbidden")
    service.anonymous().get("/statistics").expect_problem(401, "unauthorized")
    service.client("read").get("/statistics").expect(200)
