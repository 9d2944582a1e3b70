"""Test messages that arrive at the same time, in two processes that share a database."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from application import Application
from builders import a_mail
from leads_domain.paging import SubmissionQuery
from leads_domain.use_cases.receive_mail import ReceivedMail

ROUNDS = 5
WRITERS = 6


@pytest.mark.parametrize("changes", [{}, {"message_id": "1@provider.example"}, {"text": "With a footer."}])
def test_a_message_that_two_processes_store_at_once_is_stored_once(
    apps: list[Application], changes: dict[str, Any]
) -> None:
    async def receive_at_once(round: int) -> list[ReceivedMail]:
        original = a_mail(message_id=f"{round}@mail.example", subject=f"{round}")
        mails = [original, replace(original, **changes)]
        writes = (
            apps[number % 2].database.database.write(apps[number % 2].receive_message, "sales", mails[number % 2])
            for number in range(WRITERS)
        )
        return await asyncio.gather(*writes)

    for round in range(ROUNDS):
        results = apps[0].database.run(receive_at_once(round))
        assert Counter(each.is_repeated for each in results) == {False: 1, True: WRITERS - 1}
        assert len({each.submission.id for each in results}) == 1
    assert apps[0].database.read(lambda work: work.submissions.count(SubmissionQuery())) == ROUNDS
