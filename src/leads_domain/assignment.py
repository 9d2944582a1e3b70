"""Assign an owner to new leads that have none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, Protocol

from leads_domain.contact import EmailAddress
from leads_domain.details import Details


class Turns(Protocol):
    """The turns of the round-robin assignment, numbered from 0."""

    def take(self, number: int) -> int:
        """Take the next `number` turns, and return the first. Until this unit of work ends, no other can take turns."""

    def give_back(self, number: int) -> None:
        """Give back the last `number` turns that this unit of work has taken."""


class AssignedDetails(NamedTuple):
    """The details of a lead with its owner, and whether the owner was found by a turn."""

    details: Details
    has_turn: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """Assign new leads without an owner to the owner of their source, else to the colleagues in turn."""

    round_robin: Sequence[EmailAddress] = ()
    by_source: Mapping[str, EmailAddress] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether any lead can get an owner."""
        return bool(self.round_robin or self.by_source)

    def assign(
        self, leads: Sequence[Details], turns: Turns, is_new: Callable[[Details], bool]
    ) -> Sequence[AssignedDetails]:
        """Return the details of all leads, in order. Each takes a turn that needs one and is new."""
        if not self:
            return [AssignedDetails(details) for details in leads]
        with_source = [self._assign_by_source(details) for details in leads]
        needing = [bool(self.round_robin and not details.get("owner") and is_new(details)) for details in with_source]
        turn = turns.take(sum(needing)) if any(needing) else 0
        owners = (self.round_robin[number % len(self.round_robin)] for number in count(turn))
        return [
            AssignedDetails({**details, "owner": next(owners)} if has_turn else details, has_turn)
            for details, has_turn in zip(with_source, needing, strict=True)
        ]

    def _assign_by_source(self, details: Details) -> Details:
        return {**details, "owner": details.get("owner") or self.by_source.get(details.get("source") or "")}


NO_ASSIGNMENT = Assignment()
"""Leaves all leads as they are."""
