"""The leads that all servers store."""

from datetime import timedelta
from random import Random
from typing import Any

SOURCES = ("website", "telephone", "fair", "newsletter", None)

_SYLLABLES = ("an", "ber", "co", "da", "el", "fi", "ga", "jo", "ka", "li", "mo", "na", "os", "pe", "ro", "su")
_STATUSES = (*["new"] * 10, *["contacted"] * 4, *["qualified"] * 2, "converted", *["lost"] * 3)
_TASK_STATES = (*["done"] * 7, "cancelled", *["open"] * 4)


def lead(number: int) -> dict[str, Any]:
    """Return a lead as a client sends it, with a different e-mail address for each number."""
    return {
        "name": f"John Doe {number}",
        "email": f"John.Doe.{number}@company{number % 500}.example.com",
        "phone": f"+4989{number:07d}",
        "source": SOURCES[number % len(SOURCES)],
        "owner": f"sales{number % 5}@example.com",
        "attributes": {"company": f"Company {number % 500}", "employees": number % 1000},
    }


def varied_lead(number: int) -> dict[str, Any]:
    """Return a lead whose name, e-mail host, source, owner, status and times vary as in real leads.

    A third of the leads has a follow-up, and a tenth of these is overdue.
    """
    random = Random(number)
    first, last = ("".join(random.choices(_SYLLABLES, k=3)) for _ in range(2))
    return lead(number) | {
        "name": f"{first.title()} {last.title()}",
        "email": f"{first}.{last}.{number}@company{random.randrange(500)}.example.com",
        "source": random.choice(SOURCES),
        "owner": f"sales{int(40 * random.random() ** 2)}@example.com",
        "status": random.choice(_STATUSES),
        "unchanged_for": timedelta(minutes=random.expovariate(1 / 60)),
        "next_follow_up_in": timedelta(days=random.uniform(-3, 27)) if random.random() < 1 / 3 else None,
    }


def lead_with_task(number: int) -> dict[str, Any]:
    """Return a varied lead with a task. A third of the tasks is open, and a quarter of these is overdue."""
    random = Random(f"task {number}")
    state = random.choice(_TASK_STATES)
    due_in = timedelta(days=random.uniform(-10, 30) if state == "open" else random.uniform(-400, 0))
    lead = varied_lead(number)
    if state == "open":
        lead["next_follow_up_in"] = min(due_in, lead["next_follow_up_in"] or due_in)
    return lead | {"task": {"state": state, "due_in": due_in, "text": f"Call about offer {number}"}}
