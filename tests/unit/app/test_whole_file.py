"""Test that commands write files completely or not at all."""

import os
import stat
from errno import ENOSPC
from pathlib import Path
from threading import Thread

import pytest

from leads_app.cli.whole_file import whole_file

ANOTHER_USER = 65534


def write(path: Path, interrupted_by: BaseException | None = None) -> None:
    with whole_file(path) as stream:
        stream.write(b"new")
        if interrupted_by:
            raise interrupted_by


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_private_with_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "leads.csv")
    finally:
        os.umask(before)
    assert (tmp_path / "leads.csv").read_bytes() == b"new"
    assert mode(tmp_path / "leads.csv") == 0o600


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o644])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, bits: int) -> None:
    (tmp_path / "leads.csv").write_bytes(b"old")
    (tmp_path / "leads.csv").chmod(bits)
    write(tmp_path / "leads.csv")
    assert (tmp_path / "leads.csv").read_bytes() == b"new"
    assert mode(tmp_path / "leads.csv") == bits


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link_and_its_target_gets_the_content(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    if exists:
        (folder / "target.csv").write_bytes(b"old")
    (tmp_path / "second").symlink_to(folder / "target.csv")
    (tmp_path / "leads.csv").symlink_to("second")
    write(tmp_path / "leads.csv")
    assert (tmp_path / "leads.csv").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (folder / "target.csv").read_bytes() == b"new"


def test_a_link_that_appears_meanwhile_is_replaced_and_not_followed(tmp_path: Path) -> None:
    with whole_file(tmp_path / "leads.csv") as stream:
        (tmp_path / "leads.csv").symlink_to("target.csv")
        stream.write(b"new")
    assert not (tmp_path / "leads.csv").is_symlink()
    assert (tmp_path / "leads.csv").read_bytes() == b"new"
    assert not (tmp_path / "target.csv").exists()


@pytest.mark.parametrize("theirs", ["leads.csv", "target.csv"])
def test_a_link_or_file_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    (tmp_path / "target.csv").write_bytes(b"old")
    (tmp_path / "leads.csv").symlink_to("target.csv")
    if os.geteuid() == 0:
        os.chown(tmp_path / theirs, ANOTHER_USER, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: ANOTHER_USER)
    for path in {tmp_path / "leads.csv", tmp_path / theirs}:
        with pytest.raises(PermissionError, match="belongs to another user"):
            write(path)
    assert (tmp_path / "target.csv").read_bytes() == b"old"


def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "leads.csv"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert read == [b"new"]
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_is_written_to_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").symlink_to("/dev/null")
    write(tmp_path / "leads.csv")
    assert Path("/dev/null").is_char_device()
    assert list(tmp_path.iterdir()) == [tmp_path / "leads.csv"]


def test_a_full_disk_is_reported_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as error:
        write(tmp_path / "leads.csv", OSError(ENOSPC, "No space left on device"))
    assert str(error.value).endswith(f": '{tmp_path / 'leads.csv'}'")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "leads.csv").write_bytes(b"old")
    with pytest.raises(error):
        write(tmp_path / "leads.csv", error())
    assert (tmp_path / "leads.csv").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "leads.csv"]


def test_an_unfinished_file_of_another_process_stays(tmp_path: Path) -> None:
    (tmp_path / "leads.csv.unfinished").write_bytes(b"theirs")
    write(tmp_path / "leads.csv")
    assert (tmp_path / "leads.csv.unfinished").read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["nowhere/leads.csv", "."])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="Errno") as error:
        write(tmp_path / name)
    assert str(error.value).endswith(f": '{tmp_path / name}'")


def test_a_full_device_is_reported() -> None:
    with pytest.raises(OSError, match="No space left"):
        write(Path("/dev/full"))
