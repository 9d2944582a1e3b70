"""Guess from the times of responses who is known, as a stranger with a key for a form can."""

import time
from random import Random
from statistics import median

import httpx
import pytest

from attack.target import Target
from e2e.service import Service

pytestmark = pytest.mark.attack

PEOPLE = 300
"""Half of them teach the attacker the times, half of them are guessed."""


@pytest.fixture(scope="module")
def capture(service: Service) -> str:
    """Store the known people, and return a key for forms."""
    for number in range(PEOPLE):
        service.post("/leads", {"name": "Known", "email": f"known{number}@example.com"}).expect(201)
    return str(service.post("/api-keys", {"name": "form", "role": "capture"}).expect(201).json["key"])


@pytest.mark.parametrize("path", ["/leads", "/enquiries", "/forms/contact"])
def test_the_time_of_a_response_does_not_tell_who_is_known(target: Target, capture: str, path: str) -> None:
    people = [(known, number) for known in (True, False) for number in range(PEOPLE)]
    Random(0).shuffle(people)
    times: list[tuple[float, bool]] = []
    with httpx.Client(base_url=target.service.url, headers={"x-api-key": capture}) as client:
        for known, number in people:
            person = {"name": "Ada", "email": f"{'known' if known else 'new' + path[1:3]}{number}@example.com"}
            started = time.perf_counter()
            response = client.post(path, data=person) if "forms" in path else client.post(path, json=person)
            times.append((time.perf_counter() - started, known))
            assert response.status_code in {200, 202}
    learned, guessed = times[:PEOPLE], times[PEOPLE:]
    middle = {known: median(seconds for seconds, each in learned if each == known) for known in (True, False)}
    threshold, slower = sum(middle.values()) / 2, middle[True] > middle[False]
    right = sum(((seconds > threshold) == slower) == known for seconds, known in guessed)
    target.check("% guessed right", 100 * right / len(guessed), at_most=62)
