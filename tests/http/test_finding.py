"""Test filters, sorting, totals and invalid queries of GET /leads."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, product
from typing import Any
from urllib.parse import quote

import pytest

from databases import database_url
from leads_domain.paging import LeadSort
from leads_domain.use_cases.find_leads import FiltersInput
from rest import ON_BOTH_DATABASES, Api, Service, a_service

CROWD: list[dict[str, Any]] = [
    {"name": "Zoë Strauß", "email": "zoe@example.com", "source": "fair", "owner": "Ann@Example.com"},
    {"name": "田中太郎", "email": "tanaka@example.jp", "phone": "+81 3 1234 5678", "source": "見本市"},
    {"name": "adam Doe", "email": "adam.doe@example.com", "phone": "+49 30 123456", "source": "Fair"},
    {"name": "Berta 100%_Doe", "email": "berta@example.com", "owner": "bob@example.com", "do_not_contact": True},
]
ZOE, TANAKA, ADAM, BERTA = (lead["name"] for lead in CROWD)


@pytest.fixture
def leads(service: Service, api: Api) -> list[str]:
    """Create the leads for this test, and return their paths."""
    return create_leads(service, api)


@pytest.fixture(scope="module")
def reader(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Create the leads once for all tests that only read, and return a client."""
    with database_url(store, tmp_path_factory.mktemp("reader")) as database, a_service(database) as service:
        api = service.client("agent")
        create_leads(service, api)
        yield api


def create_leads(service: Service, api: Api) -> list[str]:
    """Create leads an hour apart from noon on, with follow-ups of two, and return their paths."""
    paths = []
    for lead in CROWD:
        paths.append(api.post("/leads", lead).expect(201).headers["location"])
        service.clock.advance(timedelta(hours=1))
    api.patch(paths[0], {"status": "contacted"}).expect(200)
    api.post(f"{paths[1]}/follow-up", {"due_at": "2026-01-05T17:00:00Z"}).expect(202)
    api.post(f"{paths[2]}/follow-up", {"due_at": "2026-01-05T16:30:00Z"}).expect(202)
    service.clock.advance(timedelta(hours=1))
    return paths


def names(api: Api, query: str) -> list[str]:
    """Return the names of the leads that a query finds, in order."""
    return [lead["name"] for lead in api.get(f"/leads?{query}").expect(200).json["items"]]


@ON_BOTH_DATABASES
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("source=fair", {ZOE}),
        ("source=Fair", {ADAM}),
        (f"source={quote('見本市')}", {TANAKA}),
        ("source=nowhere", set()),
        ("owner=ann@EXAMPLE.com", {ZOE}),
        ("owner=nobody@example.com", set()),
        ("email=ZOE@example.com", {ZOE}),
        ("do_not_contact=true", {BERTA}),
        ("do_not_contact=false", {ZOE, TANAKA, ADAM}),
        ("status=contacted", {ZOE}),
        ("status=contacted&status=new", {ZOE, TANAKA, ADAM, BERTA}),
        ("created_from=2026-01-05T14:00:00Z", {ADAM, BERTA}),
        ("created_to=2026-01-05T14:00:00Z", {ZOE, TANAKA}),
        ("created_from=2026-01-05T14:00:00%2B01:00&created_to=2026-01-05T09:00:00-05:00", {TANAKA}),
        ("updated_from=2026-01-05T15:30:00Z&status=contacted", {ZOE}),
        ("follow_up=scheduled", {TANAKA, ADAM}),
        ("follow_up=overdue", {ADAM}),
        ("follow_up=none", {ZOE, BERTA}),
        ("q=zoe%20strauss", {ZOE}),
        ("q=DOE", {ADAM, BERTA}),
        (f"q={quote('太郎')}", {TANAKA}),
        (f"q={quote('見')}", {TANAKA}),
        ("q=%2B49%2030%20123", {ADAM}),
        ("q=4930%2012", {ADAM}),
        ("q=%2B49%20(0)30%20123456", {ADAM}),
        ("q=030%20123456", {ADAM}),
        ("q=adam%20123456", {ADAM}),
        ("q=doe%20adam", {ADAM}),
        ("q=example.jp", {TANAKA}),
        ("q=100%25", {BERTA}),
        ("q=%25", {ZOE, TANAKA, ADAM, BERTA}),
        ("q=", {ZOE, TANAKA, ADAM, BERTA}),
        ("q=doe%20OR%20zoe", set()),
        ("q=d_oe", set()),
        ("q=%27%20OR%201=1%20--", set()),
        ("q=doe&owner=bob@example.com&status=new&follow_up=none", {BERTA}),
    ],
)
def test_a_filter_finds_the_matching_leads(reader: Api, query: str, found: set[str]) -> None:
    assert set(names(reader, query)) == found
    assert reader.get(f"/leads?{query}&count=true").expect(200).json["total"] == len(found)


