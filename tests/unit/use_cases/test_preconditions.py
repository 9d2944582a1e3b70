"""Test that a precondition protects other versions of a lead from changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application import ACTOR, Application
from leads_domain.errors import VersionMismatch
from leads_domain.lead import Lead, Precondition

UseCase = Callable[[Application, Lead, Precondition], Any]


def change(app: Application, lead: Lead, precondition: Precondition) -> Lead:
    return app.database.write(app.change_lead, lead.id, {"name": "Jane Roe"}, actor=ACTOR, precondition=precondition)


def merge(app: Application, lead: Lead, precondition: Precondition) -> Lead:
    other = app.register(name="Jon Doe", email="jon@example.com").lead
    return app.database.write(
        app.merge_leads, lead.id, {"duplicate_id": other.id}, actor=ACTOR, precondition=precondition
    )


def erase(app: Application, lead: Lead, precondition: Precondition) -> None:
    app.database.write(app.erase_lead, lead.id, actor=ACTOR, precondition=precondition)


@pytest.mark.parametrize("use_case", [change, merge, erase])
def test_another_version_is_not_changed(app: Application, use_case: UseCase) -> None:
    lead = app.register().lead
    newer = app.change(lead, source="fair")

    with pytest.raises(VersionMismatch) as caught:
        use_case(app, lead, lambda version: version == lead.version)

    assert caught.value.version == newer.version == 2
    assert app.lead(lead) == newer


def test_the_expected_version_is_changed(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(timedelta(hours=1))
    changed = change(app, lead, lambda version: version == lead.version)
    assert changed == replace(lead, name="Jane Roe", version=2, updated_at=now)
