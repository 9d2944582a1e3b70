"""Call a notifier, and check the outcome."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from leads_domain.notifier import Address, FollowUpNotice, Receipt
from leads_domain.testing.receiver import Received

ResultT = TypeVar("ResultT")


def outcome_of(call: Callable[[], ResultT]) -> ResultT | Exception:
    """Return the result of a call, or the error that it raised."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - a notifier can raise any error, and the tests check it
        return error


class Call(Generic[ResultT]):
    """A call in a separate thread, which may never end."""

    def __init__(self, call: Callable[[], ResultT]) -> None:
        self._outcomes: SimpleQueue[ResultT | Exception] = SimpleQueue()
        Thread(target=lambda: self._outcomes.put(outcome_of(call)), daemon=True).start()

    def outcome(self, seconds: float) -> ResultT | Exception:
        """Return the result of the call, or its error; a `TimeoutError` if the call did not end in time."""
        try:
            return self._outcomes.get(timeout=seconds)
        except Empty:
            return TimeoutError(f"the call did not end within {seconds} s")


def assert_receipt(outcome: object) -> None:
    """Fail unless a call returned a receipt."""
    match outcome:
        case Exception():
            message = f"the receiver accepts notices, but notify raised {outcome!r}"
            raise AssertionError(message) from outcome
    assert isinstance(outcome, Receipt), f"notify must return a Receipt, not {outcome!r}"
    reference = outcome.reference
    assert reference is None or isinstance(reference, str), f"a reference must be None or text, not {reference!r}"


def assert_same(received: Received, notice: FollowUpNotice, needs: Address | None) -> None:
    """Fail unless the received notice is this one, at an address that the channel may use."""
    assert normalize_line_ends(notice.message) in normalize_line_ends(received.message), (
        f"{notice.message!r} became {received.message!r}"
    )
    assert received.name is None or notice.name in received.name, f"the name {notice.name!r} became {received.name!r}"
    assert received.subject is None or notice.subject in received.subject, (
        f"the subject {notice.subject!r} became {received.subject!r}"
    )
    addresses = {Address.EMAIL: [notice.email], Address.PHONE: [notice.phone]}
    allowed = addresses[needs] if needs else [notice.email, notice.phone, None]
    assert received.address in allowed, f"a notice for {allowed[0]!r} went to {received.address!r}"


def normalize_line_ends(text: str) -> str:
    """Return the text with line feeds as line ends, because channels use different ones."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