FILTERS: dict[str, tuple[str, set[str]]] = {
    "status": ("contacted", {ZOE}),
    "source": ("fair", {ZOE}),
    "owner": ("ann@example.com", {ZOE}),
    "email": ("zoe@example.com", {ZOE}),
    "do_not_contact": ("true", {BERTA}),
    "created_from": ("2026-01-05T14:00:00Z", {ADAM, BERTA}),
    "created_to": ("2026-01-05T14:00:00Z", {ZOE, TANAKA}),
    "updated_from": ("2026-01-05T15:30:00Z", {ZOE, TANAKA, ADAM}),
    "follow_up": ("none", {ZOE, BERTA}),
    "q": ("example.com", {ZOE, ADAM, BERTA}),
}
"""A value of each filter, and the leads that it finds."""


@ON_BOTH_DATABASES
def test_every_filter_works_alone_and_combined_in_every_order(reader: Api) -> None:
    assert FILTERS.keys() == set(FiltersInput.__annotations__), "Give every filter a value here."
    for (one, (value, found)), (other, (other_value, found_too)) in combinations(FILTERS.items(), 2):
        query = f"{one}={value}&{other}={other_value}"
        assert set(names(reader, query)) == found & found_too, query
    for (name, (value, found)), sort in product(FILTERS.items(), LeadSort):
        assert set(names(reader, f"{name}={value}&sort={sort}")) == found, (name, sort)
        assert reader.get(f"/leads?{name}={value}&count=true").expect(200).json["total"] == len(found), name


@ON_BOTH_DATABASES
def test_a_follow_up_is_overdue_when_its_time_has_passed(service: Service, api: Api, john: str) -> None:
    api.post(f"{john}/follow-up", {"due_at": "2026-01-05T12:30:00Z"}).expect(202)
    assert not names(api, "follow_up=overdue")
    service.clock.advance(timedelta(minutes=30))
    assert not names(api, "follow_up=overdue")
    service.clock.advance(timedelta(microseconds=1))
    assert names(api, "follow_up=overdue")


