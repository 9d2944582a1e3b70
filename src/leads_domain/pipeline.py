"""The statuses of a lead and the transitions between them, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from leads_domain.checking import truncate
from leads_domain.errors import FieldError, IllegalTransition, InvalidPipeline, ValidationFailed

Status = str

STATUS_MAX = 50


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The initial status, the allowed transitions, and the statuses that require a reason.

    `transitions` maps each status to the statuses that can follow it. A status without targets is final.
    Raises `InvalidPipeline` if the pipeline contradicts itself.
    """

    initial: Status
    transitions: Mapping[Status, Sequence[Status]]
    reason_required: frozenset[Status] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        frozen = {status: tuple(targets) for status, targets in self.transitions.items()}
        object.__setattr__(self, "transitions", MappingProxyType(frozen))
        object.__setattr__(self, "reason_required", frozenset(self.reason_required))
        for check in (_name_error, _undeclared_error, _repetition_error, _unreachable_error, _missing_final_error):
            if error := check(self):
                raise InvalidPipeline(error)

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Return all statuses, in the order of their declaration."""
        return tuple(self.transitions)

    @property
    def final(self) -> frozenset[Status]:
        """Return the statuses that a lead cannot leave."""
        return frozenset(status for status, targets in self.transitions.items() if not targets)

    @property
    def closed(self) -> frozenset[Status]:
        """Return the statuses without follow-ups, which are final or require a reason."""
        return self.final | self.reason_required

    @property
    def won(self) -> frozenset[Status]:
        """Return the statuses of leads that became customers, which are final and require no reason."""
        return self.final - self.reason_required

    def find(self, text: str) -> Status | None:
        """Return the status with this name, ignoring case; None if there is none."""
        if text in self.transitions:
            return text
        return next((status for status in self.statuses if status.casefold() == text.casefold()), None)

    def status_errors(self, status: Status) -> tuple[FieldError, ...]:
        """Return an error if the pipeline does not have this status."""
        if status in self.transitions:
            return ()
        return (FieldError("/status", f"Unknown status {truncate(status)}. Use one of: {', '.join(self.statuses)}."),)

    def check_reason(self, status: Status, reason: str | None) -> None:
        """Raise `ValidationFailed` if `status` requires a reason and there is none."""
        if reason is None and status in self.reason_required:
            raise ValidationFailed.because(f"The status `{status}` requires a reason.", "/status_reason")

    def check_transition(self, origin: Status, target: Status) -> None:
        """Raise `IllegalTransition` unless the status can change from `origin` to `target`.

        From a status that the pipeline no longer has, a lead can return to the initial status.
        """
        allowed = self.transitions.get(origin, (self.initial,))
        if target not in allowed:
            raise IllegalTransition(origin, target, allowed)


def _name_error(pipeline: Pipeline) -> str | None:
    for status in pipeline.statuses:
        if not (1 <= len(status) <= STATUS_MAX and status == status.strip() and status.isprintable()):
            rule = f"1 to {STATUS_MAX} printable characters, without spaces at either end"
            return f"{status!r} is not a valid status. Use {rule}."
    return None


def _undeclared_error(pipeline: Pipeline) -> str | None:
    if pipeline.initial not in pipeline.transitions:
        return f"The initial status {pipeline.initial!r} is missing in `transitions`."
    for status in sorted(pipeline.reason_required):
        if status not in pipeline.transitions:
            return f"The status {status!r} in `reason_required` is missing in `transitions`."
    for status, targets in pipeline.transitions.items():
        for target in targets:
            if target not in pipeline.transitions:
                return f"The status {status!r} has a transition to {target!r}, which is missing in `transitions`."
    return None


def _repetition_error(pipeline: Pipeline) -> str | None:
    for status, targets in pipeline.transitions.items():
        if status in targets:
            return f"The status {status!r} has a transition to itself. Remove it: keeping the status is always allowed."
        if len(set(targets)) < len(targets):
            return f"The status {status!r} has two transitions to the same status."
    return None


def _unreachable_error(pipeline: Pipeline) -> str | None:
    reached: set[Status] = set()
    frontier = [pipeline.initial]
    while frontier:
        status = frontier.pop()
        if status not in reached:
            reached.add(status)
            frontier += pipeline.transitions[status]
    for status in pipeline.statuses:
        if status not in reached:
            return f"The status {status!r} cannot be reached from the initial status {pipeline.initial!r}."
    return None


def _missing_final_error(pipeline: Pipeline) -> str | None:
    if not pipeline.final:
        return "No status is final. Give at least one status an empty list of transitions."
    return None


DEFAULT_PIPELINE = Pipeline(
    initial="new",
    transitions={
        "new": ("contacted", "lost"),
        "contacted": ("qualified", "converted", "lost"),
        "qualified": ("converted", "lost"),
        "lost": ("contacted",),
        "converted": (),
    },
    reason_required=frozenset({"lost"}),
)
