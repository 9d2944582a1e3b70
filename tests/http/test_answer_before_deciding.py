"""Test that responses in public are sent before anything is decided, so that their time tells nothing."""

from collections.abc import Callable

import pytest

from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_app.form_settings import parse_forms
from leads_domain.paging import LeadQuery, SubmissionQuery
from rest import JOHN, ON_BOTH_DATABASES, Api, Service

WAYS = ("/forms/contact", "/leads", "/enquiries")


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    return start(forms=parse_forms({"contact": {}}))


def sender(service: Service, path: str) -> Api:
    """Return a public client that may post to the path."""
    return service.anonymous() if path.startswith("/forms") else service.client("capture")


def stored(service: Service) -> tuple[list[str], int]:
    """Return the states of all submissions and the number of leads."""
    database = service.container.database()
    submissions = service.run(database.read(lambda work: work.submissions.page(SubmissionQuery()))).items
    leads = service.run(database.read(lambda work: work.leads.page(LeadQuery()))).items
    return [each.state.value for each in submissions], len(leads)


@ON_BOTH_DATABASES
@pytest.mark.parametrize("path", WAYS)
def test_nothing_is_decided_when_the_response_is_sent(service: Service, path: str) -> None:
    client = sender(service, path)
    assert service.run(client.send("POST", path, JOHN)).expect(202).json == {"accepted": True}
    assert stored(service) == (["received"], 0)
    service.process_received()
    assert stored(service) == (["accepted"], 1)


@pytest.mark.parametrize("path", WAYS)
def test_new_and_known_people_cost_the_same_statements(service: Service, path: str) -> None:
    client = sender(service, path)
    service.client().post("/leads", JOHN).expect(201)
    database = service.container.database()
    assert isinstance(database, SqliteDatabase)
    statements: list[str] = []
    connection = database._writer._connection
    connection.set_trace_callback(lambda statement: statements.append(statement.split("VALUES")[0]))

    def statements_of(email: str) -> list[str]:
        statements.clear()
        service.run(client.send("POST", path, {**JOHN, "email": email})).expect(202)
        service.finish_background_work()
        return [*statements]

    statements_of("first@example.com")  # the first use of a key is recorded
    assert statements_of("new@example.com") == statements_of(JOHN["email"]) != []


@pytest.mark.parametrize("path", ["/leads", "/enquiries"])
def test_a_text_that_cannot_be_stored_is_refused(service: Service, path: str) -> None:
    for name in (b"\\ud800", b"\\u0000"):
        body = b'{"name": "' + name + b'", "email": "ada@example.com"}'
        assert sender(service, path).post(path, body).status in {400, 422}
    assert stored(service) == ([], 0)
