"""Files that are whole or not there."""

import stat
from pathlib import Path

import pytest

from launchplane_lane_driver.durable import make_folder_durably, write_durably


def test_a_file_is_replaced_whole_and_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o644)
    write_durably(file, b"new", mode=0o600)
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_durably(file, b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_durably(file, b"second", replace=False)
    assert file.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.mkdir()
    (folder / "content").touch()
    with pytest.raises(OSError, match="directory"):
        write_durably(folder, b"new")
    assert list(tmp_path.iterdir()) == [folder]


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    make_folder_durably(tmp_path / "a" / "b", mode=0o700)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "a" / "b").chmod(0o750)
    make_folder_durably(tmp_path / "a" / "b", mode=0o700)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o750
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        make_folder_durably(tmp_path / "file", mode=0o700)
