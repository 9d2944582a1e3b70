"""Test that the notifier in the README passes the contract, except for refusals."""

from pathlib import Path
from typing import Any

import pytest

from e2e.readme import block
from leads_domain.notifier import FollowUpNotifier
from leads_domain.testing import Behaviour, FollowUpNotifierContract, Received

SOURCE = block("class ProgramNotifier")
WITH_SHORT_TIMEOUT = SOURCE.replace("timeout=20", "timeout=1")
assert WITH_SHORT_TIMEOUT != SOURCE

PROGRAM = """#!/bin/sh
cd "$(dirname "$0")"
while test -e HANGS; do sleep 0.02; done
test -e ACCEPTS || exit 1
cat > "sent/$(date +%s%N) $1"
"""

names: dict[str, Any] = {}
exec(WITH_SHORT_TIMEOUT, names)


class TestProgramNotifier(FollowUpNotifierContract, without=["test_raises_refused_when_the_receiver_refuses"]):
    folder: Path

    @pytest.fixture(autouse=True)
    def write_program(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        (tmp_path / "sent").mkdir()
        (tmp_path / "program").write_text(PROGRAM, "utf-8")
        (tmp_path / "program").chmod(0o700)
        self.receiver_behaves(Behaviour.ACCEPTS)

    def make_notifier(self) -> FollowUpNotifier:
        notifier: FollowUpNotifier = names["ProgramNotifier"]({"program": str(self.folder / "program")})
        return notifier

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        for each in Behaviour:
            (self.folder / each.name).unlink(missing_ok=True)
        (self.folder / behaviour.name).touch()

    def received(self) -> list[Received]:
        files = sorted((self.folder / "sent").iterdir())
        return [
            Received(message=file.read_bytes().decode(), idempotency_key=file.name.partition(" ")[2]) for file in files
        ]
