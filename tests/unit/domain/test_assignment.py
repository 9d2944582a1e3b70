"""Test which owner a new lead gets."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import an_email, new_details
from leads_adapters.memory.turns import MemoryTurns
from leads_domain.assignment import NO_ASSIGNMENT, Assignment
from leads_domain.details import Details

MIA, NOAH, OMA = (an_email(f"{name}@example.com") for name in ("mia", "noah", "oma"))
BOTH = Assignment(round_robin=[MIA, NOAH], by_source={"fair": OMA})


class NoTurns:
    """Turns that must not be taken."""

    def take(self, number: int) -> int:
        """Fail."""
        raise AssertionError(number)

    give_back = take


def owners(assignment: Assignment, *leads: Details, turns: Any = None, is_new: bool = True) -> list[Any]:
    """Return the owners that the leads get."""
    assigned = assignment.assign(leads, turns or MemoryTurns([]), lambda _: is_new)
    return [each.details.get("owner") for each in assigned]


def test_without_the_setting_no_lead_gets_an_owner() -> None:
    assert owners(NO_ASSIGNMENT, new_details(), new_details(owner=MIA), turns=NoTurns()) == [None, MIA]


def test_only_a_lead_that_took_a_turn_has_one() -> None:
    leads = [new_details(), new_details(source="fair"), new_details(owner=NOAH)]
    for assignment, turns in ((NO_ASSIGNMENT, [False] * 3), (BOTH, [True, False, False])):
        assigned = assignment.assign(leads, MemoryTurns([]), lambda _: True)
        assert [each.has_turn for each in assigned] == turns


def test_leads_go_to_the_colleagues_in_turn() -> None:
    turns = MemoryTurns([])
    assert owners(BOTH, *[new_details()] * 3, turns=turns) == [MIA, NOAH, MIA]
    assert owners(BOTH, new_details(owner=None), turns=turns) == [NOAH]
    assert owners(BOTH, new_details(source="website"), turns=turns) == [MIA]


def test_a_given_owner_stays_and_takes_no_turn() -> None:
    assert owners(BOTH, new_details(owner=NOAH), new_details(owner=NOAH, source="fair"), turns=NoTurns()) == [NOAH] * 2


def test_the_owner_of_the_source_comes_before_the_turn() -> None:
    assert owners(BOTH, new_details(source="fair"), turns=NoTurns()) == [OMA]
    assert owners(BOTH, new_details(source="Fair")) == [MIA]
    only_sources = Assignment(by_source={"fair": OMA})
    assert owners(only_sources, new_details(source="fair"), new_details(), turns=NoTurns()) == [OMA, None]


def test_an_existing_lead_takes_no_turn() -> None:
    assert owners(BOTH, new_details(), turns=NoTurns(), is_new=False) == [None]


def test_a_colleague_who_is_listed_twice_gets_twice_as_many_leads() -> None:
    weighted = Assignment(round_robin=[MIA, MIA, NOAH])
    assert Counter(owners(weighted, *[new_details()] * 6)) == {MIA: 4, NOAH: 2}


@given(
    batches=st.lists(st.lists(st.sampled_from([None, MIA, OMA]), max_size=6), max_size=6), colleagues=st.integers(1, 5)
)
def test_turns_are_fair_to_within_one(batches: list[list[Any]], colleagues: int) -> None:
    addresses = [an_email(f"{number}@example.org") for number in range(colleagues)]
    assignment, turns = Assignment(round_robin=addresses), MemoryTurns([])
    counts = Counter(
        owner
        for batch in batches
        for owner in owners(assignment, *(new_details(owner=given) for given in batch), turns=turns)
    )
    shares = [counts[address] for address in addresses]
    assert max(shares) - min(shares) <= 1
    assert sum(shares) == sum(given is None for batch in batches for given in batch)
