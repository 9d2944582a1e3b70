"""Compose the digest of one colleague."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, takewhile
from typing import NamedTuple

from leads_domain.digest_schedule import DigestSchedule, end_of_day
from leads_domain.lead import LeadId
from leads_domain.notices import one_line, shorten, subject_of
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.find_agenda import RECENTLY, Agenda, find_agenda

LIST_MAX = 3_000
"""The maximum number of characters of each of the three lists, so that a digest has less than 10,000."""

ENTRIES_MAX = 50
ERROR_MAX = 160


class _Entry(NamedTuple):
    at: datetime
    lead_id: LeadId
    text: str
    error: str = ""


class _List(NamedTuple):
    """The first entries of a list, and the number of all entries."""

    title: str
    total: int
    entries: Sequence[_Entry]


@dataclass(frozen=True, slots=True)
class ComposeDigest:
    """Compose a text with the tasks of a colleague that are overdue or due today, and with failed follow-ups."""

    schedule: DigestSchedule
    public_url: str | None

    def __call__(self, work: UnitOfWork, key: str, now: datetime) -> tuple[str, str] | None:
        """Return subject and message for the colleague with this e-mail key; None if there is nothing to tell."""
        until = end_of_day(now, self.schedule.zone)
        agenda = find_agenda(work, key, now=now, end_of_day=until, limit=ENTRIES_MAX)
        if agenda.is_empty:
            return None
        names = {lead.id: lead.name for lead in agenda.leads.values()}
        blocks = ["\n".join(self._lines(each, names)) for each in _lists(agenda) if each.total]
        return _subject(agenda), "\n\n".join([*blocks, self._footer()])

    def _lines(self, found: _List, names: dict[LeadId, str]) -> list[str]:
        """Return the title and the entries, up to `LIST_MAX` characters."""
        # A lead may have been merged or erased after the entries were read.
        entries = [self._entry(each, names[each.lead_id]) for each in found.entries if each.lead_id in names]
        sizes = accumulate(len(entry) + 1 for entry in entries)
        shown = sum(1 for _ in takewhile(lambda size: size <= LIST_MAX, sizes))
        more = [f"and {found.total - shown} more"] if shown < found.total else []
        return [f"{found.title} ({found.total}):", *entries[:shown], *more]

    def _entry(self, entry: _Entry, name: str) -> str:
        at = entry.at.astimezone(self.schedule.zone)
        lines = [f"- {at:%Y-%m-%d %H:%M} {subject_of(entry.text, name)}"]
        if error := one_line(entry.error):
            lines.append(f"  {shorten(error, ERROR_MAX)}")
        if self.public_url:
            lines.append(f"  {self.public_url}/leads/{entry.lead_id}")
        return "\n".join(lines)

    def _footer(self) -> str:
        return f"All times are in {self.schedule.zone.key}."


def _lists(agenda: Agenda) -> Iterator[_List]:
    """Yield the lists of an agenda. The time of a failed follow-up is that of the failure."""
    for title, tasks in (("Overdue", agenda.overdue), ("Due today", agenda.due_today)):
        entries = [_Entry(task.due_at, task.lead_id, task.text) for task in tasks.items]
        yield _List(title, tasks.total, entries)
    entries = [
        _Entry(each.updated_at, each.lead_id, each.message, each.last_error or "") for each in agenda.failed.items
    ]
    yield _List(f"Follow-ups that failed in the last {RECENTLY.days} days", agenda.failed.total, entries)


def _subject(agenda: Agenda) -> str:
    """Return a subject such as `3 tasks overdue, 2 due today, 1 follow-up failed`."""
    overdue, today, failed = (each.total for each in (agenda.overdue, agenda.due_today, agenda.failed))
    parts = []
    if overdue:
        parts.append(f"{_number(overdue, 'task')} overdue")
    if today:
        parts.append(f"{today if overdue else _number(today, 'task')} due today")
    if failed:
        parts.append(f"{_number(failed, 'follow-up')} failed")
    return ", ".join(parts)


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
