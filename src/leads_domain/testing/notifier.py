"""Test a notifier against its contract.

class TestPigeonNotifier(FollowUpNotifierContract):
    secrets = ("open sesame",)
    time_limit_seconds = 5

    def make_notifier(self) -> FollowUpNotifier:
        return PigeonNotifier(LOFT.url, password="open sesame", timeout=0.5)

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        LOFT.behaviour = behaviour

    def received(self) -> Sequence[Received]:
        return [Received(message=note.text, address=note.to, idempotency_key=note.id) for note in LOFT.notes]
"""

import sys
from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier

from leads_domain.notices import subject_of
from leads_domain.notifier import (
    Address,
    Checkable,
    FollowUpNotice,
    FollowUpNotifier,
    NoticeKind,
    NotificationError,
    Receipt,
    Refused,
    TryAgain,
)
from leads_domain.testing.outcomes import Call, assert_receipt, assert_same, normalize_line_ends, outcome_of
from leads_domain.testing.receiver import Behaviour, Received

THREADS = 8
_DIFFICULT_TEXTS = (
    "Doe, Jane",
    'Jane "JD" <jd@example.org>, Joe',
    "Jane\r\nBcc: eve@example.org",
    "Jane {email} {{name}} %s $HOME",
    "Ольга 祖冲之 محمد 👩🏽\u200d💻",
    "\u202eevil\u2066 \u2028 \x07",
    "=?utf-8?q?Jane=0D=0ABcc=3A_eve=40example.org?=",
    "J" * 200,
)


