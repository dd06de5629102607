"""What is in the cache is complete, whoever was interrupted while building it."""

import threading
import time
from pathlib import Path

import pytest

from tests.real.cache import build_once, cache_folder
from tests.real.errors import RealPartMissing


def test_an_interrupted_build_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    target = tmp_path / "thing"

    def breaks(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(target, "a thing", breaks)
    assert not target.exists()
    build_once(target, "a thing", lambda folder: (folder / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_two_at_once_build_it_once(tmp_path: Path) -> None:
    builds: list[int] = []

    def build(folder: Path) -> None:
        builds.append(1)
        time.sleep(0.2)
        (folder / "whole").touch()

    runs = [
        threading.Thread(target=build_once, args=(tmp_path / "thing", "a thing", build))
        for _ in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert builds == [1]


def test_the_cache_is_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANE_AUTHORITY_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("LANE_AUTHORITY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "launchplane-lane-authority"


def test_a_cache_that_cannot_be_made_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LANE_AUTHORITY_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(RealPartMissing, match="Set LANE_AUTHORITY_CACHE to a folder"):
        cache_folder()
