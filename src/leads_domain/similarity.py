"""Find leads that may be the same person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from leads_domain.contact import EmailAddress
from leads_domain.lead import Lead, LeadId
from leads_domain.search import name_key

SIMILAR_MAX = 20
"""The maximum number of possible duplicates of a lead."""


class Reason(StrEnum):
    """A reason why two leads may be the same person."""

    PHONE = "phone"
    NAME = "name"
    EMAIL = "email"


_BEST_FIRST = (Reason.PHONE, Reason.EMAIL, Reason.NAME)
"""The reasons from the strongest to the weakest. Different people share a name more often than a mailbox."""


@dataclass(frozen=True, slots=True)
class SimilarLead:
    """A possible duplicate, and the reasons."""

    lead: Lead
    reasons: Sequence[Reason]


class SimilarLeads(Protocol):
    """Finds leads that may be the same person, and stores pairs of leads that are different people."""

    def find(self, lead: Lead, limit: int) -> Sequence[Lead]:
        """Return the leads that are similar to a stored lead, in any order: up to `limit` for each reason.

        There can be fewer if they are as large as a page (`PAGE_BYTES_MAX`). The lead itself is left out, and so are
        leads that are distinct from it.
        """

    def add_distinct(self, id: LeadId, other_id: LeadId) -> None:
        """Store that two leads, of which one is locked, are different people. Repeating it has no effect."""

    def distinct_from(self, id: LeadId) -> Sequence[LeadId]:
        """Return the ids of all leads that are distinct from this one, in order."""

    def erase(self, id: LeadId) -> None:
        """Erase all pairs of a locked lead."""


def mailbox(email: EmailAddress | None) -> str | None:
    """Return the key of an e-mail address without the dots and the tag of its local part.

    Many providers deliver such addresses to the same mailbox. A local part that begins with `+` has no tag.
    """
    if email is None:
        return None
    local_part, at, domain = email.key.rpartition("@")
    return (local_part.partition("+")[0] or local_part).replace(".", "") + at + domain


def reasons(lead: Lead, other: Lead) -> list[Reason]:
    """Return the reasons why two leads may be the same person, in the order of `Reason`."""
    same = {
        Reason.PHONE: (lead.phone, other.phone),
        Reason.NAME: (name_key(lead.name), name_key(other.name)),
        Reason.EMAIL: (mailbox(lead.email), mailbox(other.email)),
    }
    return [reason for reason, (one, another) in same.items() if one and one == another]


def rank(lead: Lead, candidates: Iterable[Lead]) -> list[SimilarLead]:
    """Return the best candidates: those with the most reasons, then with the strongest one, then the oldest."""
    similar = [SimilarLead(each, found) for each in candidates if (found := reasons(lead, each))]
    return sorted(similar, key=_badness)[:SIMILAR_MAX]


def _badness(similar: SimilarLead) -> tuple[int, int, str]:
    return (-len(similar.reasons), min(map(_BEST_FIRST.index, similar.reasons)), similar.lead.id)
