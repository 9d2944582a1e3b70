"""The statuses of a lead and the moves between them, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from leads_domain.checking import truncate
from leads_domain.errors import FieldError, IllegalTransition, InvalidPipeline, ValidationFailed

Status = str

STATUS_MAX = 50


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Which moves are allowed, where a lead starts, and which moves must be justified.

    `transitions` maps every status to the statuses that may follow it; a status that nothing
    follows is final. A contradictory pipeline cannot be built: `InvalidPipeline` names the fault.
    """

    initial: Status
    transitions: Mapping[Status, Sequence[Status]]
    reason_required: frozenset[Status] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        frozen = {status: tuple(targets) for status, targets in self.transitions.items()}
        object.__setattr__(self, "transitions", MappingProxyType(frozen))
        object.__setattr__(self, "reason_required", frozenset(self.reason_required))
        for check in (_nameless, _undeclared, _repeated, _unreachable, _endless):
            if fault := check(self):
                raise InvalidPipeline(fault)

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Return every status, in the order of their declaration."""
        return tuple(self.transitions)

    @property
    def final(self) -> frozenset[Status]:
        """Return the statuses that no lead leaves."""
        return frozenset(status for status, targets in self.transitions.items() if not targets)

    @property
    def closed(self) -> frozenset[Status]:
        """Return the statuses without follow-ups: the final ones and those that need a reason."""
        return self.final | self.reason_required

    @property
    def won(self) -> frozenset[Status]:
        """Return the statuses of leads that became customers: the final ones that need no reason."""
        return self.final - self.reason_required

    def find(self, text: str) -> Status | None:
        """Return the status of this name, in any case; None if there is none."""
        if text in self.transitions:
            return text
        return next((status for status in self.statuses if status.casefold() == text.casefold()), None)

    def status_errors(self, status: Status) -> tuple[FieldError, ...]:
        """Return an error for a status that the pipeline does not have."""
        if status in self.transitions:
            return ()
        return (
            FieldError("/status", f"There is no status {truncate(status)}; it is one of: {', '.join(self.statuses)}."),
        )

    def check_reason(self, status: Status, reason: str | None) -> None:
        """Raise `ValidationFailed` if `status` must be justified and `reason` is missing."""
        if reason is None and status in self.reason_required:
            raise ValidationFailed.because(f"Say why the lead is {status}.", "/status_reason")

    def check_transition(self, origin: Status, target: Status) -> None:
        """Raise `IllegalTransition` unless a lead may go from `origin` to `target`.

        A lead in a status that the pipeline no longer has can go back to the start.
        """
        allowed = self.transitions.get(origin, (self.initial,))
        if target not in allowed:
            raise IllegalTransition(origin, target, allowed)


def _nameless(pipeline: Pipeline) -> str | None:
    for status in pipeline.statuses:
        if not (1 <= len(status) <= STATUS_MAX and status == status.strip() and status.isprintable()):
            wanted = f"1 to {STATUS_MAX} printable characters without outer spaces"
            return f"{status!r} is not a name for a status: it takes {wanted}."
    return None


def _undeclared(pipeline: Pipeline) -> str | None:
    if pipeline.initial not in pipeline.transitions:
        return f"The initial status {pipeline.initial!r} is not declared among the transitions."
    for status in sorted(pipeline.reason_required):
        if status not in pipeline.transitions:
            return f"reason_required names {status!r}, which is not declared among the transitions."
    for status, targets in pipeline.transitions.items():
        for target in targets:
            if target not in pipeline.transitions:
                return f"The status {status!r} leads to {target!r}, which is not declared among the transitions."
    return None


def _repeated(pipeline: Pipeline) -> str | None:
    for status, targets in pipeline.transitions.items():
        if status in targets:
            return f"The status {status!r} leads to itself; staying is always allowed and is not a move."
        if len(set(targets)) < len(targets):
            return f"The status {status!r} names the same target twice."
    return None


def _unreachable(pipeline: Pipeline) -> str | None:
    reached: set[Status] = set()
    frontier = [pipeline.initial]
    while frontier:
        status = frontier.pop()
        if status not in reached:
            reached.add(status)
            frontier += pipeline.transitions[status]
    for status in pipeline.statuses:
        if status not in reached:
            return f"No lead can ever reach the status {status!r} from {pipeline.initial!r}."
    return None


def _endless(pipeline: Pipeline) -> str | None:
    if not pipeline.final:
        return "No status is final; at least one must lead nowhere (an empty list)."
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