@ON_BOTH_DATABASES
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created_at", [ZOE, TANAKA, ADAM, BERTA]),
        ("-created_at", [BERTA, ADAM, TANAKA, ZOE]),
        ("updated_at", [BERTA, ZOE, TANAKA, ADAM]),
        ("-updated_at", [ADAM, TANAKA, ZOE, BERTA]),
        ("name", [ADAM, BERTA, ZOE, TANAKA]),
        ("next_follow_up_at", [ADAM, TANAKA, ZOE, BERTA]),
    ],
)
@pytest.mark.parametrize("filters", ["", "&q=e", "&created_from=2026-01-05T12:00:00Z"])
def test_pages_of_leads_are_sorted(reader: Api, sort: str, order: list[str], filters: str) -> None:
    pages = list(reader.pages(f"/leads?sort={sort}&limit=1&count=true{filters}"))

    assert [lead["name"] for page in pages for lead in page["items"]] == order
    assert {page["total"] for page in pages} == {len(order)}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("owner=nobody", "owner"),
        ("email=@", "email"),
        ("source=", "source"),
        ("status=unheard", "status"),
        ("created_from=2026-01-05T12:00:00", "offset"),
        ("created_from=2026-01-05", "time"),
        ("created_from=0", "time"),
        ("created_to=0001-01-01T00:00:00%2B10:00", "created_to"),
        ("updated_from=tomorrow", "time"),
        ("follow_up=overdu", "follow_up"),
        ("follow_up=", "follow_up"),
        ("sort=email", "sort"),
        ("sort=", "sort"),
        (f"q={'a' * 201}", "200"),
        (f"q={'%20'.join(chr(97 + number // 5) + str(number) for number in range(21))}", "20 words"),
        ("q=a&q=b", "q"),
        ("q=%00", "NUL"),
        ("q=%FF", "UTF-8"),
        ("count=1", "true or false"),
        ("count=True", "true or false"),
        ("count=", "true or false"),
        ("limit=5.0", "integer"),
        ("limit=%2B5", "integer"),
        ("limit=05", "integer"),
        ("limit=5%20", "integer"),
        ("limit=%D9%A5", "integer"),
        ("limit=0", "1"),
        ("limit=-1", "1"),
        ("limit=201", "200"),
        (f"limit={'9' * 5000}", "integer"),
    ],
)
def test_an_invalid_parameter_is_refused(shared_client: Api, query: str, message: str) -> None:
    assert message in shared_client.get(f"/leads?{query}").expect_problem(400, "malformed-request")["detail"]


@pytest.mark.parametrize("query", ["overdue=1", "overdue=yes", "due_before=0", "due_before=1767614400.5", "count=0"])
def test_an_invalid_parameter_of_follow_ups_is_refused(shared_client: Api, query: str) -> None:
    shared_client.get(f"/follow-ups?{query}").expect_problem(400, "malformed-request")


@ON_BOTH_DATABASES
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("q=e", "q=d"),
        ("sort=name", "sort=next_follow_up_at"),
        ("sort=created_at", "sort=updated_at"),
        ("source=fair", ""),
        ("", "follow_up=none"),
    ],
)
def test_a_cursor_is_tied_to_filters_and_order(api: Api, leads: list[str], one: str, other: str) -> None:
    api.post("/leads", {"name": "E", "email": "e@example.com", "source": "fair"}).expect(201)
    cursor = api.get(f"/leads?limit=1&{one}").expect(200).json["next_cursor"]
    api.get(f"/leads?{other}&cursor={cursor}").expect_problem(400, "malformed-request")
    api.get(f"/leads?limit=1&count=true&{one}&cursor={cursor}").expect(200)


@ON_BOTH_DATABASES
def test_every_list_has_a_total_with_count(api: Api, leads: list[str]) -> None:
    for target, total in {
        "/leads": 4,
        "/follow-ups": 2,
        "/follow-ups?overdue=true": 1,
        "/follow-ups?overdue=true&state=sent": 0,
        "/follow-ups?state=sent&state=scheduled&channel=log": 2,
        f"{leads[1]}/follow-ups": 1,
        f"{leads[1]}/timeline": 2,
    }.items():
        sign = "&" if "?" in target else "?"
        assert api.get(f"{target}{sign}count=true&limit=1").expect(200).json["total"] == total
        assert "total" not in api.get(f"{target}{sign}count=false").expect(200).json


def test_counting_entries_of_an_unknown_lead_is_not_found(shared_client: Api) -> None:
    unknown = "/leads/01900000-0000-7000-8000-000000000000"
    shared_client.get(f"{unknown}/timeline?count=true").expect_problem(404, "not-found")
    shared_client.get(f"{unknown}/follow-ups?count=true").expect_problem(404, "not-found")
