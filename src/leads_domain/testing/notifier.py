"""The contract of notifiers, as tests.

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

from leads_domain.notifier import (
    Address,
    Checkable,
    FollowUpNotice,
    FollowUpNotifier,
    NotificationError,
    Receipt,
    Refused,
    TryAgain,
)
from leads_domain.testing.outcomes import Call, assert_receipt, assert_same, outcome_of, same_line_ends
from leads_domain.testing.receiver import Behaviour, Received

AT_ONCE = 8
_TEXTS_OF_ANY_KIND = (
    "Doe, Jane",
    'Jane "JD" <jd@example.org>, Joe',
    "Jane\r\nBcc: eve@example.org",
    "Jane {email} {{name}} %s $HOME",
    "Ольга 祖冲之 محمد 👩🏽\u200d💻",
    "\u202eevil\u2066 \u2028 \x07",
    "J" * 200,
)


class FollowUpNotifierContract:
    """Inherit from it, and say how your notifier is made and what its receiver does.

    The receiver may be shared by all tests, one after the other. Tests of what a channel cannot do at all are left out
    by name: `class TestPostcards(FollowUpNotifierContract, without=["test_says_refused_when_the_receiver_refuses"])`.
    """

    secrets: Collection[str] = ()
    """Secrets among the options that the notifier is made of; no text may hold them."""

    time_limit_seconds: float = 30.0
    """How long the notifier may take. With a short time-out and a limit a little above it, the tests are quick."""

    def __init_subclass__(cls, *, without: Collection[str] = ()) -> None:
        """Leave tests out: runners pass over a None."""
        for name in without:
            assert callable(getattr(cls, name, None)), f"there is no test {name}"
            setattr(cls, name, None)

    def make_notifier(self) -> FollowUpNotifier:
        """Return a notifier that is ready to send to the receiver; each test makes its own."""
        raise NotImplementedError

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        """Let the receiver behave like this from now on. At first it accepts."""
        raise NotImplementedError

    def received(self) -> Sequence[Received]:
        """Return everything that the receiver has accepted, the oldest first."""
        raise NotImplementedError

    def make_notice(self, number: int = 0) -> FollowUpNotice:
        """Return a notice that the channel accepts, for another person with each number from 0 to 9.

        Override it if yours is particular about addresses.
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
        assert needs is None or isinstance(needs, Address), f"needs is None or an Address, not {needs!r}"

    def test_needs_no_other_address_than_it_declares(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        email = notice.email if notifier.needs is Address.EMAIL else None
        phone = notice.phone if notifier.needs is Address.PHONE else None
        self._sends(notifier, replace(notice, email=email, phone=phone))

    def test_accepts_nothing_that_lacks_the_address_it_needs(self) -> None:
        notifier, before = self.make_notifier(), len(self.received())
        if notifier.needs is None:
            return
        outcome = outcome_of(lambda: notifier.notify(replace(self.make_notice(), email=None, phone=None)))
        assert isinstance(outcome, Exception), f"a notice without {notifier.needs.value} was accepted"
        assert len(self.received()) == before, f"a notice without {notifier.needs.value} was sent"

    def test_gives_a_receipt_for_what_it_accepted(self) -> None:
        assert_receipt(outcome_of(lambda: self.make_notifier().notify(self.make_notice())))

    def test_sends_a_notice_once_and_as_it_is(self) -> None:
        self._sends(self.make_notifier(), self.make_notice())

    def test_leaves_the_notice_as_it_was(self) -> None:
        notice = self.make_notice()
        before = deepcopy(notice)
        self._sends(self.make_notifier(), notice)
        assert notice == before, "the notice was changed"

    def test_lets_the_receiver_tell_a_repeat_from_another_notice(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        first = self._sends(notifier, notice)
        assert first.idempotency_key is not None, "no idempotency key came along"
        repeated = self._sends(notifier, replace(notice, attempt=2))
        assert repeated.idempotency_key == first.idempotency_key, "a repeat came with another idempotency key"
        other = self._sends(notifier, replace(notice, idempotency_key=self.make_notice(1).idempotency_key))
        assert other.idempotency_key != first.idempotency_key, "another notice came with the same idempotency key"

    def test_keeps_nothing_from_one_notice_to_the_next(self) -> None:
        notifier = self.make_notifier()
        self._sends(notifier, self.make_notice(0))
        self._fails(Behaviour.FAILS, notifier, self.make_notice(1))
        self._sends(notifier, self.make_notice(2))
        self._sends(notifier, self.make_notice(3))

    def test_sends_notices_of_several_threads_at_once(self) -> None:
        notifier, start, before = self.make_notifier(), Barrier(AT_ONCE), len(self.received())
        notices = [self.make_notice(number) for number in range(AT_ONCE)]

        def notify(notice: FollowUpNotice) -> Receipt:
            start.wait(self.time_limit_seconds)
            return notifier.notify(notice)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # threads get in each other's way as often as they can
        try:
            for call in [Call(partial(notify, notice)) for notice in notices]:
                assert_receipt(call.outcome(self.time_limit_seconds * AT_ONCE))
        finally:
            sys.setswitchinterval(interval)
        arrived = self.received()[before:]
        assert len(arrived) == AT_ONCE, f"{AT_ONCE} notices were sent, {len(arrived)} were received"
        for notice in notices:
            matching = [each for each in arrived if same_line_ends(notice.message) in same_line_ends(each.message)]
            assert len(matching) == 1, f"the message {notice.message!r} was received {len(matching)} times"
            assert_same(matching[0], notice, notifier.needs)
        keys = {each.idempotency_key for each in arrived} - {None}
        assert len(keys) in (0, AT_ONCE), "notices that were sent at once shared an idempotency key"

    def test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not(self) -> None:
        notifier = self.make_notifier()
        for number, text in enumerate(_TEXTS_OF_ANY_KIND):
            before = len(self.received())
            notice = replace(self.make_notice(number), name=text, message=text)
            outcome = outcome_of(partial(notifier.notify, notice))
            if isinstance(outcome, NotificationError):
                assert len(self.received()) == before, f"{text!r} was sent, though the notifier says that it was not"
            else:
                assert_receipt(outcome)
                # A name with line breaks or control characters may be tidied up; a message may not.
                assert_same(self._one_since(before), replace(notice, name=""), notifier.needs)

    def test_says_try_again_when_the_receiver_fails(self) -> None:
        error = self._fails(Behaviour.FAILS, self.make_notifier(), self.make_notice())
        assert isinstance(error, TryAgain), f"the receiver failed for now; that is TryAgain, not {error!r}"
        assert error.delay is None or isinstance(error.delay, timedelta), f"a delay is a timedelta, not {error.delay!r}"

    def test_says_refused_when_the_receiver_refuses(self) -> None:
        error = self._fails(Behaviour.REFUSES, self.make_notifier(), self.make_notice())
        assert isinstance(error, Refused), f"the receiver refused the notice for good; that is Refused, not {error!r}"

    def test_gives_no_receipt_before_the_receiver_has_accepted(self) -> None:
        outcome = self._while_hanging(self.make_notifier(), self.make_notice())
        assert not isinstance(outcome, Receipt), "a receipt was given, though the receiver has not accepted anything"

    def test_says_try_again_in_time_when_the_receiver_hangs(self) -> None:
        outcome = self._while_hanging(self.make_notifier(), self.make_notice())
        assert isinstance(outcome, TryAgain), f"the receiver did not answer; that is TryAgain, not {outcome!r}"

    def test_tells_no_secret(self) -> None:
        notifier, notice = self.make_notifier(), self.make_notice()
        texts = [repr(notifier), str(notifier)]
        errors = [self._fails(behaviour, notifier, notice) for behaviour in (Behaviour.FAILS, Behaviour.REFUSES)]
        texts += [str(error) for error in errors if isinstance(error, NotificationError)]  # of others, the type
        leaked = [secret for secret in self.secrets for text in texts if secret in text]
        assert not leaked, "a secret stands in the notifier's repr or in the text of an error"

    def test_checks_the_channel_without_sending(self) -> None:
        notifier, before = self.make_notifier(), len(self.received())
        if not isinstance(notifier, Checkable):
            return
        error = outcome_of(notifier.check)
        assert error is None, f"the receiver accepts notices, but check says {error!r}"
        assert len(self.received()) == before, "check sent something"

    def _sends(self, notifier: FollowUpNotifier, notice: FollowUpNotice) -> Received:
        """Send `notice`, check that it arrived once, unchanged, and before the receipt, and return what arrived."""
        before = len(self.received())
        assert_receipt(outcome_of(partial(notifier.notify, notice)))
        received = self._one_since(before)
        assert_same(received, notice, notifier.needs)
        return received

    def _one_since(self, before: int) -> Received:
        arrived = self.received()[before:]
        assert len(arrived) == 1, f"one notice was sent, {len(arrived)} were received by the time of the receipt"
        return arrived[0]

    def _fails(self, behaviour: Behaviour, notifier: FollowUpNotifier, notice: FollowUpNotice) -> Exception:
        """Return the error that is raised when the receiver behaves like this."""
        self.receiver_behaves(behaviour)
        try:
            outcome = outcome_of(partial(notifier.notify, notice))
        finally:
            self.receiver_behaves(Behaviour.ACCEPTS)
        assert isinstance(outcome, Exception), f"the receiver {behaviour.value}; notify returned {outcome!r}"
        return outcome

    def _while_hanging(self, notifier: FollowUpNotifier, notice: FollowUpNotice) -> Receipt | Exception:
        """Return the outcome of `notice` while the receiver hangs."""
        self.receiver_behaves(Behaviour.HANGS)
        try:
            return Call(partial(notifier.notify, notice)).outcome(self.time_limit_seconds)
        finally:
            self.receiver_behaves(Behaviour.ACCEPTS)
