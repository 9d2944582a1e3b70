"""A lead that is in the way may be gone, or have another address, before anybody can look at it."""

import asyncio

import pytest

from rest import JOHN, Api, Response, Service

ROUNDS = 60
CLIENTS = 6


@pytest.mark.parametrize("policy", ["error", "return", "update"])
def test_whoever_meets_a_lead_that_is_vanishing_is_answered_as_if_it_had_or_had_not(
    service: Service, api: Api, policy: str
) -> None:
    other = Service(service.container.settings(), service.runner)
    mover = other.client_with(**api.headers)

    async def register() -> list[Response]:
        posts = [api.send("POST", f"/leads?on_duplicate={policy}", JOHN) for _ in range(ROUNDS)]
        return [await post for post in posts]

    async def vanish() -> list[Response]:
        """Whoever has the address gets another one, on a connection of its own as of another process."""
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
        replies = await registering
        await other.container.database().close()
        return replies, moved

    replies, moved = service.run(both())
    met = {reply.status for each in replies for reply in each}
    assert met <= ({201, 409} if policy == "error" else {200, 201})
    assert {reply.status for reply in moved} <= {200}
    for each in replies:
        for reply in each:
            if reply.status == 409:
                assert reply.json["existing_lead_id"]
            else:
                assert reply.json["email"] == JOHN["email"]