class FollowUpNotifierContract:
    """The tests of a notifier. Inherit from it, and implement `make_notifier`, `receiver_behaves` and `received`.

    The tests run one after the other and can share one receiver. Leave out tests of features that the channel cannot
    have: `class TestPostcards(FollowUpNotifierContract, without=["test_raises_refused_when_the_receiver_refuses"])`.
    """

    secrets: Collection[str] = ()
    """The secrets in the options of the notifier. No message may contain them."""

    time_limit_seconds: float = 30.0
    """The maximum duration of `notify`. For quick tests, use a short time-out and a limit just above it."""

    def __init_subclass__(cls, *, without: Collection[str] = ()) -> None:
        """Leave out the tests named in `without`. Test runners skip attributes that are None."""
        for name in without:
            assert callable(getattr(cls, name, None)), f"no test has the name {name}"
            setattr(cls, name, None)

    def make_notifier(self) -> FollowUpNotifier:
        """Return a new notifier that sends to the receiver."""
        raise NotImplementedError

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        """Set the behaviour of the receiver. At first it accepts notices."""
        raise NotImplementedError

    def received(self) -> Sequence[Received]:
        """Return all notices that the receiver has accepted, oldest first."""
        raise NotImplementedError

    def make_notice(self, number: int = 0) -> FollowUpNotice:
        """Return a notice that the channel accepts, to a different person for each number from 0 to 9.

        Override it if your channel accepts only certain addresses.
        """
        return FollowUpNotice(
            follow_up_id=f"019b8e1f-0000-7000-8000-00000000020{number}",
            lead_id=f"019b8e1f-0000-7000-8000-00000000010{number}",
            idempotency_key=f"019b8e1f-0000-7000-8000-00000000030{number}",
            attempt=1,
            channel="contract",
            name=f"Jane Roe {number}",
            email=f"jane-{number}@example.com",
            phone=f"+1202555012{number}",
            message=f"Hello Jane {number},\nshall we talk? 👋 It is about {number}0 %.",
            lead={
                "name": f"Jane Roe {number}",
                "email": f"jane-{number}@example.com",
                "phone": None,
                "status": "new",
                "owner": None,
            },
        )

    def test_declares_the_kind_of_address_that_it_needs(self) -> None:
        needs = self.make_notifier().needs
        assert needs is None or isinstance(needs, Address), f"needs must be None or an Address, not {needs!r}"

    def test_needs_no_other_address_than_it_declares(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        email = notice.email if notifier.needs is Address.EMAIL else None
        phone = notice.phone if notifier.needs is Address.PHONE else None
        self._send(notifier, replace(notice, email=email, phone=phone))

    def test_accepts_no_notice_without_the_address_that_it_needs(self) -> None:
        notifier, before = self.make_notifier(), len(self.received())
        if notifier.needs is None:
            return
        outcome = outcome_of(lambda: notifier.notify(replace(self.make_notice(), email=None, phone=None)))
        assert isinstance(outcome, Exception), f"a notice without {notifier.needs.value} was accepted"
        assert len(self.received()) == before, f"a notice without {notifier.needs.value} was sent"

    def test_returns_a_receipt_for_an_accepted_notice(self) -> None:
        assert_receipt(outcome_of(lambda: self.make_notifier().notify(self.make_notice())))

    def test_sends_a_notice_once_and_unchanged(self) -> None:
        self._send(self.make_notifier(), self.make_notice())

    def test_sends_the_message_of_a_notice_with_a_subject_and_details(self) -> None:
        notice = replace(self.make_notice(), subject="Jane Roe: Talk", details="Name: Jane Roe\nStatus: new")
        self._send(self.make_notifier(), notice)

    def test_sends_the_message_of_a_notice_with_an_unsubscribe_link(self) -> None:
        url = "https://leads.example.com/unsubscribe/contract"
        self._send(self.make_notifier(), replace(self.make_notice(), unsubscribe_url=url))

    def test_sends_a_digest(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        if notifier.needs is Address.PHONE:  # the settings refuse such a channel for digests
            return
        mia = notice.email or "mia@example.com"
        digest = replace(notice, kind=NoticeKind.DIGEST, lead_id="", lead={}, name=mia, email=mia, phone=None)
        self._send(notifier, replace(digest, subject="2 tasks overdue, 1 due today"))

    def test_does_not_change_the_notice(self) -> None:
        notice = self.make_notice()
        before = deepcopy(notice)
        self._send(self.make_notifier(), notice)
        assert notice == before, "the notice was changed"

    def test_lets_the_receiver_recognise_a_repeated_notice(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        first = self._send(notifier, notice)
        assert first.idempotency_key is not None, "the receiver got no idempotency key"
        repeated = self._send(notifier, replace(notice, attempt=2))
        assert repeated.idempotency_key == first.idempotency_key, "a repeated notice had another idempotency key"
        other = self._send(notifier, replace(notice, idempotency_key=self.make_notice(1).idempotency_key))
        assert other.idempotency_key != first.idempotency_key, "another notice had the same idempotency key"

    def test_keeps_no_state_between_notices(self) -> None:
        notifier = self.make_notifier()
        self._send(notifier, self.make_notice(0))
        self._error_of(Behaviour.FAILS, notifier, self.make_notice(1))
        self._send(notifier, self.make_notice(2))
        self._send(notifier, self.make_notice(3))

    def test_sends_notices_of_several_threads_at_once(self) -> None:
        notifier, start, before = self.make_notifier(), Barrier(THREADS), len(self.received())
        notices = [self.make_notice(number) for number in range(THREADS)]

        def notify(notice: FollowUpNotice) -> Receipt:
            start.wait(self.time_limit_seconds)
            return notifier.notify(notice)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # switch between threads as often as possible
        try:
            for call in [Call(partial(notify, notice)) for notice in notices]:
                assert_receipt(call.outcome(self.time_limit_seconds * THREADS))
        finally:
            sys.setswitchinterval(interval)
        arrived = self.received()[before:]
        assert len(arrived) == THREADS, f"{THREADS} notices were sent, {len(arrived)} were received"
        for notice in notices:
            matching = [
                each for each in arrived if normalize_line_ends(notice.message) in normalize_line_ends(each.message)
            ]
            assert len(matching) == 1, f"the message {notice.message!r} was received {len(matching)} times"
            assert_same(matching[0], notice, notifier.needs)
        keys = {each.idempotency_key for each in arrived} - {None}
        assert len(keys) in (0, THREADS), "notices that were sent at the same time had the same idempotency key"

    def test_sends_any_name_and_message_or_raises_an_error(self) -> None:
        notifier = self.make_notifier()
        for number, text in enumerate(_DIFFICULT_TEXTS):
            before = len(self.received())
            notice = replace(self.make_notice(number), name=text, message=text, subject=subject_of(text))
            outcome = outcome_of(partial(notifier.notify, notice))
            if isinstance(outcome, NotificationError):
                assert len(self.received()) == before, f"{text!r} was sent, but notify raised {outcome!r}"
            else:
                assert_receipt(outcome)
                # The notifier may clean a name or a subject, but must not change a message.
                assert_same(self._received_once_since(before), replace(notice, name="", subject=""), notifier.needs)

    def test_raises_try_again_when_the_receiver_fails(self) -> None:
        error = self._error_of(Behaviour.FAILS, self.make_notifier(), self.make_notice())
        assert isinstance(error, TryAgain), f"the receiver failed temporarily: raise TryAgain, not {error!r}"
        assert error.delay is None or isinstance(error.delay, timedelta), (
            f"a delay must be a timedelta, not {error.delay!r}"
        )

    def test_raises_refused_when_the_receiver_refuses(self) -> None:
        error = self._error_of(Behaviour.REFUSES, self.make_notifier(), self.make_notice())
        assert isinstance(error, Refused), f"the receiver refused the notice permanently: raise Refused, not {error!r}"

    def test_returns_no_receipt_before_the_receiver_accepts(self) -> None:
        outcome = self._outcome_while_hanging(self.make_notifier(), self.make_notice())
        assert not isinstance(outcome, Receipt), (
            "notify returned a receipt, but the receiver has not accepted the notice"
        )

    def test_raises_try_again_in_time_when_the_receiver_hangs(self) -> None:
        outcome = self._outcome_while_hanging(self.make_notifier(), self.make_notice())
        assert isinstance(outcome, TryAgain), f"the receiver did not respond: raise TryAgain in time, not {outcome!r}"

    def test_shows_no_secret(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        texts = [repr(notifier), str(notifier)]
        errors = [self._error_of(behaviour, notifier, notice) for behaviour in (Behaviour.FAILS, Behaviour.REFUSES)]
        # The service stores only the type of other errors.
        texts += [str(error) for error in errors if isinstance(error, NotificationError)]
        leaked = [secret for secret in self.secrets for text in texts if secret in text]
        assert not leaked, "the repr of the notifier or the text of an error contains a secret"

    def test_checks_the_channel_without_sending(self) -> None:
        notifier, before = self.make_notifier(), len(self.received())
        if not isinstance(notifier, Checkable):
            return
        error = outcome_of(notifier.check)
        assert error is None, f"the receiver accepts notices, but check raised {error!r}"
        assert len(self.received()) == before, "check sent a notice"

    def _send(self, notifier: FollowUpNotifier, notice: FollowUpNotice) -> Received:
        """Send a notice, and return it as received. Assert that it was received once, unchanged, before the receipt."""
        before = len(self.received())
        assert_receipt(outcome_of(partial(notifier.notify, notice)))
        received = self._received_once_since(before)
        assert_same(received, notice, notifier.needs)
        return received

    def _received_once_since(self, before: int) -> Received:
        arrived = self.received()[before:]
        assert len(arrived) == 1, f"one notice was sent, {len(arrived)} were received by the time of the receipt"
        return arrived[0]

    def _error_of(self, behaviour: Behaviour, notifier: FollowUpNotifier, notice: FollowUpNotice) -> Exception:
        """Return the error that `notify` raises while the receiver has this behaviour."""
        self.receiver_behaves(behaviour)
        try:
            outcome = outcome_of(partial(notifier.notify, notice))
        finally:
            self.receiver_behaves(Behaviour.ACCEPTS)
        assert isinstance(outcome, Exception), f"the receiver {behaviour.value}, but notify returned {outcome!r}"
        return outcome

    def _outcome_while_hanging(self, notifier: FollowUpNotifier, notice: FollowUpNotice) -> Receipt | Exception:
        """Return the outcome of a notice that is sent while the receiver hangs."""
        self.receiver_behaves(Behaviour.HANGS)
        try:
            return Call(partial(notifier.notify, notice)).outcome(self.time_limit_seconds)
        finally:
            self.receiver_behaves(Behaviour.ACCEPTS)
