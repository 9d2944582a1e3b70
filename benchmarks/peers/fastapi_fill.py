"""Fill the database of `fastapi_leads`: `python -m benchmarks.peers.fastapi_fill LEADS KEY`.

Prints the ids of the leads, and the versions of its libraries, as JSON.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from sqlalchemy import select

from benchmarks import sample
from benchmarks.peers.fastapi_leads import ApiKey, Base, Lead, SessionLocal, StatusChange, engine, key_hash

_PACKAGES = ("fastapi", "pydantic", "starlette", "uvicorn")


def fill(leads: int, key: str) -> list[int]:
    """Store this number of leads and an API key, and return the ids of the leads."""
    first = datetime.now(UTC) - timedelta(seconds=leads)
    Base.metadata.create_all(engine)
    with SessionLocal() as session:
        session.add(ApiKey(name="benchmark", hash=key_hash(key)))
        session.add_all(_lead(number, first + timedelta(seconds=number)) for number in range(leads))
        session.commit()
        return list(session.scalars(select(Lead.id)))


def _lead(number: int, at: datetime) -> Lead:
    return Lead(**sample.lead(number), created_at=at, updated_at=at, history=[StatusChange(status="new", at=at)])


if __name__ == "__main__":
    versions = {package: version(package) for package in _PACKAGES}
    print(json.dumps({"ids": fill(int(sys.argv[1]), sys.argv[2]), "versions": versions}))
