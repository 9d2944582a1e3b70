"""A client names the version of the lead that it means; another version is left alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from desk import ACTOR, Desk
from leads_domain.errors import VersionMismatch
from leads_domain.lead import Lead, Precondition

Act = Callable[[Desk, Lead, Precondition], Any]


def change(desk: Desk, lead: Lead, precondition: Precondition) -> Lead:
    return desk.database.write(desk.change_lead, lead.id, {"name": "Jane Roe"}, actor=ACTOR, precondition=precondition)


def merge(desk: Desk, lead: Lead, precondition: Precondition) -> Lead:
    other = desk.register(name="Jon Doe", email="jon@example.com").lead
    return desk.database.write(
        desk.merge_leads, lead.id, {"duplicate_id": other.id}, actor=ACTOR, precondition=precondition
    )


def erase(desk: Desk, lead: Lead, precondition: Precondition) -> None:
    desk.database.write(desk.erase_lead, lead.id, actor=ACTOR, precondition=precondition)


@pytest.mark.parametrize("act", [change, merge, erase])
def test_another_version_is_left_as_it_is(desk: Desk, act: Act) -> None:
    lead = desk.register().lead
    newer = desk.change(lead, source="fair")

    with pytest.raises(VersionMismatch) as refusal:
        act(desk, lead, lambda version: version == lead.version)

    assert refusal.value.version == newer.version == 2
    assert desk.lead(lead) == newer


def test_the_version_that_is_meant_is_changed(desk: Desk) -> None:
    lead = desk.register().lead
    now = desk.clock.advance(timedelta(hours=1))
    changed = change(desk, lead, lambda version: version == lead.version)
    assert changed == replace(lead, name="Jane Roe", version=2, updated_at=now)
