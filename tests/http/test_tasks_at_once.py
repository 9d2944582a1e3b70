"""Test that requests at the same time finish a task once."""

import asyncio
from typing import Any

from rest import ON_BOTH_DATABASES, Api, Response

pytestmark = ON_BOTH_DATABASES

CALL = {"text": "Call", "assignee": "mia@example.com", "due_at": "2026-01-06T12:00:00Z"}
CLIENTS = 8


def send_at_once(api: Api, path: str, *bodies: Any) -> list[Response]:
    """Send a POST with each body at the same time."""

    async def send_all() -> list[Response]:
        return await asyncio.gather(*(api.send("POST", path, body) for body in bodies))

    return api.runner.run(send_all())


def test_a_task_is_completed_once_and_has_one_next_task(api: Api, john: str) -> None:
    task = api.post(f"{john}/tasks", CALL).expect(201).headers["location"]
    bodies = [
        {"outcome": f"Reached by {number}", "status": "contacted", "next": {**CALL, "text": f"Write {number}"}}
        for number in range(CLIENTS)
    ]
    responses = send_at_once(api, f"{task}/complete", *bodies)
    completed = [response for response in responses if response.status == 200]
    assert len(completed) == 1
    for response in responses:
        assert response in completed or response.expect_problem(409, "illegal-task-state")["state"] == "done"
    done = completed[0].json
    assert api.get(task).json == done["task"]
    assert api.get(john).json == done["lead"]
    assert api.get(f"{john}/tasks").json["items"] == [done["task"], done["next"]]
    types = [entry["type"] for entry in api.get(f"{john}/timeline").json["items"]]
    assert [types.count(type) for type in ("task.done", "task.created", "lead.status_changed")] == [1, 2, 1]


def test_a_completion_that_is_repeated_at_once_has_one_effect(api: Api, john: str) -> None:
    task = api.post(f"{john}/tasks", CALL).expect(201).headers["location"]
    body = {"outcome": "Reached", "next": CALL}
    client = Api(api.app, api.runner, {**api.headers, "idempotency-key": "once"})
    responses = send_at_once(client, f"{task}/complete", *[body] * CLIENTS)
    assert {response.status for response in responses} <= {200, 409}
    (first, *_) = done = {response.body for response in responses if response.status == 200}
    assert len(done) == 1
    assert client.post(f"{task}/complete", body).expect(200).body == first
    assert len(api.get(f"{john}/tasks").json["items"]) == 2
