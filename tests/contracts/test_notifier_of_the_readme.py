"""The notifier that the README shows keeps the whole contract, in under twenty lines."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from e2e.readme import block
from homeserver import ROOM, TOKEN, Answer, Homeserver, a_homeserver
from leads_domain.notifier import FollowUpNotifier
from leads_domain.testing import Behaviour, FollowUpNotifierContract, Received

SOURCE = block("class MatrixNotifier")
ANSWERS = {
    Behaviour.ACCEPTS: None,
    Behaviour.FAILS: Answer(503),
    Behaviour.REFUSES: Answer(413),
    Behaviour.HANGS: Answer(None),
}


@pytest.fixture(scope="module")
def homeserver() -> Iterator[Homeserver]:
    with a_homeserver() as server:
        yield server


class TestNotifierOfTheReadme(FollowUpNotifierContract):
    secrets = (TOKEN,)
    time_limit_seconds = 10.0

    @pytest.fixture(autouse=True)
    def _with(self, homeserver: Homeserver) -> None:
        self._homeserver = homeserver

    def make_notifier(self) -> FollowUpNotifier:
        impatient = SOURCE.replace("timeout=20", "timeout=1")
        assert impatient != SOURCE
        module: dict[str, Any] = {}
        exec(impatient, module)
        notifier: FollowUpNotifier = module["MatrixNotifier"](
            {"url": self._homeserver.url, "room": ROOM, "token": TOKEN}
        )
        return notifier

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self._homeserver.answer(ANSWERS[behaviour])

    def received(self) -> Sequence[Received]:
        return [
            Received(message=sent.content["body"], idempotency_key=sent.transaction) for sent in self._homeserver.sent
        ]


def test_it_has_less_than_twenty_lines() -> None:
    assert len([line for line in SOURCE.splitlines() if line.strip()]) < 20
