"""The leads that everyone is given."""

from typing import Any

SOURCES = ("website", "telephone", "fair", "newsletter", None)


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
