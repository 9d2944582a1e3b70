"""What is done with a lead as the record of a person: notes, merges, its export and its erasure."""

from dataclasses import dataclass
from typing import cast

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer, etag, json_answer, no_content
from leads_adapters.http.decoding import Body
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.schemas import NewMerge, NewNote
from leads_adapters.http.views import (
    LeadView,
    PersonalDataView,
    TimelineEntryView,
    lead_view,
    personal_data_view,
    timeline_entry_view,
)
from leads_domain.access import Permission
from leads_domain.events import TimelineEntry
from leads_domain.lead import Lead, LeadId
from leads_domain.use_cases.add_note import AddNote, NoteInput, check_note
from leads_domain.use_cases.erase_lead import EraseLead
from leads_domain.use_cases.export_lead import export_lead
from leads_domain.use_cases.merge_leads import MergeInput, MergeLeads, check_merge


@dataclass(frozen=True, slots=True)
class CareRoutes:
    """Writes down what to know about a person, makes one record of two, hands it out, and erases it."""

    database: Database
    add_note: AddNote
    merge_leads: MergeLeads
    erase_lead: EraseLead

    @operation(
        method="POST",
        path="/leads/{id:str}/notes",
        tag="Leads",
        permission=Permission.CHANGE,
        body=Body(NewNote),
        replies={201: Reply(means="The note on the timeline.", schema=TimelineEntryView, headers=("Location",))},
        problems=("not-found",),
    )
    async def note(self, call: Call) -> Answer:
        """Create a note on the timeline of a lead.

        The lead itself does not change: its version stays.
        """
        id = LeadId(call.id("lead"))
        note = cast(NoteInput, await call.body(check_note))
        return await call.write(self.database, _noted, self.add_note, id, note, actor=call.principal.name)

    @operation(
        method="POST",
        path="/leads/{id:str}/merge",
        tag="Leads",
        permission=Permission.CHANGE,
        body=Body(NewMerge),
        conditional=True,
        replies={200: Reply(means="The lead that survives.", schema=LeadView, headers=("ETag",))},
        problems=("not-found",),
    )
    async def merge(self, call: Call) -> Answer:
        """Merge a duplicate into a lead.

        The members of this lead win; a phone number, a source, an owner and attributes that it does not have are
        taken from the duplicate. Timeline and follow-ups move over; everything that the duplicate was is told on the
        timeline. Its id answers 301 from then on. Merged already, it changes nothing.
        """
        id = LeadId(call.id("lead"))
        given = cast(MergeInput, await call.body(check_merge))
        precondition = call.condition().permits
        return await call.write(
            self.database,
            _merged,
            self.merge_leads,
            id,
            given,
            actor=call.principal.name,
            precondition=precondition,
        )

    @operation(
        method="GET",
        path="/leads/{id:str}/export",
        tag="Leads",
        permission=Permission.ADMINISTER,
        replies={200: Reply(means="Everything that is kept about the person.", schema=PersonalDataView)},
        problems=("not-found",),
    )
    async def export(self, call: Call) -> Answer:
        """Export a lead.

        Everything that is stored about the person, in one document.
        """
        return json_answer(personal_data_view(await self.database.read_long(export_lead, LeadId(call.id("lead")))))

    @operation(
        method="DELETE",
        path="/leads/{id:str}",
        tag="Leads",
        permission=Permission.ADMINISTER,
        conditional=True,
        replies={204: Reply(means="Nothing is kept about the person any more.")},
        problems=("not-found",),
    )
    async def erase(self, call: Call) -> Answer:
        """Delete a lead, with its timeline and follow-ups.

        Its e-mail address can be used again. The timeline of its id still tells that it was erased.
        """
        id = LeadId(call.id("lead"))
        precondition = call.condition().permits
        await self.database.write(self.erase_lead, id, actor=call.principal.name, precondition=precondition)
        return no_content()


def _noted(entry: TimelineEntry) -> Answer:
    location = (b"location", f"/leads/{entry.lead_id}/timeline".encode())
    return json_answer(timeline_entry_view(entry), status=201, headers=(location,), lead_id=LeadId(entry.lead_id))


def _merged(lead: Lead) -> Answer:
    return json_answer(lead_view(lead), headers=(etag(lead.version),), lead_id=lead.id)
