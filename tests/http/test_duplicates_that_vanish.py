"""Test registrations during concurrent changes of the duplicate's e-mail address."""

import asyncio

import pytest

from rest import JOHN, Api, Response, Service

ROUNDS = 60
CLIENTS = 6


@pytest.mark.parametrize("policy", ["error", "return", "update"])
def test_a_registration_that_races_with_a_changing_duplicate_finds_it_or_not(
    service: Service, api: Api, policy: str
) -> None:
    other = Service(service.container.settings(), service.runner)
    mover = other.client_with(**api.headers)

    async def register() -> list[Response]:
        posts = [api.send("POST", f"/leads?on_duplicate={policy}", JOHN) for _ in range(ROUNDS)]
        return [await post for post in posts]

    async def vanish() -> list[Response]:
        """Change the e-mail address of the duplicate, on another connection, as another process does."""
        moved = []
        for _ in range(ROUNDS):
            found = (await mover.send("GET", "/leads?email=john@example.com")).expect(200).json["items"]
            for lead in found:
                email = {"email": f"{lead['id']}@example.com"}
                moved.append(await mover.send("PATCH", f"/leads/{lead['id']}", email))
        return moved

    async def both() -> tuple[list[list[Response]], list[Response]]:
        registering = asyncio.gather(*(register() for _ in range(CLIENTS)))
        moved = await vanish()
        responses = await registering
        await other.container.database().close()
        return responses, moved

    responses, moved = service.run(both())
    met = {response.status for each in responses for response in each}
    assert met <= ({201, 409} if policy == "error" else {200, 201})
    assert {response.status for response in moved} <= {200}
    for each in responses:
        for response in each:
            if response.status == 409:
                assert response.json["existing_lead_id"]
            else:
                assert response.json["email"] == JOHN["email"]
