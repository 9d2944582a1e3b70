"""Record the requests of a run, and the faults that explain failed ones."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

GRACE_SECONDS = 3.0
"""The time after a fault in which what has waited is still served."""

NO_RESPONSE, INCOMPLETE, RESET = "no response", "incomplete response", "reset before the end of the request"


@dataclass(slots=True)
class Disturbance:
    """A fault and its time; `explains` has the outcomes that it may cause at the process, by default at all."""

    name: str
    began: float
    explains: Sequence[str] = ()
    process: str | None = None
    ended: float = inf

    def overlaps(self, exchange: "Exchange") -> bool:
        """Return whether the exchange ran during the fault, or shortly after it."""
        return exchange.at <= self.ended + GRACE_SECONDS and exchange.ended >= self.began

    def explains_outcome_of(self, exchange: "Exchange") -> bool:
        """Return whether the exchange may have failed because of the fault."""
        is_of_process = self.process in (None, exchange.process)
        return is_of_process and exchange.outcome in self.explains and self.overlaps(exchange)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to a process, and its outcome: a status code, `NO_RESPONSE`, `INCOMPLETE` or `RESET`."""

    operation: str
    process: str
    at: float
    seconds: float
    outcome: str
    is_expected: bool
    detail: str = ""

    @property
    def ended(self) -> float:
        """The time of the response."""
        return self.at + self.seconds


@dataclass
class Record:
    """Everything that happened in a run. Times are seconds from its start. `wrong` has contents that are wrong."""

    began: float = field(default_factory=time.monotonic)
    exchanges: list[Exchange] = field(default_factory=list)
    faults: list[Disturbance] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def now(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.began

    @contextmanager
    def fault(self, name: str, *explains: str, process: str | None = None) -> Iterator[None]:
        """Record a fault that lasts until the end of the block."""
        fault = Disturbance(name, self.now(), explains, process)
        self.faults.append(fault)
        try:
            yield
        finally:
            fault.ended = self.now()

    def expect(self, is_right: bool, problem: str) -> None:
        """Record the problem unless the content of a response is right."""
        if not is_right:
            self.wrong.append(f"{self.now():.1f} s: {problem}")

    def unexplained(self) -> list[Exchange]:
        """Return the exchanges that failed without a fault that explains it."""
        return [
            exchange
            for exchange in self.exchanges
            if not exchange.is_expected and not any(fault.explains_outcome_of(exchange) for fault in self.faults)
        ]

    def quiet(self) -> list[Exchange]:
        """Return the successful exchanges that ran during no fault."""
        return [
            exchange
            for exchange in self.exchanges
            if exchange.is_expected and not any(fault.overlaps(exchange) for fault in self.faults)
        ]
