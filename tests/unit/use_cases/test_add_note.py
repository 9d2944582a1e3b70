"""Writing down what to know about a lead."""

import pytest

from builders import NOON, a_lead, an_id
from desk import ACTOR, Desk
from leads_domain.errors import NotFound, ValidationFailed
from leads_domain.events import EventType, TimelineEntry
from leads_domain.use_cases.add_note import NOTE_MAX


def test_a_note_is_on_the_timeline(desk: Desk) -> None:
    lead = desk.register().lead
    note = desk.note(lead, "  Prefers to be called in the morning.\n")
    assert note == TimelineEntry(
        id=note.id,
        lead_id=lead.id,
        type=EventType.LEAD_NOTE_ADDED,
        at=NOON,
        actor=ACTOR,
        data={"text": "Prefers to be called in the morning."},
    )
    assert desk.timeline(lead)[0] == note


def test_a_note_does_not_change_the_lead(desk: Desk) -> None:
    lead = desk.register().lead
    desk.note(lead, "He moved.")
    assert desk.lead(lead) == lead


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "x" * (NOTE_MAX + 1)])
def test_a_note_has_some_text_and_not_too_much(desk: Desk, text: str) -> None:
    lead = desk.register().lead
    with pytest.raises(ValidationFailed) as refusal:
        desk.note(lead, text)
    assert [fault.pointer for fault in refusal.value.errors] == ["/text"]
    assert desk.story(lead) == ["lead.created"]


def test_the_longest_note_is_kept(desk: Desk) -> None:
    lead = desk.register().lead
    assert desk.note(lead, "é" * NOTE_MAX) == desk.timeline(lead)[0]


def test_nothing_can_be_written_down_about_nobody(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.note(a_lead(id=an_id(9)), "Who is it?")
