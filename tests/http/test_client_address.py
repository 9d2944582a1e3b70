"""Test the client address of a request, behind trusted and other proxies."""

from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import HTTPScope

from leads_adapters.http import client_address
from leads_adapters.http.client_address import FORWARDED_MAX, Address, ClientAddresses, _address
from leads_adapters.http.rate_limit import RateLimit
from rest import Response, Service

TRUSTED = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]
CLIENT = "198.51.100.7"


def caller(peer: str | None, *forwarded: str, trusted: Sequence[str] = TRUSTED) -> str:
    """Return the caller of a request from `peer` with these X-Forwarded-For headers."""
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    scope = {"client": (peer, 50000) if peer else None, "headers": [(b"host", b"x"), *headers]}
    return ClientAddresses([ip_network(text) for text in trusted]).of(cast(HTTPScope, scope))


def test_without_trusted_proxies_the_caller_is_the_address_of_the_connection() -> None:
    assert caller("127.0.0.1", CLIENT, trusted=[]) == "127.0.0.1"


def test_headers_from_an_untrusted_address_are_ignored() -> None:
    assert caller("192.0.2.1", CLIENT) == "192.0.2.1"


@pytest.mark.parametrize(
    "forwarded",
    [
        [CLIENT],
        [f" {CLIENT} "],
        [f"{CLIENT}:50123"],
        [f"203.0.113.9, {CLIENT}"],
        [f"127.0.0.1, {CLIENT}"],
        [f"{CLIENT}, 10.1.2.3"],
        [f"203.0.113.9,{CLIENT},10.1.2.3,10.3.2.1"],
        [f"{CLIENT}, fd00::1"],
        [f"{CLIENT}, [fd00::1]:443"],
        ["203.0.113.9", CLIENT],
        [CLIENT, "10.1.2.3"],
        [f"garbage, {CLIENT}"],
        [f"::ffff:{CLIENT}"],
    ],
)
def test_the_caller_is_the_last_untrusted_address(forwarded: list[str]) -> None:
    assert caller("127.0.0.1", *forwarded) == CLIENT
    assert caller("::ffff:127.0.0.1", *forwarded) == CLIENT


def test_if_all_addresses_are_trusted_the_caller_is_the_first() -> None:
    assert caller("127.0.0.1", "10.0.0.9, 10.0.0.1") == "10.0.0.9"


@pytest.mark.parametrize("number", [FORWARDED_MAX - 1, FORWARDED_MAX, 40_000])
@pytest.mark.parametrize("lines", [False, True])
def test_only_the_last_addresses_are_looked_at(number: int, lines: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def look_at(text: str) -> Address | None:
        looked_at.append(text)
        return _address(text)

    monkeypatch.setattr(client_address, "_address", look_at)
    addresses = [f"10.0.{each // 256}.{each % 256}" for each in range(number)][::-1]
    forwarded = addresses if lines else [",".join(addresses)]
    first = CLIENT if number < FORWARDED_MAX else f"10.0.0.{FORWARDED_MAX - 1}"
    assert caller("127.0.0.1", CLIENT, *forwarded) == first
    assert len(looked_at) == FORWARDED_MAX


@pytest.mark.parametrize("forwarded", [[], [""], [","], ["unknown"], ["_hidden"], ["\xff"], ["1.2.3"], [f"{CLIENT},"]])
def test_a_proxy_that_forwards_no_valid_address_is_the_caller(forwarded: list[str]) -> None:
    assert caller("127.0.0.1", *forwarded) == "127.0.0.1"
    assert caller("127.0.0.1", *forwarded, "10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    "address", ["2001:db8:1:2::1", "2001:db8:1:2:ffff::", "[2001:db8:1:2::1]:443", "2001:DB8:1:2::%eth0"]
)
def test_ipv6_addresses_of_one_64_bit_network_are_one_caller(address: str) -> None:
    assert caller("127.0.0.1", address) == "2001:db8:1:2::/64"
    assert caller("127.0.0.1", "2001:db8:1:3::1") == "2001:db8:1:3::/64"


@pytest.mark.parametrize(
    ("peer", "address"),
    [("2001:db8:1:2::1", "2001:db8:1:2::1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("unix:", None), (None, None)],
)
def test_the_full_address_of_a_client_is_known(peer: str | None, address: str | None) -> None:
    scope: dict[str, Any] = {"client": (peer, 50000) if peer else None, "headers": []}
    assert ClientAddresses([]).full(cast(HTTPScope, scope)) == address


def test_a_connection_without_an_address_has_an_empty_caller() -> None:
    assert caller(None, CLIENT) == ""
    assert caller("unix:", CLIENT) == ""


@given(st.text(st.characters(max_codepoint=255)), st.text(alphabet="0123456789abcdef:.,[]% ", max_size=60))
def test_any_forwarded_header_gives_a_caller(anything: str, nearly: str) -> None:
    for made_up in (anything, nearly):
        assert caller("127.0.0.1", made_up)
        assert caller("127.0.0.1", f"{made_up},{CLIENT}") == CLIENT
        assert caller("192.0.2.1", made_up) == "192.0.2.1"


def get_leads(service: Service, peer: str, forwarded: str, **headers: Any) -> Response:
    """Send an anonymous request and return the response."""
    return service.client_with(peer, x_forwarded_for=forwarded, **headers).get("/leads")


def test_anonymous_clients_behind_a_trusted_proxy_are_limited_by_their_own_addresses(
    start: Callable[..., Service],
) -> None:
    service = start(rate_limit=RateLimit(20, 3600), trusted_proxies=[ip_network("10.0.0.0/8")])
    assert [get_leads(service, "10.0.0.1", CLIENT).status for _ in range(3)] == [401, 401, 429]
    assert get_leads(service, "10.0.0.2", f"made up, {CLIENT}").status == 429
    assert get_leads(service, "10.0.0.1", f"{CLIENT}, 198.51.100.8").status == 401
    assert [get_leads(service, "192.0.2.1", f"198.51.100.{n}").status for n in range(3)] == [401, 401, 429]
    networks = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]
    assert [get_leads(service, "10.0.0.1", address).status for address in networks] == [401, 401, 429, 401]
