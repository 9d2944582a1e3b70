"""Test authentication by API keys. For permissions see test_authorization.py."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from litestar.types import HTTPScope

from leads_adapters.database import Database
from leads_adapters.http.authentication import Authentication
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.problems import Problem
from leads_domain.access import Permission, Principal, Role, digest, make_key_text
from leads_domain.use_cases.manage_keys import Authenticate
from rest import JOHN, ON_BOTH_DATABASES, UNKNOWN_ID, Service

UNDOCUMENTED = ["/", "/docs", "/docs/start.js", "/docs/style.css", "/openapi.json", "/problems", "/problems/not-found"]
OPERATOR_KEY = "correct horse battery staple"


# Paths


@pytest.mark.parametrize("path", UNDOCUMENTED)
def test_the_documentation_needs_no_key(service: Service, path: str) -> None:
    assert service.anonymous().get(path).status in (200, 307)


@pytest.mark.parametrize("path", ["/leads/health", "/leads/docs", "/leads/problems", f"/leads/{UNKNOWN_ID}/timeline"])
def test_a_path_similar_to_a_public_one_needs_a_key(service: Service, path: str) -> None:
    service.anonymous().get(path).expect_problem(401, "unauthorized")


# Keys


def test_a_key_is_accepted_in_either_header(service: Service) -> None:
    _, key = service.new_key("read")
    for headers in (
        {"x_api_key": key},
        {"authorization": f"Bearer {key}"},
        {"authorization": f"bearer {key}"},
        {"authorization": "Basic am9objpkb2U=", "x_api_key": key},
    ):
        service.anonymous().get("/pipeline", **headers).expect(200)


def test_a_401_explains_how_to_send_a_key(service: Service) -> None:
    response = service.anonymous().get("/leads")
    assert "X-API-Key" in response.expect_problem(401, "unauthorized")["detail"]
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["x_api_key", "authorization"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: "swordfish",
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key.upper(),
        lambda key: key.replace("read_", "admin_"),
        lambda key: key[:20] + ("0" if key[20] != "0" else "1") + key[21:],
        lambda key: "\xff\xfe",
        lambda key: key + "\xe9",
        lambda key: "x" * 100_000,
        digest,
    ],
)
def test_a_malformed_key_is_unauthorized(service: Service, header: str, spoil: Callable[[str], str]) -> None:
    spoiled = spoil(service.new_key("read")[1])
    value = f"Bearer {spoiled}" if header == "authorization" else spoiled
    response = service.anonymous().get("/pipeline", **{header: value})
    assert spoiled not in str(response.expect_problem(401, "unauthorized"))


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic am9objpkb2U=", "Digest x", "x"])
def test_other_credentials_are_unauthorized(service: Service, value: str) -> None:
    service.anonymous().get("/pipeline", authorization=value).expect_problem(401, "unauthorized")


def test_an_unknown_well_formed_key_is_unauthorized(service: Service) -> None:
    service.new_key("admin")
    for role in Role:
        service.anonymous().get("/pipeline", x_api_key=make_key_text(role, b"\x07" * 32)).expect_problem(
            401, "unauthorized"
        )


@ON_BOTH_DATABASES
def test_a_revoked_key_is_unauthorized_at_once(service: Service) -> None:
    key_id, key = service.new_key("admin")
    _, other = service.new_key("admin", name="other")
    client = service.client_with(x_api_key=key)
    client.get("/pipeline").expect(200)
    service.revoke(key_id)
    client.get("/pipeline").expect_problem(401, "unauthorized")
    client.post("/leads", JOHN).expect_problem(401, "unauthorized")
    service.client_with(x_api_key=other).get("/pipeline").expect(200)


class OneKey:
    """A database with one key that counts the look-ups."""

    def __init__(self, waits: bool) -> None:
        self.waits = waits
        self.revoked = False
        self.looked_up = 0

    async def read(self, *_: object) -> Principal | None:
        """Return the principal of the key."""
        self.looked_up += 1
        found = None if self.revoked else Principal("1", "agent", Role.AGENT)
        if self.waits:
            await asyncio.sleep(0)
        return found

    async def write(self, *_: object) -> None:
        """Do nothing."""


def request_with(database: OneKey) -> Callable[[], asyncio.Task[Any]]:
    """Return a function that starts a request with the key against this database."""
    authentication = Authentication(cast(Database, database), Authenticate(), lambda _: None, ClientAddresses([]))
    scope = cast(HTTPScope, {"headers": [(b"x-api-key", b"key")]})
    return lambda: asyncio.create_task(authentication._authorize(scope, Permission.READ))


def test_concurrent_requests_look_up_their_key_once() -> None:
    database = OneKey(waits=False)

    async def requests() -> None:
        request = request_with(database)
        await asyncio.gather(request(), request(), request())

    asyncio.run(requests())
    assert database.looked_up == 1


@pytest.mark.parametrize("waits", [False, True])
def test_a_request_after_another_process_revoked_the_key_is_refused(waits: bool) -> None:
    database = OneKey(waits)

    async def requests() -> None:
        request = request_with(database)
        before = request()
        while not database.looked_up:
            await asyncio.sleep(0)
        database.revoked = True
        after = request()  # in the same event-loop turn as the look-up
        await before
        with pytest.raises(Problem, match="revoked"):
            await after

    asyncio.run(requests())


def test_unknown_and_revoked_keys_get_the_same_response(service: Service) -> None:
    key_id, key = service.new_key("admin")
    service.revoke(key_id)
    revoked = service.anonymous().get("/pipeline", x_api_key=key)
    unknown = service.anonymous().get("/pipeline", x_api_key=make_key_text(Role.ADMIN, b"\x07" * 32))
    assert revoked.body == unknown.body


def test_the_configured_admin_key_has_all_permissions(start: Callable[..., Service]) -> None:
    service = start(api_key_digest=digest(OPERATOR_KEY))
    operator = service.client_with(x_api_key=OPERATOR_KEY)
    john = operator.post("/leads", JOHN).expect(201).headers["location"]
    (entry,) = operator.get(f"{john}/timeline").expect(200).json["items"]
    assert entry["actor"] == "operator"
    service.client_with(authorization=f"Bearer {OPERATOR_KEY}").get("/leads").expect(200)
    for other in (OPERATOR_KEY[:-1], OPERATOR_KEY + "e", digest(OPERATOR_KEY)):
        service.client_with(x_api_key=other).get("/leads").expect_problem(401, "unauthorized")


def test_without_a_configured_admin_key_none_is_accepted(service: Service) -> None:
    for key in ("None", "null", digest("")):
        service.client_with(x_api_key=key).get("/leads").expect_problem(401, "unauthorized")
