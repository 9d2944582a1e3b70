"""Test mailboxes in a folder: the states of files, and files that are no messages."""

import os
from pathlib import Path

import pytest

from contracts.mail_source import BATCH, Taker
from leads_adapters.mail.maildir import Maildir
from leads_domain.mail_source import MailSourceUnavailable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_messages_that_a_mail_program_has_listed_are_unseen_until_they_have_the_flag(folder: Path) -> None:
    for name in ("cur/1.a:2,", "cur/2.a:2,FR", "cur/3.a:2,S", "cur/4.a:2,ST", "cur/5.a:2,T", "new/6.a", "tmp/7.a"):
        (folder / name).write_text(name)
    (folder / "new/.hidden").write_text("hidden")
    taker = Taker()
    assert Maildir(folder).deliver(taker, BATCH) == 3
    assert sorted(taker.messages) == [b"cur/1.a:2,", b"cur/2.a:2,FR", b"new/6.a"]
    assert {file.name for file in (folder / "cur").iterdir()} == {
        "1.a:2,S", "2.a:2,FRS", "3.a:2,S", "4.a:2,ST", "5.a:2,T", "6.a:2,S",
    }  # fmt: skip


def test_a_message_that_a_mail_program_renames_meanwhile_is_marked(folder: Path) -> None:
    (folder / "new/1.a").write_text("hello")

    def take(_: bytes) -> bool:
        (folder / "new/1.a").rename(folder / "cur/1.a:2,F")
        return True

    assert Maildir(folder).deliver(take, BATCH) == 1
    assert [file.name for file in (folder / "cur").iterdir()] == ["1.a:2,FS"]


def test_what_cannot_be_read_is_reported_after_all_others_are_delivered(folder: Path) -> None:
    os.mkfifo(folder / "new/0.pipe")
    (folder / "new/0.folder").mkdir()
    (folder / "new/0.link").symlink_to(folder / "new/0.folder")
    (folder / "new/1.a").write_text("hello")
    taker = Taker()
    source = Maildir(folder)
    with pytest.raises(MailSourceUnavailable, match=r"/new/0\.\w+ cannot be read: it is not a file\.$"):
        source.deliver(taker, BATCH)
    assert taker.messages == [b"hello"]
    (folder / "new/2.a").write_text("later")
    assert source.deliver(taker, 1) == 1  # files that cannot be read come last


def test_a_name_that_is_not_utf_8_can_be_logged(folder: Path) -> None:
    os.mkfifo(os.fsencode(folder / "new") + b"/\xff")
    with pytest.raises(MailSourceUnavailable) as raised:
        Maildir(folder).deliver(Taker(), BATCH)
    assert str(raised.value).encode().endswith("/new/\ufffd cannot be read: it is not a file.".encode())


def test_a_check_reports_a_folder_in_which_nothing_can_be_marked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Maildir(folder).check()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(MailSourceUnavailable, match=r"/new is not writable, so messages cannot be marked as seen\.$"):
        Maildir(folder).check()
