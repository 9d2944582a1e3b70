"""Test the resources /leads/{id}/tasks and /tasks/{id}."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from leads_domain.task import OUTCOME_MAX, TEXT_MAX
from rest import JOHN, UNKNOWN_ID, Api, Service

MIA, NOAH = "mia@example.com", "noah@example.com"
CALL = {"text": "Call about the quote", "due_at": "2026-01-06T09:00:00+01:00", "remind": True}
DUE = "2026-01-06T08:00:00.000000Z"


@pytest.fixture
def lead(api: Api) -> str:
    """Create a lead of Mia and return its path."""
    return api.post("/leads", {**JOHN, "owner": MIA}).expect(201).headers["location"]


@pytest.fixture
def task(api: Api, lead: str) -> str:
    """Create a task of Mia and return its path."""
    return api.post(f"{lead}/tasks", CALL).expect(201).headers["location"]


@pytest.fixture(scope="session")
def shared_task(shared_client: Api, shared_lead: str) -> str:
    """Create a task on the shared service and return its path."""
    task = {**CALL, "assignee": MIA}
    return shared_client.post(f"{shared_lead}/tasks", task).expect(201).headers["location"]


def everything(api: Api, lead: str) -> list[bytes]:
    """Return all that clients can see of a lead."""
    return [api.get(f"{lead}{rest}").expect(200).body for rest in ("", "/tasks", "/follow-ups", "/timeline")]


def types(api: Api, lead: str) -> list[str]:
    """Return the types of the timeline entries of a lead, newest first."""
    return [entry["type"] for entry in api.get(f"{lead}/timeline").json["items"]]


# Creation


def test_a_task_is_for_the_owner_of_its_lead(api: Api, lead: str) -> None:
    response = api.post(f"{lead}/tasks", CALL).expect(201)
    task = response.json
    assert UUID(task["id"]).version == 7
    assert task == {
        "id": task["id"],
        "lead_id": lead.removeprefix("/leads/"),
        "assignee": MIA,
        "text": "Call about the quote",
        "due_at": DUE,
        "state": "open",
        "outcome": None,
        "done_at": None,
        "created_at": "2026-01-05T12:00:00.000000Z",
        "updated_at": "2026-01-05T12:00:00.000000Z",
        "version": 1,
    }
    assert (response.headers["location"], response.headers["etag"]) == (f"/tasks/{task['id']}", '"1"')
    found = api.get(response.headers["location"]).expect(200)
    assert (found.json, found.headers["etag"]) == (task, '"1"')
    assert api.get(lead).json["next_follow_up_at"] == DUE


def test_a_task_can_be_for_another_colleague(api: Api, john: str) -> None:
    task = api.post(f"{john}/tasks", {**CALL, "assignee": f" {NOAH} ", "text": " Call\nhim \n"}).expect(201).json
    assert (task["assignee"], task["text"]) == (NOAH, "Call\nhim")


@pytest.mark.parametrize("assignee", [{}, {"assignee": None}, {"assignee": " "}])
def test_a_lead_without_an_owner_needs_an_assignee(
    shared_client: Api, shared_lead: str, assignee: dict[str, Any]
) -> None:
    before = everything(shared_client, shared_lead)
    assert shared_client.post(f"{shared_lead}/tasks", {**CALL, **assignee}).errors().keys() == {"/assignee"}
    assert everything(shared_client, shared_lead) == before


def test_the_assignee_is_reminded_at_the_due_time(service: Service, api: Api, lead: str, task: str) -> None:
    (reminder,) = api.get(f"{lead}/follow-ups").json["items"]
    assert (reminder["recipient"], reminder["due_at"], reminder["state"]) == (MIA, DUE, "scheduled")
    assert reminder["task_id"] == task.removeprefix("/tasks/")
    service.clock.advance(timedelta(hours=20))
    assert service.dispatch() == 1
    (notice,) = service.channels["log"].accepted
    assert (notice.email, notice.message) == (MIA, "John Doe: Call about the quote")
    assert api.get(task).json["state"] == "open"
    assert api.get(lead).json["next_follow_up_at"] == DUE


def test_by_default_a_task_has_no_reminder(api: Api, lead: str) -> None:
    without = {name: value for name, value in CALL.items() if name != "remind"}
    for remind in ({}, {"remind": None}, {"remind": False}):
        api.post(f"{lead}/tasks", {**without, **remind}).expect(201)
    assert api.get(f"{lead}/follow-ups").json["items"] == []
    assert api.get(lead).json["next_follow_up_at"] == DUE


def test_the_first_and_the_last_due_time_are_accepted(api: Api, lead: str) -> None:
    for due_at in ("1970-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"):
        task = api.post(f"{lead}/tasks", {**CALL, "due_at": due_at}).expect(201)
        assert api.get(task.headers["location"]).json["due_at"] == due_at


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("due_at", "2026-01-06T09:00:00"),
        ("due_at", "1969-12-31T23:59:59Z"),
        ("due_at", "1970-01-01T00:00:00+00:01"),
        ("due_at", "0001-01-01T00:00:00+00:01"),
        ("due_at", "9999-12-31T23:59:59-00:01"),
        ("due_at", "10000-01-01T00:00:00Z"),
        ("due_at", "2026-01-06"),
        ("due_at", "tomorrow"),
        ("due_at", ""),
        ("due_at", None),
        ("due_at", 1767686400),
        ("text", ""),
        ("text", " \n"),
        ("text", None),
        ("text", "x" * (TEXT_MAX + 1)),
        ("text", "a\0"),
        ("text", "a\x1b[31m"),
        ("text", 5),
        ("assignee", "Mia"),
        ("assignee", "mia@"),
        ("assignee", "mia@example.com, noah@example.com"),
        ("assignee", f"{'x' * 250}@example.com"),
        ("assignee", "+4930123456"),
        ("assignee", 5),
        ("remind", "yes"),
        ("remind", 1),
        ("state", "done"),
        ("lead_id", UNKNOWN_ID),
    ],
)
def test_an_invalid_field_of_a_task_is_refused(shared_client: Api, shared_task: str, field: str, value: object) -> None:
    api, task = shared_client, shared_task
    lead = f"/leads/{api.get(task).json['lead_id']}"
    before = everything(api, lead)
    assert api.post(f"{lead}/tasks", {**CALL, field: value}).errors().keys() == {f"/{field}"}
    assert api.patch(task, {field: value}).errors().keys() == {f"/{field}"}
    completion = {"outcome": "Reached", "next": {**CALL, field: value}}
    assert api.post(f"{task}/complete", completion).errors().keys() == {f"/next/{field}"}
    assert everything(api, lead) == before


def test_all_field_errors_of_a_task_are_reported_at_once(
    shared_client: Api, shared_lead: str, shared_task: str
) -> None:
    api, lead, task = shared_client, shared_lead, shared_task
    wrong = {"due_at": "2026-01-06T09:00:00", "text": "", "assignee": "Mia", "remind": "yes", "lead": 1}
    assert api.post(f"{lead}/tasks", wrong).errors().keys() == {f"/{name}" for name in wrong}
    assert api.post(f"{lead}/tasks", {}).errors().keys() == {"/text", "/due_at"}
    assert api.patch(task, wrong).errors().keys() == {f"/{name}" for name in wrong}
    for response in (api.post(f"{lead}/tasks"), api.patch(task), api.post(f"{task}/complete")):
        response.expect_problem(400, "malformed-request")


def test_an_unknown_or_erased_lead_has_no_tasks(service: Service, api: Api, lead: str, task: str) -> None:
    service.client("admin").request("DELETE", lead).expect(204)
    for path in (lead, f"/leads/{UNKNOWN_ID}", "/leads/john"):
        api.post(f"{path}/tasks", CALL).expect_problem(404, "not-found")
        api.get(f"{path}/tasks").expect_problem(404, "not-found")


@pytest.mark.parametrize("id", [UNKNOWN_ID, "first"])
def test_an_unknown_task_is_not_found(shared_client: Api, id: str) -> None:
    for response in (
        shared_client.get(f"/tasks/{id}"),
        shared_client.patch(f"/tasks/{id}", {"text": "Write"}),
        shared_client.post(f"/tasks/{id}/complete", {"outcome": "Reached"}),
        shared_client.post(f"/tasks/{id}/cancel"),
    ):
        assert id in response.expect_problem(404, "not-found")["detail"]


# Changes


def test_a_task_can_be_changed_and_its_reminder_moves_along(service: Service, api: Api, lead: str, task: str) -> None:
    before = api.get(task).json
    service.clock.advance(timedelta(minutes=1))
    at = "2026-01-07T09:00:00.000000Z"
    response = api.patch(task, {"text": " Write ", "due_at": at, "assignee": NOAH}).expect(200)
    changes = {"text": "Write", "due_at": at, "assignee": NOAH, "version": 2}
    assert response.json == {**before, **changes, "updated_at": "2026-01-05T12:01:00.000000Z"}
    assert response.headers["etag"] == '"2"'
    assert api.get(task).json == response.json
    assert api.get(lead).json["next_follow_up_at"] == at
    service.clock.advance(timedelta(days=2))
    assert service.dispatch() == 1
    (notice,) = service.channels["log"].accepted
    assert (notice.email, notice.message) == (NOAH, "John Doe: Write")


def test_a_patch_without_changes_returns_the_task(service: Service, api: Api, lead: str, task: str) -> None:
    before, whole = api.get(task).json, everything(api, lead)
    service.clock.advance(timedelta(minutes=1))
    for patch in ({}, {"text": before["text"]}, {"due_at": CALL["due_at"]}, {"assignee": MIA}):
        for media_type in ("application/merge-patch+json", "application/json"):
            assert api.patch(task, patch, content_type=media_type).expect(200).json == before
    assert everything(api, lead) == whole


def test_a_task_always_has_an_assignee(shared_client: Api, shared_task: str) -> None:
    for assignee in (None, "", " "):
        assert shared_client.patch(shared_task, {"assignee": assignee}).errors().keys() == {"/assignee"}


# Completion


def test_a_completion_moves_the_lead_and_makes_the_next_task(service: Service, api: Api, lead: str, task: str) -> None:
    service.clock.advance(timedelta(days=1))
    now = "2026-01-06T12:00:00.000000Z"
    next_task = {"text": "Send the offer", "due_at": "2026-01-08T12:00:00Z"}
    completion = {"outcome": " Wants an offer ", "status": "contacted", "next": next_task}
    done = api.post(f"{task}/complete", completion).expect(200).json
    assert done.keys() == {"task", "lead", "next"}
    assert (done["task"]["state"], done["task"]["outcome"], done["task"]["done_at"]) == ("done", "Wants an offer", now)
    assert (done["task"]["version"], done["task"]["updated_at"]) == (2, now)
    assert (done["lead"]["status"], done["lead"]["contacted_at"]) == ("contacted", now)
    assert done["lead"]["next_follow_up_at"] == done["next"]["due_at"] == "2026-01-08T12:00:00.000000Z"
    assert (done["next"]["text"], done["next"]["assignee"], done["next"]["state"]) == ("Send the offer", MIA, "open")
    assert api.get(task).json == done["task"]
    assert api.get(lead).json == done["lead"]
    assert api.get(f"/tasks/{done['next']['id']}").json == done["next"]
    assert {"task.done", "lead.status_changed", "task.created"} <= {*types(api, lead)[:6]}


def test_a_completion_needs_only_an_outcome(service: Service, api: Api, lead: str, task: str) -> None:
    before = api.get(lead).json
    done = api.post(f"{task}/complete", {"outcome": "x" * OUTCOME_MAX}).expect(200).json
    assert done["next"] is None
    assert (done["lead"]["status"], done["lead"]["next_follow_up_at"]) == (before["status"], None)
    service.clock.advance(timedelta(days=2))
    assert service.dispatch() == 0, "the reminder is cancelled"


def test_null_and_blank_text_in_a_completion_mean_none(api: Api, lead: str) -> None:
    for empty in (None, "", " "):
        task = api.post(f"{lead}/tasks", CALL).expect(201).headers["location"]
        completion = {"outcome": "Reached", "status": None, "status_reason": empty, "next": empty}
        done = api.post(f"{task}/complete", completion).expect(200).json
        assert (done["lead"]["status"], done["next"]) == ("new", None)


def test_the_next_task_can_be_for_another_colleague_and_without_a_reminder(api: Api, lead: str, task: str) -> None:
    next_task = {**CALL, "assignee": NOAH, "remind": False}
    done = api.post(f"{task}/complete", {"outcome": "Reached", "next": next_task}).expect(200).json
    assert done["next"]["assignee"] == NOAH
    states = [each["state"] for each in api.get(f"{lead}/follow-ups").json["items"]]
    assert states == ["cancelled"]


def test_a_large_completion_is_stored_unchanged(api: Api, task: str) -> None:
    text = "😀" * TEXT_MAX
    due_at = "2026-01-08T13:00:00.000001+01:00"
    done = api.post(f"{task}/complete", {"outcome": text, "next": {"text": text, "due_at": due_at}}).expect(200).json
    assert (done["task"]["outcome"], done["next"]["text"]) == (text, text)
    assert done["next"]["due_at"] == "2026-01-08T12:00:00.000001Z"


def test_a_reason_belongs_to_the_status(api: Api, lead: str, task: str) -> None:
    before = everything(api, lead)
    for completion, pointers in (
        ({"outcome": "No", "status_reason": "no budget"}, {"/status_reason"}),
        ({"outcome": "No", "status": "lost"}, {"/status_reason"}),
    ):
        assert api.post(f"{task}/complete", completion).errors().keys() == pointers
    assert everything(api, lead) == before
    completion = {"outcome": "No", "status": "lost", "status_reason": "no budget"}
    lost = api.post(f"{task}/complete", completion).expect(200).json["lead"]
    assert (lost["status"], lost["status_reason"]) == ("lost", "no budget")


def test_an_illegal_transition_changes_nothing(api: Api, lead: str, task: str) -> None:
    before = everything(api, lead)
    completion = {"outcome": "Bought", "status": "converted", "next": CALL}
    problem = api.post(f"{task}/complete", completion).expect_problem(409, "illegal-transition")
    assert (problem["from"], problem["to"]) == ("new", "converted")
    assert everything(api, lead) == before


def test_all_field_errors_of_a_completion_are_reported_at_once(api: Api, lead: str, task: str) -> None:
    before = everything(api, lead)
    for completion, pointers in (
        ({}, {"/outcome"}),
        ({"outcome": None}, {"/outcome"}),
        ({"outcome": " "}, {"/outcome"}),
        ({"outcome": "x" * (OUTCOME_MAX + 1)}, {"/outcome"}),
        ({"outcome": "a\0", "status": "won"}, {"/outcome", "/status"}),
        ({"outcome": "No", "next": {}}, {"/next/text", "/next/due_at"}),
        ({"outcome": "No", "next": {"text": "Write"}}, {"/next/due_at"}),
        ({"outcome": "No", "next": []}, {"/next"}),
        ({"outcome": "No", "next": "tomorrow"}, {"/next"}),
        ({"outcome": 5, "status": 5, "next": {"due_at": "x"}, "state": "done"}, {"/outcome", "/status", "/state"}),
        ({"next": {"text": 5, "due_at": "x", "lead": 1}}, {"/outcome", "/next/text", "/next/due_at", "/next/lead"}),
        ({"outcome": "", "next": {"text": "", "due_at": DUE}}, {"/outcome", "/next/text"}),
        ({"outcome": "No", "next": {str(number): 1 for number in range(101)}}, {"/next"}),
    ):
        errors = api.post(f"{task}/complete", completion).errors()
        assert errors.keys() >= pointers, completion
        assert errors.keys() - pointers <= {"/next/text", "/next/due_at"}, completion
    assert everything(api, lead) == before


# States


@pytest.mark.parametrize(
    ("path", "body", "state"), [("complete", {"outcome": "Reached"}, "done"), ("cancel", None, "cancelled")]
)
def test_a_finished_task_cannot_be_changed(api: Api, lead: str, task: str, path: str, body: object, state: str) -> None:
    api.post(f"{task}/{path}", body).expect(200)
    before = everything(api, lead)
    for response in (
        api.patch(task, {"text": "Write"}),
        api.post(f"{task}/complete", {"outcome": "Reached", "next": CALL}),
        api.post(f"{task}/cancel"),
    ):
        assert response.expect_problem(409, "illegal-task-state")["state"] == state
    assert everything(api, lead) == before


def test_a_cancelled_task_sends_no_reminder(service: Service, api: Api, lead: str, task: str) -> None:
    response = api.post(f"{task}/cancel").expect(200)
    assert (response.json["state"], response.json["version"], response.headers["etag"]) == ("cancelled", 2, '"2"')
    assert api.get(lead).json["next_follow_up_at"] is None
    service.clock.advance(timedelta(days=2))
    assert service.dispatch() == 0
    assert types(api, lead)[:2] == ["follow_up.cancelled", "task.cancelled"]


def test_the_tasks_of_a_closed_lead_stay_open(service: Service, api: Api, lead: str, task: str) -> None:
    api.patch(lead, {"status": "lost", "status_reason": "no budget"}).expect(200)
    assert api.get(task).json["state"] == "open"
    assert api.get(lead).json["next_follow_up_at"] == DUE
    service.clock.advance(timedelta(days=2))
    assert service.dispatch() == 1


# Versions


def test_a_change_honours_the_version_of_the_task(api: Api, lead: str, task: str) -> None:
    before = everything(api, lead)
    for condition in ({"if_match": '"2"'}, {"if_none_match": '"1"'}, {"if_match": 'W/"1"'}):
        for response in (
            api.patch(task, {"text": "Write"}, **condition),
            api.post(f"{task}/complete", {"outcome": "Reached"}, **condition),
            api.post(f"{task}/cancel", **condition),
        ):
            detail = response.expect_problem(412, "precondition-failed")["detail"]
            assert "The task is at version 1" in detail
            assert response.headers["etag"] == '"1"'
    assert everything(api, lead) == before
    assert api.patch(task, {"text": "Write"}, if_match='"1"').expect(200).headers["etag"] == '"2"'
    api.post(f"{task}/complete", {"outcome": "Reached"}, if_match='"2"').expect(200)


def test_reading_a_task_is_conditional(api: Api, task: str) -> None:
    for method in ("GET", "HEAD"):
        known = api.request(method, task, headers={"if-none-match": '"1"'}).expect(304)
        assert (known.body, known.headers["etag"]) == (b"", '"1"')
    api.get(task, if_none_match='"2"').expect(200)
    response = api.get(task, if_match='"2"')
    assert "The task is at version 1" in response.expect_problem(412, "precondition-failed")["detail"]
    assert response.headers["etag"] == '"1"'
    api.get(task, if_match="1").expect_problem(400, "malformed-request")
