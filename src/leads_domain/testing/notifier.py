"""What every channel promises, as tests.

class TestPigeon(FollowUpNotifierContract):
    def make_notifier(self) -> FollowUpNotifier:
        return PigeonNotifier(loft="https://pigeons.example")
"""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from threading import Barrier

from leads_domain.notifier import Address, FollowUpNotice, FollowUpNotifier, NotificationError, Receipt

AT_ONCE = 8
PATIENCE_SECONDS = 30.0

_HOSTILE_NAMES = (
    "Doe, Jane",
    'Jane "JD" <jd@example.org>, Joe',
    "Jane\r\nBcc: eve@example.org",
    "Ольга 祖冲之 محمد 👩🏽\u200d💻",
    "\u202eevil\u2066 \u2028 \x07",
    "J" * 200,
)


class FollowUpNotifierContract:
    """Inherit from it and say how your notifier is made, against a channel that accepts everything."""

    def make_notifier(self) -> FollowUpNotifier:
        """A notifier that is ready to send; every test makes its own."""
        raise NotImplementedError

    def make_notice(self) -> FollowUpNotice:
        """A notice that the channel accepts. Override it if yours is particular about addresses."""
        return FollowUpNotice(
            follow_up_id="019b8e1f-0000-7000-8000-000000000002",
            lead_id="019b8e1f-0000-7000-8000-000000000001",
            idempotency_key="019b8e1f-0000-7000-8000-000000000002",
            attempt=1,
            channel="contract",
            name="Jane Roe",
            email="jane@example.com",
            phone="+12025550123",
            message="Hello Jane,\nshall we talk? 👋",
            lead={"name": "Jane Roe", "email": "jane@example.com", "phone": None, "status": "new", "owner": None},
        )

    def test_declares_the_kind_of_address_that_it_needs(self) -> None:
        needs = self.make_notifier().needs
        assert needs is None or isinstance(needs, Address), f"needs is None or an Address, not {needs!r}"

    def test_gives_a_receipt_for_what_it_accepted(self) -> None:
        _assert_receipt(self.make_notifier().notify(self.make_notice()))

    def test_leaves_the_notice_as_it_was(self) -> None:
        notice = self.make_notice()
        before = deepcopy(notice)
        self.make_notifier().notify(notice)
        assert notice == before, "the notice was changed"

    def test_sends_the_same_notice_again_when_it_is_tried_again(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        notifier.notify(notice)
        _assert_receipt(notifier.notify(replace(notice, attempt=2)))

    def test_sends_notices_of_several_threads_at_once(self) -> None:
        notifier, start = self.make_notifier(), Barrier(AT_ONCE)

        def notify(number: int) -> Receipt:
            notice = replace(self.make_notice(), follow_up_id=f"follow-up {number}", idempotency_key=f"key {number}")
            start.wait(PATIENCE_SECONDS)
            return notifier.notify(notice)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            for receipt in threads.map(notify, range(AT_ONCE)):
                _assert_receipt(receipt)

    def test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not(self) -> None:
        notifier = self.make_notifier()
        for name in _HOSTILE_NAMES:
            try:
                receipt = notifier.notify(replace(self.make_notice(), name=name, message=name))
            except NotificationError:
                continue
            _assert_receipt(receipt)

    def test_accepts_nothing_that_lacks_the_address_it_needs(self) -> None:
        notifier = self.make_notifier()
        if notifier.needs is None:
            return
        try:
            notifier.notify(replace(self.make_notice(), email=None, phone=None))
        except Exception:  # noqa: BLE001 - whatever it raises, it did not say that the notice has left
            return
        message = f"a notice without {notifier.needs.value} was accepted"
        raise AssertionError(message)


def _assert_receipt(receipt: object) -> None:
    assert isinstance(receipt, Receipt), f"notify returns a Receipt, not {receipt!r}"
    reference = receipt.reference
    assert reference is None or isinstance(reference, str), f"a reference is None or text, not {reference!r}"
