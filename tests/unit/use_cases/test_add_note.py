"""Test notes about a lead."""

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, an_id
from leads_domain.errors import NotFound, ValidationFailed
from leads_domain.events import EventType, TimelineEntry
from leads_domain.use_cases.add_note import NOTE_MAX, check_note


def test_a_note_is_on_the_timeline(app: Application) -> None:
    lead = app.register().lead
    note = app.note(lead, "  Prefers to be called in the morning.\n")
    assert note == TimelineEntry(
        id=note.id,
        lead_id=lead.id,
        type=EventType.LEAD_NOTE_ADDED,
        at=NOON,
        actor=ACTOR,
        data={"text": "Prefers to be called in the morning."},
    )
    assert app.timeline(lead)[0] == note


def test_a_note_does_not_change_the_lead(app: Application) -> None:
    lead = app.register().lead
    app.note(lead, "He moved.")
    assert app.lead(lead) == lead


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "x" * (NOTE_MAX + 1)])
def test_an_empty_or_too_long_note_is_refused(app: Application, text: str) -> None:
    lead = app.register().lead
    with pytest.raises(ValidationFailed) as caught:
        app.note(lead, text)
    assert [error.pointer for error in caught.value.errors] == ["/text"]
    assert app.event_types(lead) == ["lead.created"]


def test_the_longest_note_is_stored(app: Application) -> None:
    lead = app.register().lead
    assert app.note(lead, "é" * NOTE_MAX) == app.timeline(lead)[0]


def test_a_note_about_an_unknown_lead_is_refused(app: Application) -> None:
    with pytest.raises(NotFound):
        app.note(a_lead(id=an_id(9)), "Who is it?")


def test_a_note_needs_a_text() -> None:
    with pytest.raises(ValidationFailed, match=r"^/text: This field is required"):
        check_note({})
