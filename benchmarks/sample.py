"""The leads that everyone is given."""

from datetime import timedelta
from random import Random
from typing import Any

SOURCES = ("website", "telephone", "fair", "newsletter", None)

_SYLLABLES = ("an", "ber", "co", "da", "el", "fi", "ga", "jo", "ka", "li", "mo", "na", "os", "pe", "ro", "su")
_STATUSES = (*["new"] * 10, *["contacted"] * 4, *["qualified"] * 2, "converted", *["lost"] * 3)


def lead(number: int) -> dict[str, Any]:
    """What a client would send; no two numbers share an e-mail address."""
    return {
        "name": f"John Doe {number}",
        "email": f"John.Doe.{number}@company{number % 500}.example.com",
        "phone": f"+4989{number:07d}",
        "source": SOURCES[number % len(SOURCES)],
        "owner": f"sales{number % 5}@example.com",
        "attributes": {"company": f"Company {number % 500}", "employees": number % 1000},
    }


def varied_lead(number: int) -> dict[str, Any]:
    """Return a lead that differs from the others as people's do: by name, host, source, owner, status and times.

    A third of them has a follow-up, and one in ten of these is overdue.
    """
    chance = Random(number)
    first, last = ("".join(chance.choices(_SYLLABLES, k=3)) for _ in range(2))
    return lead(number) | {
        "name": f"{first.title()} {last.title()}",
        "email": f"{first}.{last}.{number}@company{chance.randrange(500)}.example.com",
        "source": chance.choice(SOURCES),
        "owner": f"sales{int(40 * chance.random() ** 2)}@example.com",
        "status": chance.choice(_STATUSES),
        "unchanged_for": timedelta(minutes=chance.expovariate(1 / 60)),
        "next_follow_up_in": timedelta(days=chance.uniform(-3, 27)) if chance.random() < 1 / 3 else None,
    }
