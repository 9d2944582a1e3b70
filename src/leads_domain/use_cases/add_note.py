"""Add a note to a lead's timeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from leads_domain.checking import check_fields, check_text, missing
from leads_domain.events import Event, EventType, TimelineEntry, make_entries
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource

NOTE_MAX = 10_000


class NoteInput(TypedDict, total=False):
    """A note as a client gives it."""

    text: str


def check_note(given: NoteInput) -> NoteInput:
    """Return the note as it would be stored; raises `ValidationFailed`."""
    return cast(NoteInput, check_fields(given, _RULES, None, *missing(given, "text")))


@dataclass(frozen=True, slots=True)
class AddNote:
    """Add a note to the timeline. The lead's version stays, because a note is not one of its members."""

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, id: LeadId, given: NoteInput, *, actor: str) -> TimelineEntry:
        """Return the note as it is stored; raises `ValidationFailed` or `NotFound`."""
        note = check_note(given)
        work.leads.get_for_update(id)  # a lock: the lead must not be merged or erased before the note is stored
        event = Event(EventType.LEAD_NOTE_ADDED, {"text": note["text"]})
        [entry] = make_entries(id, [event], at=self.clock.now(), actor=actor, ids=self.ids)
        work.timeline.add([entry])
        return entry


_RULES: Mapping[str, Callable[[Any, None], object]] = {"text": lambda text, _: check_text(text, max_length=NOTE_MAX)}
