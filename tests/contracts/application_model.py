"""Model the application on plain dictionaries, by the documented rules."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

TRANSITIONS = {
    "new": {"contacted", "lost"},
    "contacted": {"qualified", "converted", "lost"},
    "qualified": {"converted", "lost"},
    "lost": {"contacted"},
    "converted": set[str](),
}
OPEN_STATUSES = {"contacted", "qualified"}
CLOSED_STATUSES = {"converted", "lost"}
CHANNELS = {"log", "smtp", "sms"}
RULES: list[dict[str, Any]] = [
    {"when": "new", "after": timedelta(hours=1), "recipient": "lead", "channel": "log"},
    {"when": "new", "after": timedelta(minutes=1), "recipient": "lead", "channel": "sms"},
    {"when": "contacted", "after": timedelta(minutes=5), "recipient": "owner", "channel": "smtp"},
    {"when": "contacted", "after": timedelta(hours=1), "recipient": "lead", "channel": "smtp"},
    {"when": "lost", "after": timedelta(hours=2), "recipient": "owner", "channel": "log"},
    {"when": None, "after": timedelta(minutes=90), "recipient": "owner", "channel": "log"},
]
"""The rules; without a status, for enquiries. The message of each is "Hello {name}!"."""
TASK_RULE: dict[str, Any] = {"when": "new", "after": timedelta(minutes=2), "recipient": "owner", "channel": "smtp"}
"""A rule that makes a task with this text."""
ATTEMPTS = 3
FIRST_WAIT = timedelta(minutes=1) / 2  # the random source always returns 0.5

Record = dict[str, Any]


class ModelError(Exception):
    """An error of the model: the name of the expected error, and its values."""

    def __init__(self, *values: object) -> None:
        super().__init__(*values)
        self.values = values


class ApplicationModel:
    """Leads, follow-ups, tasks and timelines by id, and the targets of merged leads.

    The ids come from the results of a real application. `ids` has the ids of all leads, also of erased and merged ones.
    `reminded` has the tasks of reminders. Each timeline entry has a number: its index among all entries.
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]] = RULES) -> None:
        self.rules = rules
        self.reminded: dict[str, str] = {}
        self.leads: dict[str, Record] = {}
        self.follow_ups: dict[str, Record] = {}
        self.tasks: dict[str, Record] = {}
        self.timelines: dict[str, list[tuple[int, str]]] = {}
        self.merged: dict[str, str] = {}
        self.merged_identities: dict[str, str] = {}
        self.ids: list[str] = []

    def register(
        self,
        values: Mapping[str, Any],
        on_duplicate: str,
        *,
        now: datetime,
        new_id: str,
        rule_follow_up_ids: Sequence[str],
    ) -> tuple[str, str]:
        """Register a lead; return its id and the outcome. The rules create follow-ups with `rule_follow_up_ids`."""
        self.check(values)
        fields = _with_contacts(values)
        existing_id = self._lead_with_identity(_identity(fields))
        if existing_id is None:
            events = self._add(new_id, fields, now)
            self._append(new_id, *events, *self._apply_rules(new_id, "new", now, rule_follow_up_ids))
            return new_id, "created"
        if on_duplicate == "error":
            raise ModelError("DuplicateLead", existing_id)
        return existing_id, self._resolve_duplicate(existing_id, fields, on_duplicate, now, rule_follow_up_ids)

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise an error if the values of a new lead are invalid."""
        no_contact = [] if values["email"] or values["phone"] else [""]
        no_name = [] if values["name"] else ["/name"]
        if errors := no_contact + no_name:
            raise ModelError("ValidationFailed", *errors)

    def enquire(
        self, values: Mapping[str, Any], *, now: datetime, new_id: str, rule_follow_up_ids: Sequence[str]
    ) -> tuple[str, str]:
        """Add an enquiry to the lead of the person, or to a new lead; return its id and the outcome."""
        if not (values["email"] or values["phone"]):
            raise ModelError("ValidationFailed", "")
        fields = _with_contacts(values)
        id = self._lead_of_person(fields)
        if id is None:
            new_rules = [rule for rule in self.rules if rule["when"] == "new"]
            ids, rule_follow_up_ids = rule_follow_up_ids[: len(new_rules)], rule_follow_up_ids[len(new_rules) :]
            self._add(new_id, {**fields, "name": fields["name"] or _default_names(fields)[0]}, now)
            self._append(new_id, "lead.created", *self._apply_rules(new_id, "new", now, ids))
            self._append(new_id, "lead.enquired", *self._apply_rules(new_id, None, now, rule_follow_up_ids))
            return new_id, "lead_created"
        lead = self.leads[id]
        due_at, had_owner = lead["next_follow_up_at"], bool(lead["owner"])
        updated = ["lead.updated"] if self._overwrite(lead, _missing(lead, fields)) else []
        new_ids = iter(rule_follow_up_ids)
        scheduled = self._apply_rules(id, None, now, new_ids)
        assigned = [] if had_owner else self._assign_tasks(lead, now, new_ids)
        record = self._record_change if updated or lead["next_follow_up_at"] != due_at else self._append_at
        record(id, now, "lead.enquired", *updated, *scheduled, *assigned)
        return id, "enquiry_added"

    def receive_mail(
        self,
        values: Mapping[str, Any],
        answered_id: str,
        *,
        is_automatic: bool,
        now: datetime,
        new_id: str,
        rule_follow_up_ids: Sequence[str],
    ) -> tuple[str | None, str]:
        """Process a message of this person; return the id of its lead, and the outcome."""
        if is_automatic:
            return None, "ignored"
        if answered_id not in self.follow_ups:
            id, _ = self.enquire(values, now=now, new_id=new_id, rule_follow_up_ids=rule_follow_up_ids)
            return id, "enquiry"
        answered = self.follow_ups[answered_id]
        lead, sender = self.leads[answered["lead_id"]], values["email"].lower()
        is_by_colleague = answered["recipient"] != "lead" or bool(lead["owner"] and lead["owner"]["key"] == sender)
        if is_by_colleague and not (lead["email"] and lead["email"]["key"] == sender):
            return None, "ignored"
        scheduled = self._scheduled(lead["id"])
        cancelled = _cancel([each for each in scheduled if each["by_rule"] and each["recipient"] == "lead"], now)
        self._record_follow_up_change(lead["id"], now, "lead.replied", *cancelled)
        return lead["id"], "reply"

    def import_leads(
        self, rows: Sequence[Mapping[str, Any]], on_duplicate: str, *, now: datetime, new_ids: Mapping[str, str]
    ) -> list[str]:
        """Import valid rows without rules; return the outcomes. `new_ids` has the ids of the new leads by identity."""
        outcomes: dict[int, str] = {}
        fields_of_rows = list(map(_with_contacts, rows))
        order = sorted(range(len(rows)), key=lambda index: _identity(fields_of_rows[index]))
        for index in order:
            fields = fields_of_rows[index]
            if self._lead_with_identity(_identity(fields)) is None:
                id = new_ids[_identity(fields)]
                self._append(id, *self._add(id, fields, now))
                outcomes[index] = "created"
        for index in order:
            if index not in outcomes:
                existing_id = self._lead_with_identity(_identity(fields_of_rows[index])) or ""
                outcomes[index] = (
                    "DuplicateLead"
                    if on_duplicate == "error"
                    else self._resolve_duplicate(existing_id, fields_of_rows[index], on_duplicate, now)
                )
        return [outcomes[index] for index in range(len(rows))]

    def change(self, id: str, values: Mapping[str, Any], *, now: datetime, rule_follow_up_ids: Sequence[str]) -> None:
        """Change the fields of a lead, its status, or both."""
        if values.get("status", "new") not in TRANSITIONS:
            raise ModelError("ValidationFailed", "/status")
        lead = self.lead(id)
        changes = _changes(lead, values)
        self._check_change(lead, changes)
        if events := self._change(lead, changes, now, rule_follow_up_ids):
            self._record_change(id, now, *events)

    def note(self, id: str) -> None:
        """Add a note."""
        self.lead(id)
        self._append(id, "lead.note_added")

    def merge(self, id: str, duplicate_id: str, *, now: datetime, reminder_ids: Sequence[str] = ()) -> None:
        """Merge the duplicate into the lead."""
        if id == duplicate_id:
            raise ModelError("ValidationFailed", "/duplicate_id")
        lead = self.lead(id)
        if self.merged.get(duplicate_id) == id:
            return
        if duplicate_id not in self.leads:
            raise ModelError("ValidationFailed", "/duplicate_id")
        duplicate = self.leads.pop(duplicate_id)
        self.merged_identities[duplicate_id] = _identity(duplicate)
        cancelled = self._cancel_follow_ups(duplicate_id, now, is_closed=lead["status"] in CLOSED_STATUSES)
        for each in [*self.follow_ups_of(duplicate_id), *self.tasks_of(duplicate_id)]:
            each["lead_id"] = id
        self.timelines[id] = sorted(self.timelines[id] + self.timelines.pop(duplicate_id))
        self.merged = {old: id if into == duplicate_id else into for old, into in self.merged.items()}
        self.merged[duplicate_id] = id
        given_name = "" if duplicate["name"] in _default_names(duplicate) else duplicate["name"]
        filled = _missing(lead, {**duplicate, "name": given_name})
        email_bounced = (lead if lead["email"] else duplicate)["email_bounced"]
        events = ["lead.updated"] if self._overwrite(lead, filled) else []
        lead["email_bounced"] = email_bounced
        if duplicate["do_not_contact"] and not lead["do_not_contact"]:
            events.append("lead.opted_out")
        lead["do_not_contact"] = lead["do_not_contact"] or duplicate["do_not_contact"]
        cancelled += self._cancel_messages_to(lead, now) if lead["do_not_contact"] else []
        contact_times = [at for at in (lead["contacted_at"], duplicate["contacted_at"]) if at]
        lead.update(contacted_at=min(contact_times, default=None), next_follow_up_at=self._next_due(id))
        assigned = self._assign_tasks(lead, now, iter(reminder_ids))
        self._record_change(id, now, "lead.merged", *events, *cancelled, *assigned)

    def erase(self, id: str) -> None:
        """Erase a lead."""
        self.lead(id)
        del self.leads[id]
        self.follow_ups = {key: each for key, each in self.follow_ups.items() if each["lead_id"] != id}
        self.tasks = {key: each for key, each in self.tasks.items() if each["lead_id"] != id}
        self.merged = {old: into for old, into in self.merged.items() if into != id}
        self.timelines[id] = []
        self._append(id, "lead.erased")

    def event_types(self, id: str) -> list[str]:
        """Return the types of the events of a lead."""
        if not self.timelines.get(id):
            self.lead(id)
        return [event for _, event in self.timelines[id]]

    def trigger(self, lead_id: str, values: Mapping[str, Any], *, now: datetime, new_id: str) -> None:
        """Schedule a follow-up."""
        if values["channel"] not in CHANNELS:
            raise ModelError("ValidationFailed", "/channel")
        lead = self.lead(lead_id)
        if values["recipient"] == "lead" and lead["do_not_contact"]:
            raise ModelError("DoNotContact")
        if values["recipient"] == "owner" and lead["owner"] is None:
            raise ModelError("ValidationFailed", "/recipient")
        if values["channel"] == "sms" and (values["recipient"] == "owner" or lead["phone"] is None):
            raise ModelError("ValidationFailed", "/channel")
        is_unreachable = lead["email"] is None or lead["email_bounced"]
        if values["channel"] == "smtp" and values["recipient"] == "lead" and is_unreachable:
            raise ModelError("ValidationFailed", "/channel")
        self.follow_ups[new_id] = _new_follow_up(new_id, lead_id, values, now)
        self._record_follow_up_change(lead_id, now, "follow_up.scheduled")

    def reschedule(self, id: str, values: Mapping[str, Any], *, now: datetime) -> None:
        """Change the due time of a follow-up, its message, or both."""
        follow_up = self._follow_up(id, "scheduled")
        changes = {name: value for name, value in values.items() if follow_up[name] != value}
        if changes:
            if "message" in changes and follow_up["lease"] and follow_up["lease"]["until"] > now:
                raise ModelError("AttemptInProgress", "scheduled")
            follow_up.update(changes, updated_at=now)
            if "due_at" in changes:
                follow_up["next_attempt_at"] = changes["due_at"]
            self._record_follow_up_change(follow_up["lead_id"], now, "follow_up.rescheduled")

    def cancel(self, id: str, *, now: datetime) -> None:
        """Cancel a follow-up."""
        follow_up = self._follow_up(id, "scheduled")
        follow_up.update(state="cancelled", next_attempt_at=None, lease=None, updated_at=now)
        self._record_follow_up_change(follow_up["lead_id"], now, "follow_up.cancelled")

    def retry(self, id: str, *, now: datetime) -> None:
        """Retry a failed follow-up."""
        follow_up = self._follow_up(id, "failed")
        if follow_up["task_id"] and self.tasks[follow_up["task_id"]]["state"] != "open":
            raise ModelError("IllegalFollowUpState", "failed")
        lead, is_to_lead = self.leads[follow_up["lead_id"]], follow_up["recipient"] == "lead"
        if is_to_lead and lead["do_not_contact"]:
            raise ModelError("DoNotContact")
        if is_to_lead and follow_up["channel"] == "smtp" and lead["email_bounced"]:
            raise ModelError("IllegalFollowUpState", "failed")
        follow_up.update(state="scheduled", attempts=0, next_attempt_at=now, updated_at=now)
        self._record_follow_up_change(follow_up["lead_id"], now, "follow_up.rescheduled")

    def claim(self, channel: str, owner: str, limit: int, *, now: datetime, lease: timedelta) -> list[Record]:
        """Claim the due follow-ups of a channel."""
        due = [
            follow_up
            for follow_up in self.follow_ups.values()
            if follow_up["state"] == "scheduled"
            and follow_up["channel"] == channel
            and follow_up["next_attempt_at"] <= now
            and (follow_up["lease"] is None or follow_up["lease"]["until"] <= now)
        ]
        claimed = sorted(due, key=lambda follow_up: follow_up["next_attempt_at"])[:limit]
        for follow_up in claimed:
            follow_up["attempts"] += 1
            follow_up["claims"] += 1
            follow_up.update(lease={"owner": owner, "until": now + lease}, updated_at=now)
        return claimed

    def record(self, id: str, token: int, message: str, outcome: str, *, now: datetime) -> bool:
        """Record the outcome of a claimed follow-up: `sent`, `refused` or `busy`."""
        follow_up = self.follow_ups.get(id)
        if follow_up is None or follow_up["claims"] != token or follow_up["lease"] is None:
            return False
        if follow_up["message"] != message:
            return False
        follow_up.update(lease=None, updated_at=now, last_error=None if outcome == "sent" else outcome)
        events = ["follow_up.sent" if outcome == "sent" else "follow_up.attempt_failed"]
        if outcome == "sent":
            follow_up.update(state="sent", sent_at=now, next_attempt_at=None)
        elif outcome == "refused" or follow_up["attempts"] >= ATTEMPTS:
            follow_up.update(state="failed", next_attempt_at=None)
            events.append("follow_up.failed")
        else:
            wait = FIRST_WAIT * 2 ** (follow_up["attempts"] - 1)
            follow_up["next_attempt_at"] = max(now + wait, follow_up["due_at"])
        self._record_follow_up_change(follow_up["lead_id"], now, *events)
        return True

    def bounce(self, id: str, *, is_permanent: bool, now: datetime) -> str | None:
        """Record that a mail server has returned a message, for good or not; return its lead."""
        if id not in self.follow_ups:
            return None
        follow_up = self.follow_ups[id]
        lead = self.leads[follow_up["lead_id"]]
        is_about_lead = is_permanent and follow_up["recipient"] == "lead" and lead["email"]
        if follow_up["state"] == "cancelled" and follow_up["attempts"] and is_about_lead:
            lead["email_bounced"] = True
        if follow_up["state"] == "sent" or (follow_up["state"] == "scheduled" and follow_up["attempts"]):
            error = "A mail server returned the message, without a code that says why."
            follow_up.update(state="failed", sent_at=None, next_attempt_at=None, lease=None, updated_at=now)
            follow_up["last_error"] = error
            if is_about_lead:
                lead["email_bounced"] = True
            self._record_follow_up_change(lead["id"], now, "follow_up.bounced")
        return str(lead["id"])

    def create_task(
        self, lead_id: str, values: Mapping[str, Any], *, now: datetime, new_id: str, reminder_ids: Sequence[str]
    ) -> None:
        """Create a task, with a reminder if there is an id for it."""
        if not values["text"]:
            raise ModelError("ValidationFailed", "/text")
        lead = self.lead(lead_id)
        if not (values["assignee"] or lead["owner"]):
            raise ModelError("ValidationFailed", "/assignee")
        events = self._add_task(new_id, lead, values, lead["owner"], now, reminder_ids)
        self._record_follow_up_change(lead_id, now, *events)

    def change_task(self, id: str, values: Mapping[str, Any], *, now: datetime, reminder_ids: Sequence[str]) -> None:
        """Change an open task, and move or replace its reminder."""
        if values.get("text") == "":
            raise ModelError("ValidationFailed", "/text")
        task = self._open_task(id)
        stored = {**values, "assignee": _address(values["assignee"])} if "assignee" in values else values
        changes = {name: value for name, value in stored.items() if task[name] != value}
        if changes:
            is_later = changes.get("due_at", task["due_at"]) > task["due_at"]
            task.update(changes, version=task["version"] + 1, updated_at=now)
            events = self._update_reminders(task, changes.keys(), is_later, now, reminder_ids)
            self._record_follow_up_change(task["lead_id"], now, "task.changed", *events)

    def cancel_task(self, id: str, *, now: datetime) -> None:
        """Cancel a task."""
        task = self._open_task(id)
        task.update(state="cancelled", version=task["version"] + 1, updated_at=now)
        self._record_follow_up_change(task["lead_id"], now, "task.cancelled", *self._cancel_reminders(task, now))

    def complete_task(
        self, id: str, values: Mapping[str, Any], *, now: datetime, next_id: str, follow_up_ids: Sequence[str]
    ) -> None:
        """Complete a task, with a change of the lead and a next task. The rules use the first ids."""
        _check_completion(values)
        task = self._open_task(id)
        lead, next = self.leads[task["lead_id"]], values["next"]
        changes = _changes(lead, {name: values[name] for name in ("status", "status_reason") if values[name]})
        self._check_change(lead, changes)
        if next and not (next["assignee"] or task["assignee"] or lead["owner"]):
            raise ModelError("ValidationFailed", "/next/assignee")
        before = json.dumps(lead, default=str)
        task.update(state="done", outcome=values["outcome"], done_at=now, version=task["version"] + 1, updated_at=now)
        events = ["task.done", *self._cancel_reminders(task, now)]
        rules = [rule for rule in self.rules if rule["when"] == changes["status"] != lead["status"]]
        events += self._change(lead, changes, now, follow_up_ids[: len(rules)])
        if next:
            events += self._add_task(next_id, lead, next, task["assignee"], now, follow_up_ids[len(rules) :])
        lead["next_follow_up_at"] = self._next_due(lead["id"])
        record = self._append_at if json.dumps(lead, default=str) == before else self._record_change
        record(lead["id"], now, *events)

    def tasks_of(self, lead_id: str) -> list[Record]:
        """Return all tasks of a lead."""
        return [each for each in self.find_tasks() if each["lead_id"] == lead_id]

    def find_tasks(
        self, states: Sequence[str] = (), assignee_key: str | None = None, overdue_at: datetime | None = None
    ) -> list[Record]:
        """Return the tasks that match all filters."""
        found = [
            each
            for each in self.tasks.values()
            if (not states or each["state"] in states)
            and (assignee_key is None or (each["assignee"] or {}).get("key") == assignee_key)
            and (overdue_at is None or (each["state"] == "open" and each["due_at"] < overdue_at))
        ]
        return sorted(found, key=lambda task: (task["due_at"], task["id"]))

    def find_leads(self, statuses: Sequence[str], *, newest_first: bool) -> list[Record]:
        """Return the leads with any of these statuses, or all leads."""
        found = [lead for lead in self.leads.values() if not statuses or lead["status"] in statuses]
        return sorted(found, key=lambda lead: (lead["created_at"], lead["id"]), reverse=newest_first)

    def follow_ups_of(self, lead_id: str) -> list[Record]:
        """Return all follow-ups of a lead."""
        found = [follow_up for follow_up in self.follow_ups.values() if follow_up["lead_id"] == lead_id]
        return sorted(found, key=lambda follow_up: (follow_up["due_at"], follow_up["id"]))

    def find_follow_ups(
        self, states: Sequence[str], channel: str | None, due_before: datetime | None, *, overdue: bool, now: datetime
    ) -> list[Record]:
        """Return the follow-ups that match all filters."""
        found = [
            each
            for each in self.follow_ups.values()
            if (not states or each["state"] in states)
            and channel in (None, each["channel"])
            and (due_before is None or each["due_at"] < due_before)
            and (not overdue or (each["state"] == "scheduled" and each["due_at"] < now))
        ]
        return sorted(found, key=lambda follow_up: (follow_up["due_at"], follow_up["id"]))

    def next_attempts(self, now: datetime) -> dict[str, datetime]:
        """Return the time of the next attempt of each channel, without follow-ups that have an active lease."""
        free = [
            (each["channel"], each["next_attempt_at"])
            for each in self.follow_ups.values()
            if each["state"] == "scheduled" and (each["lease"] is None or each["lease"]["until"] <= now)
        ]
        return {channel: min(at for other, at in free if other == channel) for channel, _ in free}

    def _check_change(self, lead: Record, changes: Record) -> None:
        status = changes["status"]
        if status not in TRANSITIONS[lead["status"]] | {lead["status"]}:
            raise ModelError("IllegalTransition", lead["status"], status)
        if status == "lost" and changes.get("status_reason", lead["status_reason"]) is None:
            raise ModelError("ValidationFailed", "/status_reason")
        if changes["email"] is None and changes["phone"] is None:
            raise ModelError("ValidationFailed", "")
        existing_id = self._lead_with_identity(_identity(changes))
        if existing_id not in (None, lead["id"]):
            raise ModelError("DuplicateLead", existing_id)

    def _change(self, lead: Record, changes: Record, now: datetime, rule_follow_up_ids: Sequence[str]) -> list[str]:
        is_transition = changes["status"] != lead["status"]
        events = ["lead.status_changed"] if is_transition else []
        if is_transition:
            lead["status"], lead["status_reason"] = changes["status"], changes.pop("status_reason")
            if lead["status"] in OPEN_STATUSES and lead["contacted_at"] is None:
                lead["contacted_at"] = now
        had_owner, ids = bool(lead["owner"]), iter(rule_follow_up_ids)
        do_not_contact = changes.pop("do_not_contact", None)
        if self._overwrite(lead, changes):
            events.append("lead.updated")
        if do_not_contact is False and lead["do_not_contact"]:
            lead["do_not_contact"] = False
            events.append("lead.opted_in")
        events += self._opt_out(lead, now) if do_not_contact else []
        if not had_owner:
            events += self._assign_tasks(lead, now, ids)
        if is_transition:
            events += self._cancel_follow_ups(lead["id"], now, is_closed=lead["status"] in CLOSED_STATUSES)
            events += self._apply_rules(lead["id"], lead["status"], now, ids)
        return events

    def _cancel_follow_ups(self, lead_id: str, now: datetime, *, is_closed: bool) -> list[str]:
        """Cancel the follow-ups of a status, of a closed lead all of them, except the reminders of tasks."""
        return _cancel(
            [each for each in self._scheduled(lead_id) if not each["task_id"] and (is_closed or each["rule_status"])],
            now,
        )

    def _opt_out(self, lead: Record, now: datetime) -> list[str]:
        if lead["do_not_contact"]:
            return []
        lead["do_not_contact"] = True
        cancelled = self._cancel_messages_to(lead, now)
        lead["next_follow_up_at"] = self._next_due(lead["id"])
        return ["lead.opted_out", *cancelled]

    def _cancel_messages_to(self, lead: Record, now: datetime) -> list[str]:
        scheduled = self._scheduled(lead["id"])
        return _cancel([each for each in scheduled if each["recipient"] == "lead" and not each["task_id"]], now)

    def _reminders(self, task: Record) -> list[Record]:
        return [each for each in self._scheduled(task["lead_id"]) if each["task_id"] == task["id"]]

    def _cancel_reminders(self, task: Record, now: datetime) -> list[str]:
        return _cancel(self._reminders(task), now)

    def _update_reminders(
        self, task: Record, changed: Collection[str], is_later: bool, now: datetime, ids: Sequence[str]
    ) -> list[str]:
        reminders = self._reminders(task)
        if not task["remind"] or not (reminders or is_later or "assignee" in changed):
            return []
        if reminders and changed == {"due_at"} and not any(each["attempts"] for each in reminders):
            moved = [each for each in reminders if each["due_at"] != task["due_at"]]
            for each in moved:
                each.update(due_at=task["due_at"], next_attempt_at=task["due_at"], updated_at=now)
            return ["follow_up.rescheduled"] * len(moved)
        channel = next((each["channel"] for each in self.follow_ups.values() if each["task_id"] == task["id"]), "log")
        return [*self._cancel_reminders(task, now), *self._remind(task, now, ids, channel)]

    def _assign_tasks(self, lead: Record, now: datetime, ids: Iterator[str]) -> list[str]:
        """Assign the open tasks without an assignee to the owner, and replace their reminders that were not sent."""
        events: list[str] = []
        for task in self.tasks_of(lead["id"]) if lead["owner"] else ():
            if task["state"] == "open" and task["assignee"] is None:
                task.update(assignee=lead["owner"], version=task["version"] + 1, updated_at=now)
                events.append("task.changed")
                unsent = [
                    each
                    for each in self.follow_ups_of(lead["id"])
                    if each["task_id"] == task["id"] and each["state"] in ("scheduled", "failed")
                ]
                if unsent:
                    events += self._cancel_reminders(task, now)
                    events += self._remind(task, now, [next(ids)], unsent[0]["channel"])
        lead["next_follow_up_at"] = self._next_due(lead["id"])
        return events

    def _add_task(
        self, id: str, lead: Record, values: Mapping[str, Any], default: Record, now: datetime, ids: Sequence[str]
    ) -> list[str]:
        assignee = _address(values["assignee"]) or default or lead["owner"]
        self.tasks[id] = _new_task(id, lead["id"], {**values, "assignee": assignee}, now)
        return ["task.created", *(self._remind(self.tasks[id], now, ids) if values["remind"] else [])]

    def _remind(self, task: Record, now: datetime, ids: Sequence[str], channel: str = "log") -> list[str]:
        [id] = ids
        name = self.leads[task["lead_id"]]["name"]
        message = task["text"] if name in task["text"] else f"{name}: {task['text']}"
        recipient = task["assignee"]["address"] if task["assignee"] else "owner"
        values = {"recipient": recipient, "channel": channel, "message": message}
        follow_up = _new_follow_up(id, task["lead_id"], {**values, "due_at": task["due_at"]}, now)
        self.follow_ups[id] = {**follow_up, "task_id": task["id"]}
        return ["follow_up.scheduled"]

    def _open_task(self, id: str) -> Record:
        if id not in self.tasks:
            raise ModelError("NotFound", "task", id)
        if self.tasks[id]["state"] != "open":
            raise ModelError("IllegalTaskState", self.tasks[id]["state"])
        return self.tasks[id]

    def _apply_rules(self, lead_id: str, when: str | None, now: datetime, ids: Iterable[str]) -> list[str]:
        """Apply the rules of a status or of enquiries, even without an address."""
        lead = self.leads[lead_id]
        rules = [
            rule
            for rule in self.rules
            if rule["when"] == when and not (lead["do_not_contact"] and rule["recipient"] == "lead")
        ]
        events = [event for rule, id in zip(rules, ids, strict=False) for event in self._apply(rule, lead, now, id)]
        lead["next_follow_up_at"] = self._next_due(lead["id"])
        return events

    def _apply(self, rule: Mapping[str, Any], lead: Record, now: datetime, id: str) -> list[str]:
        """Schedule the follow-up of a rule, or make its task with the follow-up as the reminder."""
        text, due_at = f"Hello {lead['name']}!", now + rule["after"]
        if rule is TASK_RULE:
            task = {"text": text, "due_at": due_at, "assignee": lead["owner"], "remind": True}
            task_id = self.reminded[id]
            self.tasks[task_id] = _new_task(task_id, lead["id"], task, now)
            return ["task.created", *self._remind(self.tasks[task_id], now, [id], rule["channel"])]
        values = {"recipient": rule["recipient"], "channel": rule["channel"], "message": text, "due_at": due_at}
        self.follow_ups[id] = {
            **_new_follow_up(id, lead["id"], values, now),
            "rule_status": rule["when"],
            "by_rule": True,
        }
        return ["follow_up.scheduled"]

    def _follow_up(self, id: str, state: str) -> Record:
        if id not in self.follow_ups:
            raise ModelError("NotFound", "follow-up", id)
        follow_up = self.follow_ups[id]
        if follow_up["state"] != state:
            raise ModelError("IllegalFollowUpState", follow_up["state"])
        return follow_up

    def lead(self, id: str) -> Record:
        """Return a lead."""
        if id in self.merged:
            raise ModelError("Merged", id, self.merged[id])
        if id not in self.leads:
            raise ModelError("NotFound", "lead", id)
        return self.leads[id]

    def _lead_with_identity(self, identity: str) -> str | None:
        return next((id for id, lead in self.leads.items() if _identity(lead) == identity), None)

    def _lead_of_person(self, fields: Mapping[str, Any]) -> str | None:
        """Return the lead with this identity, else the target of a merged one."""
        identity = _identity(fields)
        merged = [id for id in self.merged if self.merged_identities[id] == identity]
        return self._lead_with_identity(identity) or (self.merged[max(merged)] if merged else None)

    def _add(self, id: str, fields: Mapping[str, Any], now: datetime) -> list[str]:
        self.leads[id] = _new_lead(id, fields, now)
        self.timelines[id] = []
        self.ids.append(id)
        return ["lead.created", *["lead.opted_out"] * self.leads[id]["do_not_contact"]]

    def _resolve_duplicate(
        self, id: str, fields: Mapping[str, Any], on_duplicate: str, now: datetime, reminder_ids: Sequence[str] = ()
    ) -> str:
        lead, had_owner = self.leads[id], bool(self.leads[id]["owner"])
        if on_duplicate == "return":
            return "unchanged"
        values = {name: value for name, value in fields.items() if name != "do_not_contact"}
        events = ["lead.updated"] if self._overwrite(lead, values) else []
        events += self._opt_out(lead, now) if fields.get("do_not_contact") else []
        if not events:
            return "unchanged"
        events += [] if had_owner else self._assign_tasks(lead, now, iter(reminder_ids))
        self._record_change(id, now, *events)
        return "updated"

    def _overwrite(self, lead: Record, fields: Mapping[str, Any]) -> bool:
        before = json.dumps(lead, default=str, sort_keys=True)
        key = (lead["email"] or {}).get("key")
        lead.update(fields)
        if (lead["email"] or {}).get("key") != key:
            lead["email_bounced"] = False
        return json.dumps(lead, default=str, sort_keys=True) != before

    def _scheduled(self, lead_id: str) -> list[Record]:
        return [each for each in self.follow_ups_of(lead_id) if each["state"] == "scheduled"]

    def _next_due(self, lead_id: str) -> datetime | None:
        open_tasks = [each for each in self.tasks_of(lead_id) if each["state"] == "open"]
        return min((each["due_at"] for each in self._scheduled(lead_id) + open_tasks), default=None)

    def _append(self, lead_id: str, *events: str) -> None:
        last = max((at for timeline in self.timelines.values() for at, _ in timeline), default=0)
        self.timelines[lead_id] += enumerate(events, last + 1)

    def _append_at(self, lead_id: str, _: datetime, *events: str) -> None:
        self._append(lead_id, *events)

    def _record_change(self, lead_id: str, now: datetime, *events: str) -> None:
        self._append(lead_id, *events)
        self.leads[lead_id]["version"] += 1
        self.leads[lead_id]["updated_at"] = now

    def _record_follow_up_change(self, lead_id: str, now: datetime, *events: str) -> None:
        """Record events. The lead gets a new version only if its next due time changes."""
        due_at = self._next_due(lead_id)
        if due_at == self.leads[lead_id]["next_follow_up_at"]:
            self._append(lead_id, *events)
        else:
            self.leads[lead_id]["next_follow_up_at"] = due_at
            self._record_change(lead_id, now, *events)


def _cancel(follow_ups: Sequence[Record], now: datetime) -> list[str]:
    for follow_up in follow_ups:
        follow_up.update(state="cancelled", next_attempt_at=None, lease=None, updated_at=now)
    return ["follow_up.cancelled"] * len(follow_ups)


def _check_completion(values: Mapping[str, Any]) -> None:
    """Raise an error if the values of a completion are invalid."""
    if values["status"] is None:
        errors = ["/status_reason"] if values["status_reason"] else []
    else:
        errors = [] if values["status"] in TRANSITIONS else ["/status"]
    errors += [] if values["outcome"] else ["/outcome"]
    if errors:
        raise ModelError("ValidationFailed", *errors)


def _address(text: str | None) -> Record | None:
    return {"address": text, "key": text.lower()} if text else None


def _changes(lead: Record, values: Mapping[str, Any]) -> Record:
    """Return the values as they are stored. A transition without a reason clears the old one."""
    changes = {"status": lead["status"], "email": lead["email"], "phone": lead["phone"], **_with_contacts(values)}
    if "attributes" in values:
        merged = {**lead["attributes"], **values["attributes"]}
        changes["attributes"] = {name: value for name, value in merged.items() if value is not None}
    if changes["status"] != lead["status"]:
        changes.setdefault("status_reason", None)
    return changes


def _with_contacts(values: Mapping[str, Any]) -> Record:
    """Return the values with addresses and phone numbers as they are stored."""
    stored = dict(values)
    for name in {"email", "owner"} & values.keys():
        stored[name] = _address(values[name])
    if values.get("phone"):
        e164, _, extension = values["phone"].partition(";ext=")
        stored["phone"] = {"e164": e164, "extension": extension or None}
    return stored


def _identity(lead: Mapping[str, Any]) -> str:
    if lead["email"]:
        return str(lead["email"]["key"])
    phone = lead["phone"]
    return f"{phone['e164']};ext={phone['extension']}" if phone["extension"] else str(phone["e164"])


def _default_names(lead: Mapping[str, Any]) -> list[str]:
    """Return the e-mail address and the phone number of a lead, if it has them."""
    email = [str(lead["email"]["address"])] if lead["email"] else []
    return email + ([_identity({**lead, "email": None})] if lead["phone"] else [])


def _missing(lead: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
    """Return the values of an enquiry or a duplicate that a lead lacks, with the others of the lead."""
    return {
        "name": fields["name"] if fields["name"] and lead["name"] in _default_names(lead) else lead["name"],
        "email": lead["email"] or fields["email"],
        "phone": lead["phone"] or fields["phone"],
        "owner": lead["owner"] or fields.get("owner"),
        "attributes": {**fields.get("attributes", {}), **lead["attributes"]},
    }


def _new_follow_up(id: str, lead_id: str, values: Mapping[str, Any], now: datetime) -> Record:
    return {
        "id": id,
        "lead_id": lead_id,
        **values,
        "state": "scheduled",
        "attempts": 0,
        "last_error": None,
        "next_attempt_at": values["due_at"],
        "sent_at": None,
        "created_at": now,
        "updated_at": now,
        "lease": None,
        "claims": 0,
        "rule_status": None,
        "task_id": None,
        "by_rule": False,
    }


def _new_lead(id: str, fields: Mapping[str, Any], now: datetime) -> Record:
    return {
        "id": id,
        "email": None,
        "phone": None,
        "status": "new",
        "status_reason": None,
        "source": None,
        "owner": None,
        "do_not_contact": False,
        "attributes": {},
        **fields,
        "created_at": now,
        "updated_at": now,
        "contacted_at": None,
        "next_follow_up_at": None,
        "version": 1,
        "email_bounced": False,
    }


def _new_task(id: str, lead_id: str, values: Mapping[str, Any], now: datetime) -> Record:
    return {
        "id": id,
        "lead_id": lead_id,
        "assignee": values["assignee"],
        "text": values["text"],
        "due_at": values["due_at"],
        "remind": values["remind"],
        "state": "open",
        "outcome": None,
        "done_at": None,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
