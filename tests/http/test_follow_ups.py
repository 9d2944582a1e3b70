"""Test the resources /leads/{id}/follow-up(s) and /follow-ups."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from builders import a_mail, a_rule
from databases import database_url
from leads_domain.follow_up import Recipient
from leads_domain.incoming_mail import DeliveryReport, ReportedFailure
from leads_domain.mail_submission import mail_content
from leads_domain.notifier import Refused, TryAgain
from rest import JOHN, UNKNOWN_ID, Api, Service, a_service


def test_a_follow_up_needs_no_body(service: Service, api: Api, john: str) -> None:
    follow_up = api.post(f"{john}/follow-up").expect(202).json
    assert UUID(follow_up["id"]).version == 7
    assert follow_up == {
        "id": follow_up["id"],
        "lead_id": john.removeprefix("/leads/"),
        "recipient": "lead",
        "channel": "log",
        "message": "Hello John Doe, thank you for your interest. We will be in touch with you soon.",
        "due_at": "2026-01-05T12:00:00.000000Z",
        "state": "scheduled",
        "attempts": 0,
        "last_error": None,
        "next_attempt_at": "2026-01-05T12:00:00.000000Z",
        "sent_at": None,
        "created_at": "2026-01-05T12:00:00.000000Z",
        "updated_at": "2026-01-05T12:00:00.000000Z",
        "rule_status": None,
        "task_id": None,
    }


def test_an_empty_object_is_equivalent_to_no_body(api: Api, john: str) -> None:
    without_body, empty = api.post(f"{john}/follow-up").json, api.post(f"{john}/follow-up", {}).expect(202).json
    assert {**without_body, "id": ""} == {**empty, "id": ""}


def test_a_follow_up_has_the_values_of_its_request(api: Api) -> None:
    john = api.post("/leads", {**JOHN, "owner": "sales@example.com"}).headers["location"]
    values = {"channel": "mail", "message": "Call him ☎", "recipient": "owner"}
    follow_up = api.post(f"{john}/follow-up", {**values, "due_at": "2026-02-01T09:30:00+01:00"}).expect(202).json
    assert {field: follow_up[field] for field in values} == values
    assert (follow_up["due_at"], follow_up["next_attempt_at"]) == (
        "2026-02-01T08:30:00.000000Z",
        "2026-02-01T08:30:00.000000Z",
    )


def test_a_follow_up_is_found_at_its_location(api: Api, john: str) -> None:
    scheduled = api.post(f"{john}/follow-up").expect(202)
    assert scheduled.headers["location"] == f"/follow-ups/{scheduled.json['id']}"
    assert api.get(scheduled.headers["location"]).expect(200).json == scheduled.json


def test_a_due_follow_up_is_sent_and_has_the_state_sent(service: Service, api: Api, john: str) -> None:
    scheduled = api.post(f"{john}/follow-up", {"message": "Shall we talk?"}).expect(202)
    service.clock.advance(timedelta(seconds=3))
    assert service.dispatch() == 1
    sent = {"state": "sent", "attempts": 1, "sent_at": "2026-01-05T12:00:03.000000Z", "next_attempt_at": None}
    found = api.get(scheduled.headers["location"]).json
    assert found == {**scheduled.json, **sent, "updated_at": "2026-01-05T12:00:03.000000Z"}
    (notice,) = service.channels["log"].accepted
    assert (notice.name, notice.email, notice.message) == ("John Doe", "john@example.com", "Shall we talk?")
    assert service.dispatch() == 0


def test_a_follow_up_is_not_sent_before_it_is_due(service: Service, api: Api, john: str) -> None:
    location = api.post(f"{john}/follow-up", {"due_at": "2026-01-06T12:00:00Z"}).headers["location"]
    assert api.get(john).json["next_follow_up_at"] == "2026-01-06T12:00:00.000000Z"
    service.clock.advance(timedelta(hours=24) - timedelta(microseconds=1))
    assert service.dispatch() == 0
    assert api.get(location).json["state"] == "scheduled"
    service.clock.advance(timedelta(microseconds=1))
    assert service.dispatch() == 1
    assert api.get(location).json["state"] == "sent"
    assert api.get(john).json["next_follow_up_at"] is None


def test_a_follow_up_that_was_due_in_the_past_is_sent_at_once(service: Service, api: Api, john: str) -> None:
    location = api.post(f"{john}/follow-up", {"due_at": "0001-01-01T00:00:00Z"}).expect(202).headers["location"]
    assert service.dispatch() == 1
    assert api.get(location).json["due_at"] == "0001-01-01T00:00:00.000000Z"


def test_a_follow_up_can_be_due_at_the_last_time_of_the_calendar(service: Service, api: Api, john: str) -> None:
    last = "9999-12-31T23:59:59.999999Z"
    location = api.post(f"{john}/follow-up", {"due_at": last}).expect(202).headers["location"]
    assert service.dispatch() == 0
    assert api.get(location).json["due_at"] == last


@pytest.mark.parametrize("due_at", ["9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01"])
def test_a_time_that_cannot_be_converted_to_utc_is_refused(api: Api, john: str, due_at: str) -> None:
    assert api.post(f"{john}/follow-up", {"due_at": due_at}).errors().keys() == {"/due_at"}


def test_a_failed_attempt_is_reported_and_retried(service: Service, api: Api, john: str) -> None:
    service.channels["log"].fail_with(TryAgain("the line is busy"))
    location = api.post(f"{john}/follow-up").headers["location"]
    assert service.dispatch() == 1
    waiting = api.get(location).json
    assert (waiting["state"], waiting["attempts"], waiting["last_error"]) == ("scheduled", 1, "the line is busy")
    assert waiting["next_attempt_at"] > "2026-01-05T12:00:00Z"
    service.clock.advance(timedelta(days=1))
    assert service.dispatch() == 1
    sent = api.get(location).json
    assert (sent["state"], sent["attempts"], sent["last_error"]) == ("sent", 2, None)
    first, second = service.channels["log"].notices
    assert first.idempotency_key == second.idempotency_key


def test_a_follow_up_that_the_channel_refuses_fails(service: Service, api: Api, john: str) -> None:
    service.channels["log"].fail_with(Refused("no such mailbox"))
    location = api.post(f"{john}/follow-up").headers["location"]
    service.dispatch()
    failed = api.get(location).json
    assert (failed["state"], failed["last_error"], failed["next_attempt_at"]) == ("failed", "no such mailbox", None)
    types = [entry["type"] for entry in api.get(f"{john}/timeline").json["items"]]
    assert types[:2] == ["follow_up.failed", "follow_up.attempt_failed"]


def test_the_text_of_an_unexpected_error_is_not_reported(service: Service, api: Api, john: str) -> None:
    service.channels["log"].fail_with(RuntimeError("the password is swordfish"))
    location = api.post(f"{john}/follow-up").headers["location"]
    service.dispatch()
    assert "RuntimeError" in api.get(location).json["last_error"]
    assert "swordfish" not in api.get(location).body.decode() + api.get(f"{john}/timeline").body.decode()


def test_a_lost_lead_is_not_followed_up(service: Service, api: Api, john: str) -> None:
    location = api.post(f"{john}/follow-up", {"due_at": "2026-02-01T00:00:00Z"}).headers["location"]
    lost = api.patch(john, {"status": "lost", "status_reason": "no budget"}).expect(200).json
    assert lost["next_follow_up_at"] is None
    cancelled = api.get(location).json
    assert (cancelled["state"], cancelled["next_attempt_at"]) == ("cancelled", None)
    service.clock.advance(timedelta(days=365))
    assert service.dispatch() == 0


def test_the_response_names_the_unknown_and_the_configured_channels(api: Api, john: str) -> None:
    error = api.post(f"{john}/follow-up", {"channel": "pigeon"}).errors()["/channel"]
    assert all(name in error for name in ("pigeon", "log", "sms", "mail"))
    assert api.get(f"{john}/follow-ups").json["items"] == []


def test_a_channel_that_needs_a_phone_number_needs_a_lead_with_one(service: Service, api: Api, john: str) -> None:
    assert api.post(f"{john}/follow-up", {"channel": "sms"}).errors().keys() == {"/channel"}
    api.patch(john, {"phone": "+49 30 123456"}).expect(200)
    api.post(f"{john}/follow-up", {"channel": "sms"}).expect(202)
    service.dispatch()
    assert [notice.phone for notice in service.channels["sms"].accepted] == ["+4930123456"]


def test_the_owner_can_be_the_recipient_if_the_lead_has_one(service: Service, api: Api, john: str) -> None:
    assert api.post(f"{john}/follow-up", {"recipient": "owner"}).errors().keys() == {"/recipient"}
    api.patch(john, {"owner": "sales@example.com", "phone": "+49 30 123456"}).expect(200)
    assert api.post(f"{john}/follow-up", {"recipient": "owner", "channel": "sms"}).errors().keys() == {"/channel"}
    api.post(f"{john}/follow-up", {"recipient": "owner", "channel": "mail"}).expect(202)
    service.dispatch()
    (notice,) = service.channels["mail"].accepted
    assert (notice.email, notice.message) == ("sales@example.com", "Please follow up with John Doe.")


def test_a_rule_follows_up_a_new_lead_until_it_is_contacted(start: Callable[..., Service]) -> None:
    rule = a_rule("new", "{name} <{email}> waits.", channel="mail", recipient=Recipient.OWNER)
    service = start(follow_up_rules=[rule])
    api = service.client("agent")
    forgotten, contacted = [
        api.post("/leads", {**JOHN, "email": email, "owner": "sales@example.com"}).expect(201)
        for email in ("forgotten@example.com", "contacted@example.com")
    ]
    assert forgotten.json["next_follow_up_at"] == "2026-01-06T12:00:00.000000Z"
    assert forgotten.json == api.get(forgotten.headers["location"]).json
    api.patch(contacted.headers["location"], {"status": "contacted"}).expect(200)
    service.clock.advance(timedelta(days=1))
    assert service.dispatch() == 1
    (notice,) = service.channels["mail"].accepted
    assert (notice.email, notice.message) == ("sales@example.com", "John Doe <forgotten@example.com> waits.")
    for lead, state in ((forgotten, "sent"), (contacted, "cancelled")):
        (follow_up,) = api.get(f"{lead.headers['location']}/follow-ups").json["items"]
        assert (follow_up["state"], follow_up["rule_status"]) == (state, "new")
    types = [entry["type"] for entry in api.get(f"{contacted.headers['location']}/timeline").json["items"]]
    assert types == ["follow_up.cancelled", "lead.status_changed", "follow_up.scheduled", "lead.created"]


@pytest.mark.parametrize("id", [UNKNOWN_ID, "john"])
def test_following_up_an_unknown_lead_is_not_found(api: Api, id: str) -> None:
    api.post(f"/leads/{id}/follow-up").expect_problem(404, "not-found")


@pytest.mark.parametrize("id", [UNKNOWN_ID, "first", "{id}"])
def test_an_unknown_follow_up_is_not_found(api: Api, john: str, id: str) -> None:
    api.post(f"{john}/follow-up")
    assert id in api.get(f"/follow-ups/{id}").expect_problem(404, "not-found")["detail"]


def test_the_id_of_a_lead_is_not_one_of_a_follow_up(api: Api, john: str) -> None:
    api.get(john.replace("leads", "follow-ups")).expect_problem(404, "not-found")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
def test_pages_of_the_follow_ups_of_a_lead_have_each_once_by_due_time(api: Api, john: str, limit: int) -> None:
    other = api.post("/leads", {**JOHN, "email": "other@example.com"}).headers["location"]
    api.post(f"{other}/follow-up").expect(202)
    expected: list[tuple[str, str]] = []
    for hour in ("15", "13", "14", "13", "15"):
        follow_up = api.post(f"{john}/follow-up", {"due_at": f"2026-01-05T{hour}:00:00Z"}).expect(202).json
        expected.append((follow_up["due_at"], follow_up["id"]))
    pages: list[Any] = list(api.pages(f"{john}/follow-ups?limit={limit}"))
    assert [(item["due_at"], item["id"]) for page in pages for item in page["items"]] == sorted(expected)
    assert pages[-1]["next_cursor"] is None


def test_listed_follow_ups_equal_single_ones(service: Service, api: Api, john: str) -> None:
    for due_at in ("2026-01-05T12:00:00Z", "2026-02-05T12:00:00Z"):
        api.post(f"{john}/follow-up", {"due_at": due_at}).expect(202)
    service.dispatch()
    listed = api.get(f"{john}/follow-ups").json["items"]
    assert [item["state"] for item in listed] == ["sent", "scheduled"]
    assert listed == [api.get(f"/follow-ups/{item['id']}").json for item in listed]


# Changes


@pytest.fixture
def later(api: Api, john: str) -> str:
    """Create a follow-up due in an hour and return its path."""
    return api.post(f"{john}/follow-up", {"due_at": "2026-01-05T13:00:00Z"}).expect(202).headers["location"]


@pytest.fixture
def failed(service: Service, api: Api, john: str) -> str:
    """Create a failed follow-up and return its path."""
    service.channels["log"].fail_with(Refused("no such mailbox"))
    location = api.post(f"{john}/follow-up").headers["location"]
    service.dispatch()
    assert api.get(location).json["state"] == "failed"
    return location


def test_the_due_time_and_message_of_a_follow_up_can_be_changed(
    service: Service, api: Api, john: str, later: str
) -> None:
    before = api.get(later).json
    service.clock.advance(timedelta(minutes=1))
    changed = api.patch(later, {"due_at": "2026-01-05T16:00:00+01:00", "message": " Hi! "}).expect(200).json
    at = "2026-01-05T15:00:00.000000Z"
    now = "2026-01-05T12:01:00.000000Z"
    assert changed == {**before, "due_at": at, "next_attempt_at": at, "message": "Hi!", "updated_at": now}
    assert api.get(later).json == changed
    assert api.get(john).json["next_follow_up_at"] == at
    newest = api.get(f"{john}/timeline").json["items"][0]
    assert (newest["type"], newest["actor"], newest["data"]["due_at"]) == ("follow_up.rescheduled", "agent", at)
    service.clock.advance(timedelta(hours=2))
    assert service.dispatch() == 0
    service.clock.advance(timedelta(hours=1))
    assert service.dispatch() == 1
    assert service.channels["log"].accepted[-1].message == "Hi!"


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json"])
def test_a_patch_without_changes_returns_the_follow_up(
    service: Service, api: Api, john: str, later: str, media_type: str
) -> None:
    before, timeline = api.get(later).json, api.get(f"{john}/timeline").json
    service.clock.advance(timedelta(minutes=1))
    for patch in ({}, {"due_at": before["due_at"]}, {"message": before["message"]}):
        assert api.patch(later, patch, content_type=media_type).expect(200).json == before
    assert api.get(f"{john}/timeline").json == timeline


def test_all_field_errors_of_a_follow_up_patch_are_reported_at_once(api: Api, later: str) -> None:
    before = api.get(later).json
    for patch, pointers in (
        ({"due_at": None, "message": None}, {"/due_at", "/message"}),
        ({"due_at": "tomorrow", "message": ""}, {"/due_at", "/message"}),
        ({"due_at": "2026-01-05T13:00:00", "state": "sent"}, {"/due_at", "/state"}),
        ({"due_at": "9999-12-31T23:59:59-00:01", "message": "x" * 10_001}, {"/due_at", "/message"}),
        ({"channel": "mail"}, {"/channel"}),
    ):
        assert api.patch(later, patch).errors().keys() == pointers
    api.patch(later, {}, content_type="text/plain").expect_problem(415, "unsupported-media-type")
    api.patch(later).expect_problem(400, "malformed-request")
    assert api.get(later).json == before


def test_a_follow_up_can_be_cancelled(service: Service, api: Api, john: str, later: str) -> None:
    cancelled = api.post(f"{later}/cancel").expect(200).json
    assert (cancelled["state"], cancelled["next_attempt_at"]) == ("cancelled", None)
    assert api.get(later).json == cancelled
    assert api.get(john).json["next_follow_up_at"] is None
    service.clock.advance(timedelta(days=1))
    assert service.dispatch() == 0


def test_a_failed_follow_up_can_be_retried(service: Service, api: Api, john: str, failed: str) -> None:
    service.clock.advance(timedelta(days=1))
    retried = api.post(f"{failed}/retry").expect(200).json
    at = "2026-01-06T12:00:00.000000Z"
    assert (retried["state"], retried["attempts"], retried["next_attempt_at"]) == ("scheduled", 0, at)
    assert retried["last_error"] == "no such mailbox"
    assert service.dispatch() == 1
    assert api.get(failed).json["state"] == "sent"
    first, second = service.channels["log"].notices
    assert first.idempotency_key == second.idempotency_key


def test_a_refused_transition_of_a_follow_up_names_its_state(
    service: Service, api: Api, john: str, later: str, failed: str
) -> None:
    sent = api.post(f"{john}/follow-up").headers["location"]
    service.dispatch()
    cancelled = api.post(f"{john}/follow-up", {"due_at": "2027-01-01T00:00:00Z"}).headers["location"]
    api.post(f"{cancelled}/cancel").expect(200)
    for path, state in ((sent, "sent"), (cancelled, "cancelled"), (failed, "failed")):
        for response in (api.patch(path, {"message": "Hi!"}), api.patch(path, {}), api.post(f"{path}/cancel")):
            assert response.expect_problem(409, "illegal-follow-up-state")["state"] == state
        assert api.get(path).json["state"] == state
    for path, state in ((sent, "sent"), (cancelled, "cancelled"), (later, "scheduled")):
        assert api.post(f"{path}/retry").expect_problem(409, "illegal-follow-up-state")["state"] == state


@pytest.mark.parametrize("id", [UNKNOWN_ID, "first"])
def test_changing_an_unknown_follow_up_is_not_found(api: Api, john: str, id: str) -> None:
    for response in (
        api.patch(f"/follow-ups/{id}", {"message": "Hi!"}),
        api.post(f"/follow-ups/{id}/cancel"),
        api.post(f"/follow-ups/{id}/retry"),
    ):
        assert id in response.expect_problem(404, "not-found")["detail"]


# All follow-ups


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, list[Any]]]:
    """Create a failed, a sent, an overdue and several later follow-ups of two leads, once for tests that only read.

    Return a client, and the follow-ups by due time.
    """
    with database_url("sqlite", tmp_path_factory.mktemp("everything")) as database, a_service(database) as service:
        api = service.client("agent")
        yield api, create_everything(service, api)


def create_everything(service: Service, api: Api) -> list[Any]:
    """Create the follow-ups, and return them by due time."""
    john = api.post("/leads", JOHN).expect(201).headers["location"]
    jane = api.post("/leads", {**JOHN, "email": "jane@example.com"}).headers["location"]
    service.channels["log"].fail_with(Refused("no such mailbox"))
    scheduled = [
        api.post(f"{lead}/follow-up", {"channel": channel, "due_at": f"2026-01-{day}T12:00:00Z"})
        for lead, channel, day in (
            (john, "log", "03"),
            (jane, "mail", "04"),
            (jane, "mail", "05"),
            (john, "log", "06"),
            (jane, "mail", "07"),
        )
    ]
    ids = [each.expect(202).json["id"] for each in scheduled]
    api.patch(f"/follow-ups/{ids[2]}", {"due_at": "2026-01-05T18:00:00Z"}).expect(200)
    assert service.dispatch() == 2
    service.clock.advance(timedelta(hours=12))
    return [api.get(f"/follow-ups/{id}").json for id in ids]


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("state=failed", [0]),
        ("state=failed&state=sent", [0, 1]),
        ("state=scheduled", [2, 3, 4]),
        ("state=cancelled", []),
        ("channel=mail", [1, 2, 4]),
        ("channel=mail&state=scheduled", [2, 4]),
        ("channel=pigeon", []),
        ("due_before=2026-01-05T18:00:00Z", [0, 1]),
        ("due_before=2026-01-05T18:00:00.000001Z", [0, 1, 2]),
        ("due_before=2026-01-05T19:00:00.000001%2B01:00", [0, 1, 2]),
        ("overdue=true", [2]),
        ("overdue=true&state=scheduled&channel=mail&due_before=2030-01-01T00:00:00Z", [2]),
        ("overdue=true&state=sent", []),
        ("overdue=true&channel=log", []),
        ("overdue=false", [0, 1, 2, 3, 4]),
    ],
)
def test_follow_ups_of_all_leads_are_listed_by_due_time(
    everything: tuple[Api, list[Any]], query: str, indexes: list[int]
) -> None:
    api, follow_ups = everything
    expected = [follow_ups[index] for index in indexes]
    assert api.get(f"/follow-ups?{query}").expect(200).json == {"items": expected, "next_cursor": None}
    for limit in (1, 2):
        pages = list(api.pages(f"/follow-ups?{query}&limit={limit}"))
        assert [item for page in pages for item in page["items"]] == expected


@pytest.mark.parametrize(
    "query",
    [
        "state=due",
        "state=",
        "state=sent,failed",
        "overdue=yes",
        "overdue",
        "overdue=2",
        "due_before=tomorrow",
        "due_before=2026-01-05",
        "due_before=2026-01-05T18:00:00",
        "due_before=9999-12-31T23:59:59-00:01",
        "due_before=0001-01-01T00:00:00%2B00:01",
        "channel=log&channel=mail",
        "channel=%00",
        "lead_id=1",
        "limit=0",
    ],
)
def test_an_invalid_query_of_follow_ups_is_refused(api: Api, query: str) -> None:
    api.get(f"/follow-ups?{query}").expect_problem(400, "malformed-request")


def test_a_lead_whose_address_bounced_gets_no_e_mail_until_it_has_another(
    service: Service, api: Api, john: str
) -> None:
    location = api.post(f"{john}/follow-up", {"channel": "mail"}).headers["location"]
    service.dispatch()
    failure = ReportedFailure(recipient="john@example.com", status="5.1.1", is_permanent=True)
    report = DeliveryReport(message_id=f"{location.rpartition('/')[2]}@example.com", failures=[failure])
    version = api.get(john).json["version"]
    assert service.process(service.receive("mailbox:sales", content=mail_content(a_mail(report=report)))) == "accepted"

    failed = api.get("/follow-ups?state=failed").json["items"][0]
    error = "A mail server returned the message with 5.1.1: the address does not exist."
    assert (failed["last_error"], failed["sent_at"], failed["attempts"]) == (error, None, 1)
    entry = api.get(f"{john}/timeline").json["items"][0]
    assert (entry["type"], entry["data"]["permanent"]) == ("follow_up.bounced", True)
    assert api.get(john).json["version"] == version
    assert "accepts no mail" in api.post(f"{john}/follow-up", {"channel": "mail"}).errors()["/channel"]
    problem = api.post(f"{location}/retry").expect_problem(409, "illegal-follow-up-state")
    assert "accepts no mail" in problem["detail"]

    api.patch(john, {"email": "john.doe@example.com"}).expect(200)
    api.post(f"{location}/retry").expect(200)
    service.dispatch()
    assert service.channels["mail"].accepted[-1].email == "john.doe@example.com"
