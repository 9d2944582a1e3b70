"""Model the application on plain dictionaries, by the documented rules."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

MOVES = {
    "new": {"contacted", "lost"},
    "contacted": {"qualified", "converted", "lost"},
    "qualified": {"converted", "lost"},
    "lost": {"contacted"},
    "converted": set[str](),
}
TAKEN_UP = {"contacted", "qualified"}
CLOSED = {"converted", "lost"}
CHANNELS = {"log", "smtp", "sms"}
RULES: list[dict[str, Any]] = [
    {"when": "new", "after": timedelta(hours=1), "recipient": "lead", "channel": "log"},
    {"when": "new", "after": timedelta(minutes=1), "recipient": "lead", "channel": "sms"},
    {"when": "contacted", "after": timedelta(minutes=5), "recipient": "owner", "channel": "smtp"},
    {"when": "contacted", "after": timedelta(hours=1), "recipient": "lead", "channel": "smtp"},
    {"when": "lost", "after": timedelta(hours=2), "recipient": "owner", "channel": "log"},
]
"""The message of all of them is "Hello {name}!"."""
ATTEMPTS = 3
FIRST_WAIT = timedelta(minutes=1) / 2  # the random source always returns one half

Thing = dict[str, Any]


class Refusal(Exception):
    """The answer is an error: its name, and what it tells."""

    def __init__(self, *facts: object) -> None:
        super().__init__(*facts)
        self.facts = facts


class ApplicationModel:
    """Leads, follow-ups and stories by id, and where the ids of merged leads lead to.

    Ids are taken from the answers of a real app; `ids` are those of all leads that there ever were. What is told in
    a story has a number: its place among all that was told.
    """

    def __init__(self) -> None:
        self.leads: dict[str, Thing] = {}
        self.follow_ups: dict[str, Thing] = {}
        self.stories: dict[str, list[tuple[int, str]]] = {}
        self.merged: dict[str, str] = {}
        self.ids: list[str] = []

    def register(
        self, given: Mapping[str, Any], on_duplicate: str, *, now: datetime, new_id: str, promised: Sequence[str]
    ) -> tuple[str, str]:
        """Which lead it is, and what became of it. `promised` are the ids of the follow-ups that rules have made."""
        if not given["name"]:
            raise Refusal("ValidationFailed", "/name")
        members = {**given, "email": _address(given["email"])}
        holder = self._holder(members["email"])
        if holder is None:
            self.leads[new_id] = _new_lead(new_id, members, now)
            self.stories[new_id] = []
            self.ids.append(new_id)
            self._append(new_id, "lead.created", *self._promise(self.leads[new_id], now, promised))
            return new_id, "created"
        if on_duplicate == "error":
            raise Refusal("DuplicateLead", holder)
        if on_duplicate == "return" or not self._overwrite(self.leads[holder], members):
            return holder, "unchanged"
        self._tell(holder, now, "lead.updated")
        return holder, "updated"

    def change(self, id: str, given: Mapping[str, Any], *, now: datetime, promised: Sequence[str]) -> None:
        """Change a lead's members, its status, or both."""
        if given.get("status", "new") not in MOVES:
            raise Refusal("ValidationFailed", "/status")
        lead = self.lead(id)
        changes = _changes(lead, given)
        moved = changes["status"] != lead["status"]
        self._check_change(lead, changes)

        events = ["lead.status_changed"] if moved else []
        if moved:
            lead["status"], lead["status_reason"] = changes["status"], changes.pop("status_reason")
            if lead["status"] in TAKEN_UP and lead["contacted_at"] is None:
                lead["contacted_at"] = now
        if self._overwrite(lead, changes):
            events.append("lead.updated")
        if moved:
            events += self._cancel_follow_ups(lead, now)
            events += self._promise(lead, now, promised)
        if events:
            self._tell(id, now, *events)

    def note(self, id: str) -> None:
        """Write something down."""
        self.lead(id)
        self._append(id, "lead.note_added")

    def merge(self, id: str, duplicate_id: str, *, now: datetime) -> None:
        """Make the duplicate a part of the other lead."""
        if id == duplicate_id:
            raise Refusal("ValidationFailed", "/duplicate_id")
        lead = self.lead(id)
        if self.merged.get(duplicate_id) == id:
            return
        if duplicate_id not in self.leads:
            raise Refusal("ValidationFailed", "/duplicate_id")
        duplicate = self.leads.pop(duplicate_id)
        over = [each for each in self._scheduled(duplicate_id) if lead["status"] in CLOSED or each["rule_status"]]
        for follow_up in over:
            follow_up.update(state="cancelled", next_attempt_at=None, lease=None, updated_at=now)
        for follow_up in self.follow_ups_of(duplicate_id):
            follow_up["lead_id"] = id
        self.stories[id] = sorted(self.stories[id] + self.stories.pop(duplicate_id))
        self.merged = {old: id if into == duplicate_id else into for old, into in self.merged.items()}
        self.merged[duplicate_id] = id
        filled = {
            "owner": lead["owner"] or duplicate["owner"],
            "attributes": {**duplicate["attributes"], **lead["attributes"]},
        }
        events = ["lead.updated"] if self._overwrite(lead, filled) else []
        normalizer = [at for at in (lead["contacted_at"], duplicate["contacted_at"]) if at]
        lead.update(contacted_at=min(normalizer, default=None), next_follow_up_at=self._next_due(id))
        self._tell(id, now, "lead.merged", *events, *["follow_up.cancelled"] * len(over))

    def erase(self, id: str) -> None:
        """Forget a lead."""
        self.lead(id)
        del self.leads[id]
        self.follow_ups = {key: each for key, each in self.follow_ups.items() if each["lead_id"] != id}
        self.merged = {old: into for old, into in self.merged.items() if into != id}
        self.stories[id] = []
        self._append(id, "lead.erased")

    def story(self, id: str) -> list[str]:
        """What happened to a lead, or that it was erased."""
        if not self.stories.get(id):
            self.lead(id)
        return [event for _, event in self.stories[id]]

    def trigger(self, lead_id: str, wishes: Mapping[str, Any], *, now: datetime, new_id: str) -> None:
        """Schedule a follow-up."""
        if wishes["channel"] not in CHANNELS:
            raise Refusal("ValidationFailed", "/channel")
        lead = self.lead(lead_id)
        if wishes["recipient"] == "owner" and lead["owner"] is None:
            raise Refusal("ValidationFailed", "/recipient")
        if wishes["channel"] == "sms":  # nobody here has a telephone
            raise Refusal("ValidationFailed", "/channel")
        self.follow_ups[new_id] = _new_follow_up(new_id, lead_id, wishes, now)
        self._tell_follow_up(lead_id, now, "follow_up.scheduled")

    def reschedule(self, id: str, given: Mapping[str, Any], *, now: datetime) -> None:
        """Put a follow-up off, reword it, or both."""
        follow_up = self._follow_up(id, "scheduled")
        changes = {name: value for name, value in given.items() if follow_up[name] != value}
        if changes:
            if "message" in changes and follow_up["lease"] and follow_up["lease"]["until"] > now:
                raise Refusal("IllegalFollowUpState", "scheduled")
            follow_up.update(changes, updated_at=now)
            if "due_at" in changes:
                follow_up["next_attempt_at"] = changes["due_at"]
            self._tell_follow_up(follow_up["lead_id"], now, "follow_up.rescheduled")

    def cancel(self, id: str, *, now: datetime) -> None:
        """Make a follow-up owed no more."""
        follow_up = self._follow_up(id, "scheduled")
        follow_up.update(state="cancelled", next_attempt_at=None, lease=None, updated_at=now)
        self._tell_follow_up(follow_up["lead_id"], now, "follow_up.cancelled")

    def retry(self, id: str, *, now: datetime) -> None:
        """Try a failed follow-up again."""
        follow_up = self._follow_up(id, "failed")
        follow_up.update(state="scheduled", attempts=0, next_attempt_at=now, updated_at=now)
        self._tell_follow_up(follow_up["lead_id"], now, "follow_up.rescheduled")

    def claim(self, channel: str, owner: str, limit: int, *, now: datetime, lease: timedelta) -> list[Thing]:
        """Take what is due on a channel."""
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
        """Record that a claimed follow-up was `sent`, `refused`, or that the channel was `busy`."""
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
        self._tell_follow_up(follow_up["lead_id"], now, *events)
        return True

    def listed(self, statuses: Sequence[str], *, newest_first: bool) -> list[Thing]:
        """The leads in any of these statuses, or all."""
        found = [lead for lead in self.leads.values() if not statuses or lead["status"] in statuses]
        return sorted(found, key=lambda lead: (lead["created_at"], lead["id"]), reverse=newest_first)

    def follow_ups_of(self, lead_id: str) -> list[Thing]:
        """A lead's follow-ups, in any state."""
        found = [follow_up for follow_up in self.follow_ups.values() if follow_up["lead_id"] == lead_id]
        return sorted(found, key=lambda follow_up: (follow_up["due_at"], follow_up["id"]))

    def follow_ups_listed(
        self, states: Sequence[str], channel: str | None, due_before: datetime | None, *, overdue: bool, now: datetime
    ) -> list[Thing]:
        """The follow-ups that pass all filters."""
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
        """When each channel is next to attempt something that nobody has under a lease."""
        free = [
            (each["channel"], each["next_attempt_at"])
            for each in self.follow_ups.values()
            if each["state"] == "scheduled" and (each["lease"] is None or each["lease"]["until"] <= now)
        ]
        return {channel: min(at for other, at in free if other == channel) for channel, _ in free}

    def _check_change(self, lead: Thing, changes: Thing) -> None:
        status = changes["status"]
        if status not in MOVES[lead["status"]] | {lead["status"]}:
            raise Refusal("IllegalTransition", lead["status"], status)
        if status == "lost" and changes.get("status_reason", lead["status_reason"]) is None:
            raise Refusal("ValidationFailed", "/status_reason")
        holder = self._holder(changes["email"])
        if holder not in (None, lead["id"]):
            raise Refusal("DuplicateLead", holder)

    def _cancel_follow_ups(self, lead: Thing, now: datetime) -> list[str]:
        scheduled = self._scheduled(lead["id"])
        over = [each for each in scheduled if lead["status"] in CLOSED or each["rule_status"]]
        for follow_up in over:
            follow_up.update(state="cancelled", next_attempt_at=None, lease=None, updated_at=now)
        lead["next_follow_up_at"] = self._next_due(lead["id"])
        return ["follow_up.cancelled"] * len(over)

    def _promise(self, lead: Thing, now: datetime, ids: Sequence[str]) -> list[str]:
        """Do as the rules of the lead's status say, whether anybody can be reached or not."""
        rules = [rule for rule in RULES if rule["when"] == lead["status"]]
        for id, rule in zip(ids, rules, strict=True):
            wishes = {"recipient": rule["recipient"], "channel": rule["channel"], "message": f"Hello {lead['name']}!"}
            made = _new_follow_up(id, lead["id"], {**wishes, "due_at": now + rule["after"]}, now)
            self.follow_ups[id] = {**made, "rule_status": lead["status"]}
        lead["next_follow_up_at"] = self._next_due(lead["id"])
        return ["follow_up.scheduled"] * len(ids)

    def _follow_up(self, id: str, state: str) -> Thing:
        if id not in self.follow_ups:
            raise Refusal("NotFound", "follow-up", id)
        follow_up = self.follow_ups[id]
        if follow_up["state"] != state:
            raise Refusal("IllegalFollowUpState", follow_up["state"])
        return follow_up

    def lead(self, id: str) -> Thing:
        """One lead."""
        if id in self.merged:
            raise Refusal("Merged", id, self.merged[id])
        if id not in self.leads:
            raise Refusal("NotFound", "lead", id)
        return self.leads[id]

    def _holder(self, email: Mapping[str, str]) -> str | None:
        return next((id for id, lead in self.leads.items() if lead["email"]["key"] == email["key"]), None)

    def _overwrite(self, lead: Thing, members: Mapping[str, Any]) -> bool:
        before = json.dumps(lead, default=str, sort_keys=True)
        lead.update(members)
        return json.dumps(lead, default=str, sort_keys=True) != before

    def _scheduled(self, lead_id: str) -> list[Thing]:
        return [each for each in self.follow_ups_of(lead_id) if each["state"] == "scheduled"]

    def _next_due(self, lead_id: str) -> datetime | None:
        return min((each["due_at"] for each in self._scheduled(lead_id)), default=None)

    def _append(self, lead_id: str, *events: str) -> None:
        last = max((at for story in self.stories.values() for at, _ in story), default=0)
        self.stories[lead_id] += enumerate(events, last + 1)

    def _tell(self, lead_id: str, now: datetime, *events: str) -> None:
        self._append(lead_id, *events)
        self.leads[lead_id]["version"] += 1
        self.leads[lead_id]["updated_at"] = now

    def _tell_follow_up(self, lead_id: str, now: datetime, *events: str) -> None:
        """A lead has a new version only if the time at which it is next due is another."""
        due_at = self._next_due(lead_id)
        if due_at == self.leads[lead_id]["next_follow_up_at"]:
            self._append(lead_id, *events)
        else:
            self.leads[lead_id]["next_follow_up_at"] = due_at
            self._tell(lead_id, now, *events)


