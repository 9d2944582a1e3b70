"""Test concurrent requests that create the same lead."""

import asyncio
import unicodedata
from collections import Counter
from itertools import product

import httpx
import pytest

from e2e.service import TIMEOUT_SECONDS, Site

LOCAL_PARTS = ("jörg", "Jörg", "JÖRG", unicodedata.normalize("NFD", "jörg"), unicodedata.normalize("NFD", "JÖRG"))
DOMAINS = (
    "müller-example.de",
    "MÜLLER-Example.DE",
    unicodedata.normalize("NFD", "müller-example.de"),
    "xn--mller-example-wob.de",
    "XN--MLLER-EXAMPLE-WOB.de",
)
OUTSIDE = ("{}", " {}", "{} ", "\t{}", "{}\n", "\r\n{}\r\n", "\u00a0{}", "  {}\u3000")
SPELLINGS = [outside.format(f"{local}@{domain}") for local, domain, outside in product(LOCAL_PARTS, DOMAINS, OUTSIDE)]


def test_the_spellings_are_two_hundred_distinct_texts() -> None:
    assert DOMAINS[3] == DOMAINS[0].encode("idna").decode()
    assert len(set(SPELLINGS)) == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_of_two_hundred_concurrent_spellings_of_an_address_becomes_the_lead(site: Site, workers: str) -> None:
    with site.serve("--workers", workers, LEADS_RATE_LIMIT="off") as service:
        responses = asyncio.run(post_all(service.url, site.key))
        [lead] = service.items("/leads")
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 199}
    named = {response.json().get("existing_lead_id", lead["id"]) for response in responses}
    assert named == {lead["id"]}


async def post_all(url: str, key: str) -> list[httpx.Response]:
    """Post all spellings concurrently, each on its own connection, and return the responses."""
    limits = httpx.Limits(max_connections=len(SPELLINGS))
    headers = {"X-API-Key": key}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        return await asyncio.gather(
            *(client.post("/leads", json={"name": "Jörg", "email": email}) for email in SPELLINGS)
        )
