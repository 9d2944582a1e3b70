"""Count the turns of the assignment in a list."""


class MemoryTurns:
    """Stores the number of taken turns in a list with one item, which the unit of work can replace."""

    def __init__(self, taken: list[int]) -> None:
        self._taken = taken

    def take(self, number: int) -> int:
        """See `Turns.take`."""
        (first,) = self._taken or [0]
        self._taken[:] = [first + number]
        return first

    def give_back(self, number: int) -> None:
        """See `Turns.give_back`."""
        self.take(-number)
