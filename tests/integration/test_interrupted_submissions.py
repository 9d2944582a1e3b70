"""Test that processes that share a database process each interrupted submission once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL

from application import make_process_submission
from databases import database_url
from fakes import CountingIds, FixedClock
from leads_adapters.database import Database
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_app.factories import make_database, make_engine
from leads_app.submission_processor import SubmissionProcessor
from leads_domain.events import EventType
from leads_domain.intake import Intake
from leads_domain.paging import LeadQuery, SubmissionQuery
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules
from leads_domain.submission import SubmissionState
from leads_domain.use_cases.receive_submission import ReceiveSubmission
from leads_domain.use_cases.register_lead import RegisterLead

PROCESSES = 3
SUBMISSIONS = 40
PEOPLE = 10


def enquiries(work: UnitOfWork) -> list[int]:
    """Return the number of enquiries of each lead."""
    return [
        sum(
            entry.type is EventType.LEAD_ENQUIRED
            for entry in work.timeline.of_lead(lead.id, before=None, limit=200).items
        )
        for lead in work.leads.page(LeadQuery()).items
    ]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_each_interrupted_submission_becomes_one_enquiry(store: str, tmp_path: Path) -> None:
    clock, ids, normalizer = FixedClock(), CountingIds(), SimpleNormalizer()
    register = RegisterLead(clock, ids, normalizer, DEFAULT_PIPELINE, FollowUpRules(ids, "log", ()))
    process = make_process_submission(register, Intake(normalizer, {}))

    async def process_everywhere(databases: list[Database]) -> None:
        first = databases[0]
        for number in range(SUBMISSIONS):
            content = {"email": f"{number % PEOPLE}@example.com", "message": f"Message {number}"}
            await first.write(ReceiveSubmission(clock, ids), origin="form:contact", content=content)
        processors = [SubmissionProcessor(each, clock, process, timedelta(days=90)) for each in databases]
        await asyncio.gather(*(each.run_once() for each in processors))
        assert await first.read(enquiries) == [SUBMISSIONS // PEOPLE] * PEOPLE
        accepted = SubmissionQuery(states=(SubmissionState.ACCEPTED,))
        assert await first.read(lambda work: work.submissions.count(accepted)) == SUBMISSIONS
        for each in databases:
            await each.close()

    async def run(url: URL) -> None:
        await process_everywhere([make_database(make_engine(url)) for _ in range(PROCESSES)])

    with database_url(store, tmp_path) as url:
        assert url is not None
        asyncio.run(run(url))
