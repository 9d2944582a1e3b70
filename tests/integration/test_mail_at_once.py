"""Test messages that arrive at the same time, in two processes that share a database."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from application import Application
from builders import NOON, a_follow_up, a_mail
from leads_domain.delivery import Claimed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.paging import SubmissionQuery
from leads_domain.submission import Processed, SubmissionId
from leads_domain.use_cases.receive_mail import ReceivedMail

ROUNDS = 5
WRITERS = 6


@pytest.mark.parametrize("changed", [None, "message_id", "text"])
def test_a_message_that_two_processes_store_at_once_is_stored_once(
    apps: list[Application], changed: str | None
) -> None:
    async def receive_at_once(round: int) -> list[ReceivedMail]:
        original = a_mail(message_id=f"{round}@mail.example", subject=f"{round}")
        changes: dict[str, Any] = {changed: f"{round}, changed by a server"} if changed else {}
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


def test_a_reply_and_the_dispatcher_at_once_leave_nothing_to_send(apps: list[Application]) -> None:
    """Process a reply in two processes, while one of them claims: before the reply, or never."""
    first, second = apps
    for round in range(ROUNDS):
        lead = first.register(email=f"{round}@example.com").lead
        sent = a_follow_up(
            id=first.ids.new(), lead_id=lead.id, state=FollowUpState.SENT, sent_at=NOON, next_attempt_at=None
        )
        due = a_follow_up(id=first.ids.new(), lead_id=lead.id, due_at=NOON, by_rule=True)
        for each in (sent, due):
            first.database.write(lambda work, each=each: work.follow_ups.add(each))  # type: ignore[misc]
        reply = a_mail(message_id=f"{round}", subject=f"{round}", references=(f"{sent.id}@example.net",))
        id = first.receive_mail(reply).submission.id

        async def all_at_once(id: SubmissionId = id) -> tuple[Sequence[Claimed[FollowUp]], Processed, Processed]:
            return await asyncio.gather(
                first.database.database.write(first.claim_due, owner="one", limits={"log": 10}),
                first.database.database.write(first.process_submission, id),
                second.database.database.write(second.process_submission, id),
            )

        claimed, *processed = first.database.run(all_at_once())
        outcomes = [each.outcome for each in processed]
        assert sorted(map(str, outcomes)) == ["None", "reply"]
        assert [first.record(each) for each in claimed] in ([], [False])
        assert first.follow_up(due).state is FollowUpState.CANCELLED
        assert first.event_types(lead)[1:] == ["lead.replied", "follow_up.cancelled"]
