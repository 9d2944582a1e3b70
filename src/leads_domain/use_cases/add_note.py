"""Add a note to a lead's timeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from leads_domain.checking import check_fields, check_text, missing_fields
from leads_domain.events import Event, EventType, TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.use_cases.add_events import add_events

NOTE_MAX = 10_000


class NoteInput(TypedDict, total=False):
    """A note as a client sends it."""

    text: str


def check_note(values: NoteInput) -> NoteInput:
    """Return the validated note; raises `ValidationFailed`."""
    return check_fields(values, _RULES, None, *missing_fields(values, "text"))


@dataclass(frozen=True, slots=True)
class AddNote:
    """Add a note to the timeline of a lead. The version of the lead stays, because a note is not one of its fields."""

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: LeadId, values: NoteInput, *, actor: str) -> TimelineEntry:
        """Return the stored note; raises `ValidationFailed` or `NotFound`."""
        note = check_note(values)
        work.leads.get_for_update(id)  # lock it against a merge or an erasure before the commit
        event = Event(EventType.LEAD_NOTE_ADDED, {"text": note["text"]})
        [entry] = add_events(work, id, [event], now=self.clock.now(), actor=actor, ids=self.ids)
        return entry


_RULES: Mapping[str, Callable[[Any, None], object]] = {"text": lambda text, _: check_text(text, max_length=NOTE_MAX)}
