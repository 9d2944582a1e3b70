"""The errors that the domain and its ports raise.

LeadsError
├── ValidationFailed       the input breaks rules; the error lists all of them
├── NotFound               nothing has this id
│   ├── Merged             the lead with this id was merged into another lead
│   └── Erased             the data with this id was erased
├── DuplicateLead          another lead has this e-mail address or phone number
├── VersionMismatch        the lead or task is at another version than the caller expects
├── IllegalTransition      the pipeline does not allow this change of status
├── DoNotContact           the lead has opted out of messages
├── IllegalFollowUpState   the state of the follow-up does not allow this action
│   ├── AttemptInProgress  the follow-up is being sent: its message cannot change
│   ├── TaskHasEnded       the task of the reminder is done or cancelled: it needs no reminder
│   └── AddressBounced     the lead's e-mail address accepts no mail
├── IllegalTaskState       the state of the task does not allow this action
├── IllegalSubmissionState the state of the submission does not allow this action
├── RequestInProgress      another request with this idempotency key is in progress
├── InvalidPipeline        the configured pipeline contradicts itself
└── Unavailable            the database cannot be reached or is too busy; nothing changed
"""

from collections.abc import Sequence
from dataclasses import dataclass


class LeadsError(Exception):
    """Base class of the errors that the domain and its ports raise deliberately."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: the field (a JSON Pointer, RFC 6901) and how to correct it."""

    pointer: str
    detail: str

    def under(self, parent: str) -> "FieldError":
        """Return the same error with `parent` in front of its pointer."""
        token = parent.replace("~", "~0").replace("/", "~1")
        return FieldError(f"/{token}{self.pointer}", self.detail)


class ValidationFailed(LeadsError):
    """The input breaks at least one rule; `errors` lists all of them in the order of the input."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(" ".join(f"{error.pointer}: {error.detail}".removeprefix(": ") for error in errors))
        self.errors = tuple(errors)

    @classmethod
    def because(cls, detail: str, pointer: str = "") -> "ValidationFailed":
        """Return an error for a single broken rule; an empty pointer means the whole value."""
        return cls([FieldError(pointer, detail)])


class NotFound(LeadsError):
    """No `kind` ("lead", "follow-up", "API key") has this id."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"No {kind} has the id {id}.")
        self.kind = kind
        self.id = id


class Merged(NotFound):
    """The lead with this id was merged into the existing lead `into`."""

    def __init__(self, id: str, into: str) -> None:
        super().__init__("lead", id)
        self.args = (f"The lead {id} was merged into the lead {into}.",)
        self.into = into


class Erased(NotFound):
    """The `kind` with this id was erased, and so were the stored responses about it."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(kind, id)
        self.args = (f"The {kind} {id} was erased.",)


class DuplicateLead(LeadsError):
    """Another lead, `existing_id`, already has this identity: the e-mail address, else the phone number.

    The id is None for a lead of the same dry run, and for a lead that has been removed since.
    """

    def __init__(self, existing_id: str | None) -> None:
        lead = f"The lead {existing_id}" if existing_id else "Another lead"
        super().__init__(f"{lead} already has this e-mail address or phone number.")
        self.existing_id = existing_id


class VersionMismatch(LeadsError):
    """The lead or task (`kind`) is at `version`, which the caller's precondition does not allow."""

    def __init__(self, version: int, kind: str = "lead") -> None:
        super().__init__(f"The {kind} is at version {version}, which the precondition of the request does not allow.")
        self.version = version


class IllegalTransition(LeadsError):
    """The pipeline has no transition between these two statuses; `allowed` lists the possible targets."""

    def __init__(self, origin: str, target: str, allowed: Sequence[str]) -> None:
        choices = f"Use one of: {', '.join(allowed)}." if allowed else f"`{origin}` is a final status."
        super().__init__(f"The status cannot change from `{origin}` to `{target}`. {choices}")
        self.origin = origin
        self.target = target
        self.allowed = tuple(allowed)


class DoNotContact(LeadsError):
    """The lead has opted out: no message to it is scheduled."""

    def __init__(self) -> None:
        super().__init__("The lead has opted out of messages. Send a message to its owner, or create a task.")


class IllegalFollowUpState(LeadsError):
    """The state of the follow-up does not allow the action. `action` is a past participle, such as "cancelled"."""

    def __init__(self, state: str, action: str) -> None:
        super().__init__(f"A follow-up that is {state} cannot be {action}.")
        self.state = state


class AttemptInProgress(IllegalFollowUpState):
    """The message cannot change during an attempt: the stored message must be the message that was sent."""

    def __init__(self, state: str) -> None:
        super().__init__(state, "changed")
        detail = "The message cannot change while the follow-up is being sent. If the attempt fails, try again."
        self.args = (detail,)


class TaskHasEnded(IllegalFollowUpState):
    """A reminder cannot be retried after its task has ended. `task_state` is the state of the task."""

    def __init__(self, state: str, task_state: str) -> None:
        super().__init__(state, "retried")
        self.args = (f"The follow-up reminds of a task that is {task_state}. It cannot be retried.",)


class AddressBounced(IllegalFollowUpState):
    """A follow-up cannot be retried while the lead has an address that accepts no mail."""

    def __init__(self, state: str) -> None:
        super().__init__(state, "retried")
        detail = "The lead's e-mail address accepts no mail: a message to it bounced. Change its `email`, then retry."
        self.args = (detail,)


class IllegalTaskState(LeadsError):
    """The state of the task does not allow the action. `action` is a past participle, such as "completed"."""

    def __init__(self, state: str, action: str) -> None:
        super().__init__(f"A task that is {state} cannot be {action}.")
        self.state = state


class IllegalSubmissionState(LeadsError):
    """The state of the submission does not allow the action. `action` is a past participle, such as "accepted"."""

    def __init__(self, state: str, action: str) -> None:
        super().__init__(f"A submission that is {state} cannot be {action}.")
        self.state = state


class RequestInProgress(LeadsError):
    """Another request with this idempotency key is in progress."""

    def __init__(self, key: str) -> None:
        super().__init__(f"A request with the `Idempotency-Key` {key} is in progress. Try again when it has ended.")


class InvalidPipeline(LeadsError):
    """The configured pipeline contradicts itself; the message names the error."""


class Unavailable(LeadsError):
    """The database cannot be reached or is too busy. Nothing changed, and a retry may succeed."""