def _changes(lead: Thing, given: Mapping[str, Any]) -> Thing:
    """What is given as it would be kept; a move takes its reason along, or that there is none."""
    changes = {"status": lead["status"], "email": lead["email"], **given}
    for name in {"email", "owner"} & given.keys():
        changes[name] = _address(given[name]) if given[name] else None
    if "attributes" in given:
        merged = {**lead["attributes"], **given["attributes"]}
        changes["attributes"] = {name: value for name, value in merged.items() if value is not None}
    if changes["status"] != lead["status"]:
        changes.setdefault("status_reason", None)
    return changes


def _address(text: str) -> dict[str, str]:
    return {"address": text, "key": text.lower()}


def _new_follow_up(id: str, lead_id: str, wishes: Mapping[str, Any], now: datetime) -> Thing:
    return {
        "id": id,
        "lead_id": lead_id,
        **wishes,
        "state": "scheduled",
        "attempts": 0,
        "last_error": None,
        "next_attempt_at": wishes["due_at"],
        "sent_at": None,
        "created_at": now,
        "updated_at": now,
        "lease": None,
        "claims": 0,
        "rule_status": None,
    }


def _new_lead(id: str, members: Mapping[str, Any], now: datetime) -> Thing:
    return {
        "id": id,
        "phone": None,
        "status": "new",
        "status_reason": None,
        "source": None,
        "owner": None,
        "attributes": {},
        **members,
        "created_at": now,
        "updated_at": now,
        "contacted_at": None,
        "next_follow_up_at": None,
        "version": 1,
    }
