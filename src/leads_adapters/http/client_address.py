"""Finds the address that a request comes from, behind the proxies that the operator trusts."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar.types import HTTPScope

from leads_adapters.http.headers import header

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SITE_BITS = 64
"""What one customer of a provider has of IPv6, at the least: any number of addresses."""

_CACHED = 4096


class ClientAddresses:
    """Tells callers apart by their addresses, those of IPv6 by their networks of 64 bits.

    Of `X-Forwarded-For`, the last address that is not a trusted proxy counts: a client can forge the ones before it.
    Without a trusted proxy, all of it can be forged.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._is_trusted = lru_cache(_CACHED)(self._check_trusted)

    def of(self, scope: HTTPScope) -> str:
        """Return the address that a request comes from; the empty text if the server does not know."""
        client = scope.get("client")
        address = _peer(client[0]) if client else None
        if address is None:
            return ""
        if self._trusted and self._is_trusted(address):
            address = self._before(address, scope)
        return _caller(address)

    def _before(self, proxy: Address, scope: HTTPScope) -> Address:
        """Return the address that called a trusted proxy; the last proxy's own if the header names none."""
        for text in reversed((header(scope, b"x-forwarded-for") or "").split(",")):
            named = _address(text)
            if named is None:
                break
            proxy = named
            if not self._is_trusted(named):
                break
        return proxy

    def _check_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(_CACHED)
def _caller(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _SITE_BITS), strict=False))
    return str(address)


def _address(text: str) -> Address | None:
    """Return the address in a text such as `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` or `[2001:db8::1]:443`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


_peer = lru_cache(_CACHED)(_address)
