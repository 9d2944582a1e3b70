"""Call all use cases on one database with short methods: `app.register(name="Jane")`, `app.merge(lead, duplicate)`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from builders import NOON, details_input
from databases import RunningDatabase
from fakes import CountingIds, FixedClock, FixedEntropy, FixedRandomSource
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_domain.assignment import NO_ASSIGNMENT, Assignment
from leads_domain.delivery import Claimed
from leads_domain.details import ChangesInput
from leads_domain.enquiry import EnquiryInput
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp, RetryPolicy
from leads_domain.incoming_mail import DeliveryReport, IncomingMail
from leads_domain.intake import Intake, IntakePolicy
from leads_domain.lead import Lead, LeadId
from leads_domain.mailbox_policy import MailboxPolicy
from leads_domain.notifier import Address, NotificationError
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, Page, Position, TaskQuery
from leads_domain.pipeline import DEFAULT_PIPELINE, Status
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRule, FollowUpRules
from leads_domain.similarity import SimilarLead
from leads_domain.submission import Processed, Submission
from leads_domain.task import Task
from leads_domain.unsubscribing import UnsubscribeToken
from leads_domain.use_cases.accept_submission import AcceptSubmission
from leads_domain.use_cases.add_enquiry import AddEnquiry, EnquiryResult
from leads_domain.use_cases.add_note import AddNote
from leads_domain.use_cases.change_follow_up import ChangeFollowUp, FollowUpChangesInput, reschedule
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.change_task import CancelTask, ChangeTask, TaskChangesInput
from leads_domain.use_cases.complete_task import CompleteTask, Completion, CompletionInput
from leads_domain.use_cases.create_task import CreateTask, TaskInput
from leads_domain.use_cases.discard_submission import discard_submission
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome
from leads_domain.use_cases.erase_lead import EraseLead
from leads_domain.use_cases.export_lead import PersonalDataExport, export_lead
from leads_domain.use_cases.find_follow_ups import ListFollowUps
from leads_domain.use_cases.find_similar_leads import find_similar_leads, mark_distinct
from leads_domain.use_cases.find_tasks import ListTasks
from leads_domain.use_cases.import_leads import ImportLeads
from leads_domain.use_cases.manage_calendars import CreateCalendar, ReadCalendar, RevokeCalendar
from leads_domain.use_cases.manage_keys import Authenticate, CreateFirstKey, CreateKey, RevokeKey
from leads_domain.use_cases.merge_leads import MergeLeads
from leads_domain.use_cases.process_mail import ProcessMail
from leads_domain.use_cases.process_submission import ProcessSubmission
from leads_domain.use_cases.read_timeline import read_timeline
from leads_domain.use_cases.receive_mail import ReceivedMail, ReceiveMail
from leads_domain.use_cases.receive_submission import ReceiveSubmission
from leads_domain.use_cases.record_bounce import RecordBounce
from leads_domain.use_cases.record_reply import RecordReply
from leads_domain.use_cases.register_lead import OnDuplicate, Registered, RegisterLead
from leads_domain.use_cases.trigger_follow_up import FollowUpInput, TriggerFollowUp
from leads_domain.use_cases.unsubscribe import Unsubscribe
from leads_domain.use_cases.update_reminder import UpdateReminder

ACTOR = "Ann's key"
LEASE = timedelta(minutes=1)
RETRY = RetryPolicy(attempts=3, first=timedelta(minutes=1), longest=timedelta(hours=6))
CHANNELS = {"log": None, "smtp": Address.EMAIL, "sms": Address.PHONE, "webhook": None}


_LARGE = ("follow_ups", "tasks", "timeline", "submissions")
"""The parts of an export that are read page by page."""


def make_process_submission(register_lead: RegisterLead, intake: Intake) -> ProcessSubmission:
    """Return the use case that processes submissions of every origin."""
    add_enquiry, clock, ids = AddEnquiry(register_lead), register_lead.clock, register_lead.ids
    process_mail = ProcessMail(intake, add_enquiry, RecordReply(clock, ids), RecordBounce(clock, ids))
    return ProcessSubmission(intake, add_enquiry, process_mail)


class Application:
    """All use cases on one database, with a fixed clock. The default channel is `log`."""

    def __init__(
        self,
        database: RunningDatabase,
        rules: Sequence[FollowUpRule] = (),
        assignment: Assignment = NO_ASSIGNMENT,
        ids: CountingIds | None = None,
    ) -> None:
        self.database = database
        self.clock = FixedClock()
        self.ids = ids or CountingIds()
        self.random_source = FixedRandomSource()
        ids, normalizer = self.ids, SimpleNormalizer()
        follow_up_rules = FollowUpRules(ids, "log", rules)
        self.register_lead = RegisterLead(self.clock, ids, normalizer, DEFAULT_PIPELINE, follow_up_rules, assignment)
        self.change_lead = ChangeLead(self.clock, ids, normalizer, DEFAULT_PIPELINE, follow_up_rules)
        self.add_enquiry = AddEnquiry(self.register_lead)
        self.import_leads = ImportLeads(self.register_lead)
        self.trigger_follow_up = TriggerFollowUp(self.clock, ids, CHANNELS, "log")
        self.change_follow_up = ChangeFollowUp(self.clock, ids, CHANNELS)
        self.create_task_of_lead = CreateTask(self.clock, ids, normalizer, CHANNELS, "log")
        self.change_open_task = ChangeTask(self.clock, ids, normalizer, UpdateReminder(ids, "log"))
        self.cancel_open_task = CancelTask(self.clock, ids)
        self.complete_open_task = CompleteTask(self.change_lead, self.create_task_of_lead)
        self.list_tasks = ListTasks(self.clock)
        self.list_follow_ups = ListFollowUps(self.clock)
        self.claim_due = ClaimDueFollowUps(self.clock, LEASE, RETRY, CHANNELS, FixedEntropy())
        self.record_outcome = RecordOutcome(self.clock, ids, self.random_source, RETRY)
        self.add_note = AddNote(self.clock, ids)
        self.merge_leads = MergeLeads(self.clock, ids, DEFAULT_PIPELINE)
        self.erase_lead = EraseLead(self.clock, ids)
        self.unsubscribe_lead = Unsubscribe(self.clock, ids)
        self.receive_submission = ReceiveSubmission(self.clock, ids)
        self.receive_message = ReceiveMail(self.clock, ids)
        self.policies: dict[str, IntakePolicy] = {}
        self.mailboxes: dict[str, MailboxPolicy] = {}
        intake = Intake(normalizer, self.policies, self.mailboxes)
        self.process_submission = make_process_submission(self.register_lead, intake)
        self.record_bounce = RecordBounce(self.clock, ids)
        self.accept_submission = AcceptSubmission(intake, self.add_enquiry)
        self.create_key = CreateKey(self.clock, ids, FixedEntropy())
        self.create_first_key = CreateFirstKey(self.create_key)
        self.revoke_key = RevokeKey(self.clock)
        self.authenticate = Authenticate()
        self.create_calendar = CreateCalendar(self.clock, ids, FixedEntropy(), normalizer)
        self.revoke_calendar = RevokeCalendar(self.clock)
        self.read_calendar = ReadCalendar(self.clock)

    def register(self, *, on_duplicate: OnDuplicate = OnDuplicate.ERROR, **fields: Any) -> Registered:
        """Register John Doe, with `fields` in place of his fields."""
        input = details_input(**fields)
        return self.database.write(self.register_lead, input, actor=ACTOR, on_duplicate=on_duplicate)

    def enquire(self, **fields: Any) -> EnquiryResult:
        """Add an enquiry with exactly these fields."""
        return self.database.write(self.add_enquiry, cast(EnquiryInput, fields), actor=ACTOR)

    def change(self, lead: Lead, status: Status | None = None, **fields: Any) -> Lead:
        """Change a lead's fields, its status, or both."""
        input = cast(ChangesInput, {"status": status, **fields} if status else fields)
        return self.database.write(self.change_lead, lead.id, input, actor=ACTOR)

    def note(self, lead: Lead, text: str) -> TimelineEntry:
        """Add a note to a lead."""
        return self.database.write(self.add_note, lead.id, {"text": text}, actor=ACTOR)

    def merge(self, lead: Lead, duplicate: Lead) -> Lead:
        """Merge `duplicate` into `lead`."""
        return self.database.write(self.merge_leads, lead.id, {"duplicate_id": duplicate.id}, actor=ACTOR)

    def similar(self, lead: Lead) -> Sequence[SimilarLead]:
        """Return the possible duplicates of a lead."""
        return self.database.read(find_similar_leads, lead.id)

    def mark_distinct(self, lead: Lead, other: Lead) -> Lead:
        """Mark two leads as different people."""
        return self.database.write(mark_distinct, lead.id, {"lead_id": other.id})

    def unsubscribe(self, token: UnsubscribeToken) -> bool:
        """Opt out the lead with this token; return whether there is one."""
        return self.database.write(self.unsubscribe_lead, token)

    def erase(self, lead: Lead) -> None:
        """Erase a lead."""
        self.database.write(self.erase_lead, lead.id, actor=ACTOR)

    def personal_data(self, lead: Lead) -> PersonalDataExport:
        """Export the personal data of a lead, with lists in place of iterators."""

        def export(work: UnitOfWork) -> PersonalDataExport:
            data = export_lead(work, lead.id)
            lists: dict[str, Any] = {name: [*getattr(data, name)] for name in _LARGE}
            return replace(data, **lists)

        return self.database.read(export)

    def trigger(self, lead: Lead, **values: Any) -> FollowUp:
        """Create a follow-up of a lead."""
        return self.database.write(self.trigger_follow_up, lead.id, cast(FollowUpInput, values), actor=ACTOR)

    def store_task(self, task: Task) -> None:
        """Store a task of a lead."""
        self.database.write(lambda work: work.tasks.add(task))

    def reschedule(self, follow_up: FollowUp, **changes: Any) -> FollowUp:
        """Change the due time of a follow-up, its message, or both."""
        step = reschedule(cast(FollowUpChangesInput, changes))
        return self.database.write(self.change_follow_up, follow_up.id, step, actor=ACTOR)

    def cancel(self, follow_up: FollowUp) -> FollowUp:
        """Cancel a follow-up."""
        return self.database.write(self.change_follow_up, follow_up.id, FollowUp.cancel, actor=ACTOR)

    def retry(self, follow_up: FollowUp) -> FollowUp:
        """Retry a failed follow-up."""
        return self.database.write(self.change_follow_up, follow_up.id, FollowUp.retry, actor=ACTOR)

    def create_task(self, lead: Lead, **values: Any) -> Task:
        """Create a task of a lead, by default to call about the quote at noon, with a reminder."""
        input = cast(TaskInput, {"text": "Call about the quote", "due_at": NOON, "remind": True, **values})
        return self.database.write(self.create_task_of_lead, lead.id, input, actor=ACTOR)

    def change_task(self, task: Task, **changes: Any) -> Task:
        """Change an open task."""
        return self.database.write(self.change_open_task, task.id, cast(TaskChangesInput, changes), actor=ACTOR)

    def complete_task(self, task: Task, **values: Any) -> Completion:
        """Complete a task, by default because they agreed on the phone."""
        input = cast(CompletionInput, {"outcome": "They agreed.", **values})
        return self.database.write(self.complete_open_task, task.id, input, actor=ACTOR)

    def cancel_task(self, task: Task) -> Task:
        """Cancel an open task."""
        return self.database.write(self.cancel_open_task, task.id, actor=ACTOR)

    def claim(self, *channels: str, owner: str = "dispatcher 1", limit: int = 10) -> Sequence[Claimed[FollowUp]]:
        """Claim due follow-ups of these channels, at most `limit` of each; of all channels if none is given."""
        return self.database.write(self.claim_due, owner=owner, limits=dict.fromkeys(channels or CHANNELS, limit))

    def record(self, claimed: Claimed[FollowUp], error: NotificationError | None = None) -> bool:
        """Record that a claimed follow-up was sent, or its error."""
        return self.database.write(self.record_outcome, claimed.item, error)

    def receive(self, origin: str = "form:contact", **fields: Any) -> Submission:
        """Receive a submission: by default one of John Doe through the form `contact`."""
        content = fields.pop("content", {"name": "John Doe", "email": "john@example.com"})
        return self.database.write(self.receive_submission, origin=origin, content=content, **fields)

    def receive_mail(self, mail: IncomingMail, mailbox: str = "sales") -> ReceivedMail:
        """Receive a message."""
        return self.database.write(self.receive_message, mailbox, mail)

    def process(self, submission: Submission) -> Submission:
        """Process a submission."""
        return self.database.write(self.process_submission, submission.id).submission

    def process_mail(self, mail: IncomingMail, mailbox: str = "sales") -> Processed:
        """Receive and process a message."""
        received = self.receive_mail(mail, mailbox)
        return self.database.write(self.process_submission, received.submission.id)

    def bounce(self, report: DeliveryReport) -> LeadId | None:
        """Record a report of a mail server; return the id of the lead, if it is about a follow-up."""
        bounced = self.database.write(self.record_bounce, report, actor="mailbox:sales")
        return bounced.lead_id if isinstance(bounced, FollowUp) else None

    def accept(self, submission: Submission, **members: Any) -> EnquiryResult:
        """Accept a submission, with these members in place of its own."""
        return self.database.write(self.accept_submission, submission.id, cast(EnquiryInput, members), actor=ACTOR)

    def discard(self, submission: Submission) -> Submission:
        """Discard a submission."""
        return self.database.write(discard_submission, submission.id)

    def lead(self, lead: Lead) -> Lead:
        """Return the lead as stored."""
        return self.database.read(lambda work: work.leads.get(lead.id))

    def follow_up(self, follow_up: FollowUp) -> FollowUp:
        """Return the follow-up as stored."""
        return self.database.read(lambda work: work.follow_ups.get(follow_up.id))

    def task(self, task: Task) -> Task:
        """Return the task as stored."""
        return self.database.read(lambda work: work.tasks.get(task.id))

    def submission(self, submission: Submission) -> Submission:
        """Return the submission as stored."""
        return self.database.read(lambda work: work.submissions.get(submission.id))

    def follow_ups(self, lead: Lead) -> Sequence[FollowUp]:
        """Return all follow-ups of a lead, by due time."""
        return self.find_follow_ups(FollowUpQuery(lead_id=lead.id, limit=LIMIT_MAX)).items

    def find_follow_ups(self, query: FollowUpQuery, *, overdue: bool = False) -> Page[FollowUp, Position]:
        """Return a page of follow-ups."""
        return self.database.read(self.list_follow_ups, query, overdue=overdue)

    def tasks(self, lead: Lead) -> Sequence[Task]:
        """Return all tasks of a lead, by due time."""
        return self.database.read(lambda work: work.tasks.page(TaskQuery(lead_id=lead.id, limit=LIMIT_MAX))).items

    def find_tasks(self, query: TaskQuery, *, overdue: bool = False) -> Page[Task, Position]:
        """Return a page of tasks."""
        return self.database.read(self.list_tasks, query, overdue=overdue)

    def timeline(self, lead: Lead) -> Sequence[TimelineEntry]:
        """Return the timeline of a lead, newest first."""
        return self.database.read(read_timeline, lead.id, limit=LIMIT_MAX).items

    def event_types(self, lead: Lead) -> list[str]:
        """Return the types of a lead's timeline entries, oldest first."""
        return [entry.type.value for entry in reversed(self.timeline(lead))]
