"""Everything that can go wrong inside, as one shallow tree.

LeadsError
├── ValidationFailed               the input breaks rules; every broken rule is listed
├── NotFound              nothing has this id
│   ├── Merged            the lead that had this id is a part of another now
│   └── Erased            what had it has been erased
├── DuplicateLead         another lead has this e-mail address
├── VersionMismatch       the caller does not mean the version that there is
├── IllegalTransition     the pipeline does not allow this move
├── IllegalFollowUpState  the follow-up's state does not allow this
│   └── AttemptInProgress   the follow-up is being sent: its message can no longer change
├── RequestInProgress     the request with this idempotency key is still being carried out
├── InvalidPipeline       a configured pipeline contradicts itself
└── Unavailable           the store is out of reach or too busy; nothing was done
"""

from collections.abc import Sequence
from dataclasses import dataclass


class LeadsError(Exception):
    """Base of all errors that the domain and its ports raise on purpose."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: where (a JSON Pointer, RFC 6901) and what to do about it."""

    pointer: str
    detail: str

    def under(self, parent: str) -> "FieldError":
        """Return the same error, seen from the object that holds `parent`."""
        token = parent.replace("~", "~0").replace("/", "~1")
        return FieldError(f"/{token}{self.pointer}", self.detail)


class ValidationFailed(LeadsError):
    """The input breaks at least one rule; `errors` lists all of them, in the order of the input."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(" ".join(f"{error.pointer}: {error.detail}".removeprefix(": ") for error in errors))
        self.errors = tuple(errors)

    @classmethod
    def because(cls, detail: str, pointer: str = "") -> "ValidationFailed":
        """Return one error; an empty pointer means the value as a whole."""
        return cls([FieldError(pointer, detail)])


class NotFound(LeadsError):
    """No `kind` ("lead", "follow-up", "API key") has this id."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"There is no {kind} with the id {id}.")
        self.kind = kind
        self.id = id


class Merged(NotFound):
    """The lead that had this id was merged into another: `into`, which is there."""

    def __init__(self, id: str, into: str) -> None:
        super().__init__("lead", id)
        self.args = (f"The lead {id} was merged into the lead {into}.",)
        self.into = into


class Erased(NotFound):
    """The `kind` with this id has been erased, and what was answered about it."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(kind, id)
        self.args = (f"The {kind} {id} has been erased.",)


class DuplicateLead(LeadsError):
    """Another lead already has this e-mail address: `existing_id`, or None.

    None stands for a lead of the same dry run, or for one that has vanished since.
    """

    def __init__(self, existing_id: str | None) -> None:
        super().__init__(
            f"{f'The lead {existing_id}' if existing_id else 'Another lead'} already has this e-mail address."
        )
        self.existing_id = existing_id


class VersionMismatch(LeadsError):
    """The caller wanted to change another version of the lead than `version`, the one that it has."""

    def __init__(self, version: int) -> None:
        super().__init__(f"The lead is at version {version}, which is not one that the request is meant for.")
        self.version = version


class IllegalTransition(LeadsError):
    """The pipeline has no transition between these two statuses; `allowed` lists those it has."""

    def __init__(self, origin: str, target: str, allowed: Sequence[str]) -> None:
        ways = f"From there it can go to: {', '.join(allowed)}." if allowed else "It is a final status."
        super().__init__(f"A lead cannot go from {origin} to {target}. {ways}")
        self.origin = origin
        self.target = target
        self.allowed = tuple(allowed)


class IllegalFollowUpState(LeadsError):
    """A follow-up in this state cannot do what was asked of it."""

    def __init__(self, state: str, intention: str) -> None:
        super().__init__(f"A follow-up that is {state} cannot be {intention}.")
        self.state = state


class AttemptInProgress(IllegalFollowUpState):
    """The message of a follow-up cannot change while it is being sent: the record would not be what was sent."""

    def __init__(self, state: str) -> None:
        super().__init__(state, "changed")
        text = "The follow-up is being sent, so its message cannot change. If it was not sent, try again in a minute."
        self.args = (text,)


class RequestInProgress(LeadsError):
    """The request with this idempotency key is still being carried out."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The request with the Idempotency-Key {key} is still being carried out.")


class InvalidPipeline(LeadsError):
    """A configured pipeline contradicts itself; the message names the error."""


class Unavailable(LeadsError):
    """The store cannot be reached or is too busy. Nothing was done; the same call may succeed later."""
