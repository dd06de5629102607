"""The runner: a part that collected nothing has failed, and the last line counts all parts."""

from pathlib import Path

import pytest

from tests import run

MIXED = """
import pytest

def test_passes(): pass
def test_fails(): assert False
@pytest.mark.skip
def test_is_skipped(): pass
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of tests that holds nothing yet."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:odoo\nmarkers = full: long\n")
    monkeypatch.setattr(run, "TESTS", tests)
    return tests


def test_a_part_without_tests_has_failed(folder: Path) -> None:
    (folder / "guard").mkdir()
    outcome = run.run_part("guard")
    assert outcome.has_failed
    assert outcome.problem == "no test was collected"


def test_a_part_without_a_folder_has_failed(folder: Path) -> None:
    assert run.run_part("guard").has_failed


def test_a_part_that_cannot_be_collected_has_failed(folder: Path) -> None:
    (folder / "guard").mkdir()
    (folder / "guard" / "test_broken.py").write_text("import nothing_of_this_name\n")
    assert run.run_part("guard").has_failed


def test_counts(folder: Path) -> None:
    (folder / "guard").mkdir()
    (folder / "guard" / "test_mixed.py").write_text(MIXED)
    outcome = run.run_part("guard")
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, 1)
    assert outcome.has_failed


def test_the_last_line_is_the_sum(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "BUDGETS", {"guard": 180, "driver": 180})
    for part in ("guard", "extra"):
        (folder / part).mkdir()
        (folder / part / "test_one.py").write_text("def test_one(): pass\n")
    assert run.run_all() == 1
    shown = capfd.readouterr().out.splitlines()
    assert shown[-1] == "2 passed, 1 failed, 0 skipped"
    assert any(line.startswith("extra ") for line in shown)
    assert any(line.startswith("driver ") and "FAILED" in line for line in shown)


def test_a_folder_that_is_a_part_of_its_own_runs_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "BUDGETS", {"driver": 180, "driver/work": 180})
    (folder / "driver" / "work").mkdir(parents=True)
    (folder / "driver" / "test_one.py").write_text("def test_one(): pass\n")
    (folder / "driver" / "work" / "test_two.py").write_text("def test_two(): pass\n")
    assert run.run_all() == 0
    assert capfd.readouterr().out.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"


def test_a_full_size_run_says_when_there_is_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "guard").mkdir()
    assert run.run_full("guard") == 1
    assert "has no full-size test yet" in capsys.readouterr().out
    assert run.run_full(None) == 2
    assert "The parts are: contracts, guard" in capsys.readouterr().out
